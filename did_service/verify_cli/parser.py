"""The parser of `did-verify`: argparse, with our complaints and help in the reader's language.

Nothing but argparse is loaded here: a run that asks for no help reads no text. Texts are found
by their place (`trust.pin.--fingerprint`), or by its last word where commands share them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NoReturn

from did_service.program.streams import write_out

TOPIC = "help_did-verify"
_EXAMPLES = {
    "": """\
  did-verify trust pin policy.json --fingerprint "1f0c 88a2 …"
  did-verify trust import newest.bundle.jsonl.gz
  did-verify challenge --audience window-3 --out ask.json
  wallet present residence-permit-1 --request ask.json --out shown.vp.json
  did-verify check shown.vp.json""",
    "check": """\
  did-verify check shown.vp.json
  did-verify check permit.vc.json --document --tier field
  did-verify check shown.vp.json --policy policy.json --nonce "$N" \\
    --audience window-3
  did-verify check shown.vp.json --json | jq .data.outcome""",
    "challenge": """\
  did-verify challenge --audience window-3 --out ask.json
  did-verify challenge --out ask.json --force
  did-verify challenge --json | jq .data.request""",
    "completion": "  did-verify completion bash >> ~/.bashrc",
    "did": """\
  did-verify did did.jsonl --witness did-witness.json
  did-verify did did.jsonl --version-number 1 --json | jq .data.document""",
    "trust.pin": """\
  did-verify trust pin policy.json \\
    --fingerprint "1f0c 88a2 5d7e 0b13 92c4 6e11 a9d0 7b3f\"""",
}


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Examples stand as they are written; names and texts get room side by side."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=80)


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are raised, to be said like all others; help is an answer.

    What follows a command's name is described when that command is met: a run knows one.
    """

    def __init__(
        self,
        *,
        language: str,
        place: str = "",
        prog: str = "",
        describe: Callable[[Parser], None] | None = None,
    ) -> None:
        super().__init__(prog, add_help=False, allow_abbrev=False, formatter_class=_Formatter)
        self._language, self._place, self._describe = language, place, describe
        self._commands: dict[str, Parser] = {}
        self.add_argument("-h", "--help", action="help")

    def understand(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse the command line.

        Raises:
            UsageError: `usage`.
        """
        self.describe_named(words)
        namespace, left = self.parse_known_args(words)
        if left:
            parser = self
            for name in (namespace.command, getattr(namespace, "action", None)):
                parser = parser._commands.get(name or "", parser)
            what, kind = (
                ("no such option", "option")
                if left[0].startswith("-")
                else ("not expected here:", "extra")
            )
            given = _quoted(left[0])
            parser.refuse(f"{what} {given}", left[0], parser.names(), _zh(kind, given=given))
        return namespace

    def commands(self, dest: str, metavar: str) -> argparse._SubParsersAction[Parser]:
        """Let commands follow."""
        return self.add_subparsers(
            dest=dest, metavar=metavar, required=True, parser_class=Parser
        )

    def command(
        self,
        group: argparse._SubParsersAction[Parser],
        name: str,
        describe: Callable[[Parser], None],
    ) -> None:
        """Add a command below this one; `describe` adds what follows its name."""
        place = f"{self._place}.{name}" if self._place else name
        self._commands[name] = group.add_parser(
            name, help="", language=self._language, place=place, describe=describe
        )

    def described(self) -> Parser:
        """Return it with what follows its name."""
        describe, self._describe = self._describe, None
        if describe is not None:
            describe(self)
        return self

    def describe_named(self, words: Sequence[str]) -> None:
        """Describe the commands that may be meant: no other word than its name calls one."""
        for name, below in self._commands.items():
            if name in words:
                below.described().describe_named(words)

    def names(self) -> Iterator[str]:
        """Yield the names of all options and commands."""
        for action in self._actions:
            yield from action.option_strings
        yield from self._commands

    def below(self) -> dict[str, Parser]:
        """Return the commands below this one."""
        return {name: below.described() for name, below in self._commands.items()}

    def refuse(
        self, message: str, word: str = "", names: Iterable[str] = (), zh: str | None = None
    ) -> NoReturn:
        """Refuse the command line.

        Args:
            message: What is wrong; what was typed is quoted.
            word: What was typed, and is misspelt perhaps.
            names: What it may mean.
            zh: The message in Chinese; None where the names in it say all.

        Raises:
            UsageError: `usage`.
        """
        from did_service.core.errors import UsageError  # noqa: PLC0415 - not for --help
        from did_service.program.suggesting import nearest  # noqa: PLC0415 - likewise

        suggestion = nearest(word, names)
        refusal = UsageError("usage", message, command=self.prog, suggestion=suggestion)
        refusal.message_zh = zh
        raise refusal

    def error(self, message: str) -> NoReturn:
        """Refuse what argparse refuses, in its words."""
        from did_service.core.text import printable  # noqa: PLC0415 - not for --help

        what, required, names = printable(message).partition("required: ")
        if required:
            self.refuse(f"{what}{required}{_quoted(names)}", zh=_zh("missing", name=names))
        self.refuse(what, zh=_argparse_zh(what))

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """Refuse a word that is no command or choice, and say which may be meant."""
        if action.choices is not None and value not in action.choices:
            what = "command" if isinstance(action, argparse._SubParsersAction) else "choice"  # noqa: SLF001 - argparse has no other name for it
            names = [str(each) for each in action.choices]
            among = "" if what == "command" else f": {', '.join(names)}"
            given, allowed = _quoted(value), "、".join(names)
            name = "/".join(action.option_strings) or str(action.metavar or action.dest)
            zh = _zh(what, name=name, given=given, allowed=allowed)
            self.refuse(f"no such {what} {given}{among}", str(value), names, zh)

    def format_help(self) -> str:
        """Return the help in the reader's language."""
        texts = _Texts(self._language)
        for group, title in ((self._positionals, "arguments"), (self._optionals, "options")):
            group.title = texts.at("", title)
        for action in self._actions:
            name = action.option_strings[-1] if action.option_strings else str(action.metavar)
            action.help = (
                None
                if self._commands and not action.option_strings
                else (texts.at(self._place, name))
            )
            for line in getattr(action, "_choices_actions", ()):
                line.help = texts.at(self._place, line.dest)
        told = texts.at("", "help" if not self._place else self._place)
        self.description = "\n".join(row for line in told.split("\n") for row in _rows(line))
        if self._place in _EXAMPLES:
            self.epilog = f"{texts.at('', 'examples')}:\n{_EXAMPLES[self._place]}\n"
        if not self._place:
            self.epilog = f"{self.epilog}\n{texts.at('', 'exits')}\n"
        usage = super().format_help()
        return f"{texts.at('', 'usage')}: {usage.removeprefix('usage: ')}"

    def _print_message(self, message: str, file: object = None) -> None:  # noqa: ARG002 - argparse calls it so
        """Print help or version; argparse itself would say nothing of a full disk."""
        write_out(message)


