"""Help, completion and "did you mean": alike in three programs, in the reader's language."""

import re
import shutil
import subprocess
from collections.abc import Iterator

import click
import pytest

from did_service.cli.__main__ import cli
from did_service.core.text import width
from did_service.node import setting_table
from did_service.program.completion import SHELLS
from did_service.program.suggesting import nearest
from did_service.program.words import FOLDER, read_help
from did_service.verify_cli.arguments import parser_in
from did_service.verify_cli.parser import TOPIC, Parser
from tests.cli.test_bad_input import PROGRAMS
from wallet_cli.commands import wallet as wallet_commands

pytestmark = pytest.mark.clock

CHINESE = re.compile("[\u4e00-\u9fff]")
REMARK = re.compile(r"  (.*?\S) {2,}(\S.*)")
COLUMNS = 80
CLICK_OWN = {"-h", "--help", "--version", "--json"}


def of_click(command: click.Command, ctx: click.Context, words=()) -> Iterator[tuple]:
    yield words, command, ctx
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            found = command.get_command(ctx, name)
            yield from of_click(found, click.Context(found, ctx, name), (*words, name))


def of_argparse(parser: Parser, words=()) -> Iterator[tuple[str, ...]]:
    yield words
    for name, below in parser.below().items():
        yield from of_argparse(below, (*words, name))


SETTINGS = setting_table.WORDS
ROOTS = {"wallet": wallet_commands, "did-service": cli}
TREES = {
    name: [*of_click(root, click.Context(root, info_name=name, **root.context_settings))]
    for name, root in ROOTS.items()
}
COMMANDS = [(name, words) for name, tree in TREES.items() for words, _, _ in tree]
COMMANDS += [("did-verify", words) for words in of_argparse(parser_in("en"))]


def places(name: str) -> Iterator[str]:
    """Every place of a click program that has a text."""
    for words, command, ctx in TREES[name]:
        if words:
            yield ".".join(words)
        yield ".".join([*words, "help"])
        for each in command.get_params(ctx):
            if isinstance(each, click.Option) and not each.hidden:
                yield ".".join([*words, each.opts[0]])
        lines = (command.epilog or "").rstrip().split("\n")
        yield from (".".join([*words, f"$ {m[1]}"]) for m in map(REMARK.fullmatch, lines) if m)
        beside = [line for line in lines if line and not line.startswith("  ")]
        yield from (".".join([*words, f"line.{n}"]) for n in range(1, len(beside) + 1))


@pytest.mark.parametrize("name", ROOTS)
def test_every_text_of_help_has_its_chinese_and_no_chinese_is_left_over(name):
    own, shared = read_help("zh", f"help_{name}"), read_help("zh", "help")
    wanted = {*places(name)}
    assert own.keys() <= wanted
    for place in wanted - own.keys():
        last = place.rpartition(".")[2]
        assert place in shared or last in CLICK_OWN & shared.keys(), place
    assert all(CHINESE.search(text) for text in [*own.values(), *shared.values()])


def test_help_of_did_verify_has_the_same_texts_in_each_language():
    zh, en = read_help("zh", TOPIC), read_help("en", TOPIC)
    assert [*zh] == [*en]
    printed = {
        language: "".join(
            PROGRAMS["did-verify"](*words, "-h", "--lang", language).out
            for words in of_argparse(parser_in("en"))
        )
        for language in ("zh", "en")
    }
    for language, table in (("zh", zh), ("en", en)):
        said = re.sub(r"\s+", "", printed[language])
        assert [p for p, text in table.items() if re.sub(r"\s+", "", text) not in said] == []
    assert not CHINESE.search(printed["en"])


@pytest.mark.parametrize(("program", "words"), COMMANDS)
def test_help_is_given_for_h_in_the_readers_language(program, words):
    for language in ("zh", "en"):
        short, long = (
            PROGRAMS[program](*words, flag, "--lang", language) for flag in ("-h", "--help")
        )
        assert (short.exit, short.out) == (0, long.out)
        if language == "zh":
            assert CHINESE.search(short.out)
            assert not re.search(
                r"[Uu]sage:|[Oo]ptions:|Commands:|positional|show this|Show this|\[required\]",
                short.out,
            )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_help_of_a_service_speaks_of_no_other_kind(language):
    agency = {"zh": "所属地区", "en": "Its region"}[language]
    for kind in ("region", "registry", "witness", "agency"):
        told = PROGRAMS["did-service"](kind, "status", "-h", "--lang", language).out
        assert (agency in told) == (kind == "agency")
        assert "an agency" not in told


@pytest.mark.parametrize(("program", "words"), COMMANDS)
def test_help_fits_a_screen_of_80_columns(program, words):
    """Nothing breaks Chinese, which has no spaces, for us; a command is broken as shells do."""
    for language in ("zh", "en"):
        lines = PROGRAMS[program](*words, "-h", "--lang", language).out.splitlines()
        assert [line for line in lines if width(line) > COLUMNS] == []


