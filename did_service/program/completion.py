"""Scripts that let a shell complete a program's commands and options.

    wallet completion bash >> ~/.bashrc

One script a shell, written from the tree of commands: what may follow each command stands in
it, so that completing a word starts no program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

SHELLS = ("bash", "zsh", "fish")

CommandTree: TypeAlias = Mapping[str, Sequence[str]]
"""What may follow each command, by its words: `""` is the program, `cred show` a command."""

_BASH = """\
_NAME_words() {
  case "$1" in
CASES
  esac
}
_NAME() {
  local at word path="" cur="${COMP_WORDS[COMP_CWORD]}"
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="${COMP_WORDS[at]}"
    if [[ " $(_NAME_words "$path") " == *" $word "* && "$word" != -* ]]; then
      path="${path:+$path }$word"
    fi
  done
  COMPREPLY=($(compgen -W "$(_NAME_words "$path")" -- "$cur"))
}
complete -o default -F _NAME PROGRAM
"""
_ZSH = """\
autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
"""
_FISH = """\
function _NAME_words
  switch "$argv[1]"
CASES
  end
end
function _NAME
  set -l path
  for word in (commandline -opc)[2..]
    if string match -qv -- '-*' $word; and contains -- $word (_NAME_words "$path")
      set path $path $word
    end
  end
  _NAME_words "$path"
end
complete -c PROGRAM -a '(_NAME)'
"""


def script(program: str, shell: str, tree: CommandTree) -> str:
    """Return the script of a shell.

    Args:
        program: Its name, as it is typed.
        shell: One of `SHELLS`.
        tree: Names of ours alone: letters, digits and hyphens.
    """
    if shell == "fish":
        cases = [
            f"    case '{path}'\n      string split ' ' -- '{_line(names)}'"
            for path, names in tree.items()
        ]
        text = _FISH
    else:
        cases = [f'    "{path}") echo "{_line(names)}" ;;' for path, names in tree.items()]
        text = _BASH if shell == "bash" else _ZSH + _BASH
    name = program.replace("-", "_")
    text = text.replace("_NAME", f"_{name}").replace("PROGRAM", program)
    return text.replace("CASES", "\n".join(cases))


def _line(names: Sequence[str]) -> str:
    return " ".join(names)