def _rows(line: str) -> list[str]:
    """Return a line in rows of a screen; Chinese has no spaces, and is written short."""
    import textwrap  # noqa: PLC0415 - for --help alone

    return textwrap.wrap(line, 80, break_long_words=False) or [line]


class _Texts:
    """Texts of help in one language, or in both."""

    def __init__(self, language: str) -> None:
        from did_service.program.words import read_help  # noqa: PLC0415 - for --help alone

        tongues = (language,) if language in ("zh", "en") else ("zh", "en")
        self._tables = [read_help(tongue, TOPIC) for tongue in tongues]

    def at(self, place: str, name: str) -> str:
        """Return the text of a name at a place, else that of the name wherever it stands."""
        whole = f"{place}.{name}" if place else name
        texts = [table.get(whole) or table[name] for table in self._tables]
        return texts[0] if len({*texts}) == 1 else " ".join(texts)


# What argparse says, and which sentence of ours means the same.
_ARGPARSE = (
    (r"argument (?P<name>\S+): invalid int value: '(?P<given>.*)'", "integer"),
    (r"argument (?P<name>\S+): expected one argument", "needs_value"),
    (r"argument (?P<name>\S+): ignored explicit argument .*", "no_value"),
    (r"argument (?P<name>\S+): not allowed with argument (?P<given>\S+)", "together"),
)


def _argparse_zh(message: str) -> str | None:
    """Return in Chinese what argparse has refused; None for what is none of these."""
    import re  # noqa: PLC0415 - not for --help

    for pattern, kind in _ARGPARSE:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            parts = found.groupdict()
            if kind == "integer":
                parts["given"] = _quoted(parts["given"])
            return _zh(kind, **parts)
    return None


def _zh(kind: str, **parts: str) -> str:
    from did_service.program.words import refused_zh  # noqa: PLC0415 - not for --help

    return refused_zh(kind, **parts)


def _quoted(word: object) -> str:
    from did_service.core.text import quote  # noqa: PLC0415 - not for --help

    return quote(word)