def test_a_long_example_is_broken_where_a_shell_reads_on():
    out = PROGRAMS["wallet"]("apply", "-h", "--lang", "en").out
    rows = [line for line in out.splitlines() if line.endswith("\\")]
    assert rows
    for row in rows:
        at = out.index(row) + len(row)
        assert out[at:].startswith("\n    --")


@pytest.mark.parametrize(
    ("program", "words", "meant"),
    [
        ("wallet", ["lsit"], None),
        ("wallet", ["presnt"], "present"),
        ("wallet", ["cred", "lst"], "list"),
        ("wallet", ["cred", "list", "--jsno"], "--json"),
        ("did-verify", ["chek"], "check"),
        ("did-verify", ["trust", "pni"], "pin"),
        ("did-verify", ["check", "x", "--bundel"], "--bundle"),
        ("did-verify", ["check", "x", "--tier", "onlin"], "online"),
        ("did-service", ["bundel"], "bundle"),
        ("did-service", ["bundle", "--polcy", "x"], "--policy"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_one_that_may_be_meant(program, words, meant):
    for language, asks in (("en", "did you mean {}?"), ("zh", "是否要输入 {}？")):
        run = PROGRAMS[program](*words, "--lang", language)
        assert run.exit == 2
        hint = run.err.splitlines()[-1]
        assert hint.endswith(asks.format(meant) if meant else "--help")
        assert run.err.lower().count("did you mean") <= 1
        assert run.err.count("--help") <= 1


def test_nothing_is_suggested_for_what_is_like_nothing():
    assert nearest("x" * 1_000_000, ["check"]) is None
    assert nearest("", []) is None


@pytest.mark.parametrize("program", PROGRAMS)
def test_completion_is_a_script_of_each_shell(program):
    for shell in SHELLS:
        run = PROGRAMS[program]("completion", shell)
        assert (run.exit, run.err) == (0, "")
        assert f"complete -c {program}" in run.out or "complete -o default" in run.out
    assert PROGRAMS[program]("completion", "tcsh").exit == 2


@pytest.mark.parametrize(
    ("program", "typed", "expected"),
    [
        ("wallet", ["--json", "cred", "sh"], "show"),
        ("wallet", ["re"], "receive refresh rekey"),
        ("did-verify", ["trust", "p"], "pin"),
        ("did-verify", ["check", "x", "--po"], "--policy"),
        ("did-service", ["bundle", "--mi"], "--mirror"),
    ],
)
def test_bash_completes_commands_and_options(tmp_path, program, typed, expected):
    file = tmp_path / "completion.bash"
    file.write_text(PROGRAMS[program]("completion", "bash").out)
    name = f"_{program.replace('-', '_')}"
    words = " ".join(f"'{word}'" for word in [program, *typed])
    test = (
        f"source {file}; COMP_WORDS=({words}); COMP_CWORD={len(typed)}; {name};"
        ' echo "${COMPREPLY[*]}"'
    )
    bash = shutil.which("bash")
    assert bash
    run = subprocess.run([bash, "-c", test], check=True, capture_output=True, text=True)
    assert run.stdout.split() == expected.split()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_scripts_of_other_shells_are_whole(tmp_path, program):
    """Read by their shell where it is there; else by what of their grammar they use.

    The script for zsh is that of bash behind two lines of names, so bash reads it as well.
    """
    texts = {shell: PROGRAMS[program]("completion", shell).out for shell in SHELLS}
    assert texts["zsh"].endswith(texts["bash"])
    first = texts["zsh"].removesuffix(texts["bash"]).splitlines()
    assert all(re.fullmatch(r"autoload -U \+X (\w+) && \1", line) for line in first)
    fish = texts["fish"].splitlines()
    openers = [line for line in fish if re.match(r"\s*(function|switch|for|if|while)\b", line)]
    assert len(openers) == sum(line.strip() == "end" for line in fish)
    for line in fish:
        assert line.count("'") % 2 == line.count('"') % 2 == 0, line
        assert line.count("(") == line.count(")"), line
    for shell, checked in (("bash", "bash"), ("bash", "zsh"), ("zsh", "zsh"), ("fish", "fish")):
        found = shutil.which(shell)
        if found:
            file = tmp_path / f"{shell}.{checked}"
            file.write_text(texts[checked])
            subprocess.run([found, "-n", file], check=True, capture_output=True)


def test_help_topics_are_those_that_are_asked_for():
    found = {path.stem for path in FOLDER.glob("*/help*.json")}
    assert found == {"help", "help_http", TOPIC, SETTINGS, *(f"help_{name}" for name in ROOTS)}


def test_every_setting_is_told_in_each_language_and_nothing_else_is():
    rows = [
        *setting_table.SETTINGS,
        *(r for rows in setting_table.NAMED.values() for r in rows),
    ]
    wanted = [f"{row.section}.{row.name}" for row in rows]
    for tongue in setting_table.LANGUAGES:
        assert [*read_help(tongue, SETTINGS)] == wanted
