"""What an operator is told in the language asked for: what is off and allowed, what next."""

import re

import click
import pytest

from did_service.core.errors import PolicyError
from did_service.node.configuration_file import configuration_text
from did_service.node.setting_table import ServiceKind
from did_service.program.failure import failure_text
from did_service.program.language import Language
from tests.cli.test_bad_input import PROGRAMS, did_service, told
from tests.program.test_help import TREES
from tests.services.test_configuration import CHOSEN

pytestmark = pytest.mark.clock

POSITION = re.compile(r"did-service\.toml:\d+:\d+")
PAIRS = [(own, other) for own in ServiceKind for other in ServiceKind if own is not other]
ARGUMENTS = {
    "service.region": "--region",
    "agency.url": "--url",
    "agency.jurisdiction": "--jurisdiction",
    "agency.log_host": "--log-host",
}


@pytest.fixture
def passphrase(tmp_path):
    file = tmp_path / "pass"
    file.write_text("correct horse battery staple\n")
    file.chmod(0o600)
    return file


# --- a folder of another service -------------------------------------------------------------


@pytest.mark.parametrize(("own", "other"), PAIRS)
@pytest.mark.parametrize("name", ["serve", "status"])
def test_a_folder_of_another_service_names_the_command_that_is_for_it(
    tmp_path, own, other, name
):
    (tmp_path / "did-service.toml").write_text(configuration_text(own, CHOSEN[own]))
    for language, use in (("zh", "请用"), ("en", "use")):
        run = did_service(other, name, tmp_path, "--lang", language)
        assert (run.exit, run.out) == (2, "")
        assert "[folder_of_other_service]" in run.err
        assert run.err.endswith(f"{use} did-service {own} {name}\n")


def test_a_command_that_the_other_service_has_not_says_which_folder_it_takes(tmp_path):
    text = configuration_text(ServiceKind.AGENCY, CHOSEN[ServiceKind.AGENCY])
    (tmp_path / "did-service.toml").write_text(text)
    run = did_service("federation", "join", tmp_path, "--out", tmp_path / "o", "--lang", "en")
    assert (run.exit, "[folder_of_other_service]" in run.err) == (2, True)
    assert run.err.endswith("give the folder of a service that this command is for\n")


# --- a file that is not made yet -------------------------------------------------------------


@pytest.mark.parametrize("kind", ServiceKind)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_init_names_the_setting_and_no_line_of_a_file_that_is_not_there(
    tmp_path, passphrase, kind, language
):
    given = [("--host", CHOSEN[kind]["service.hosts"][0]), ("--passphrase-file", passphrase)]
    given += [(name, CHOSEN[kind][p]) for p, name in ARGUMENTS.items() if p in CHOSEN[kind]]
    words = [word for pair in given for word in pair]
    for name, value, setting in (
        ("--host", "GD", "[service] hosts "),
        ("--listen", "0.0.0.0:80", '[listen] "0.0.0.0:80" '),
    ):
        run = did_service(
            kind, "init", tmp_path / "new", *words, name, value, "--lang", language
        )
        assert (run.exit, "[configuration_invalid]" in run.err) == (2, True)
        assert setting in run.err
        assert not POSITION.search(run.err)
        assert run.err.splitlines()[-1].endswith(f"did-service {kind} init --help")
    assert not (tmp_path / "new").exists()


# --- a command line that is off --------------------------------------------------------------

ENGLISH = re.compile(r"[A-Za-z]+(?: [a-z]+){2,}")  # three words in a row
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def bad_value(kind: click.ParamType, folder, file) -> str | None:
    """A word that a type of option or argument refuses; None where it takes any."""
    if isinstance(kind, click.IntRange):
        return str(kind.max + 1)
    if isinstance(kind, click.Choice | type(click.INT)):
        return "klingon"
    if isinstance(kind, click.Path) and kind.dir_okay != kind.file_okay:
        return str(file if kind.dir_okay else folder)
    return None


def bad_words(program: str, folder, file):
    """Each option and argument of a program with a word that it refuses, each name once."""
    seen = set()
    for words, command, ctx in TREES[program]:
        params = command.get_params(ctx)
        arguments = [each for each in params if isinstance(each, click.Argument)]
        good = [str(folder) if takes_folder(each.type) else "x" for each in arguments]
        for each in params:
            value = bad_value(each.type, folder, file)
            if value is None or each.name in seen or getattr(each, "is_flag", False):
                continue
            seen.add(each.name)
            if isinstance(each, click.Option):
                yield [*words, each.opts[-1], value, *good], each.type, value
            else:
                yield [*words, *good[: arguments.index(each)], value], each.type, value


def takes_folder(kind: click.ParamType) -> bool:
    return isinstance(kind, click.Path) and kind.dir_okay


@pytest.mark.parametrize("program", TREES)
def test_every_value_that_click_refuses_is_told_in_words_of_ours(tmp_path, program):
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    file.touch()
    tried = set()
    for words, kind, value in bad_words(program, folder, file):
        if isinstance(kind, click.Choice) and "--lang" in words:
            continue  # which is told in the language that is left
        tried.add(type(kind))
        for language in ("zh", "en"):
            run = PROGRAMS[program](*words, "--lang", language)
            assert (run.exit, told(run, program, language)) == (2, "usage"), words
            said = QUOTED.sub("", run.err.splitlines()[0])
            assert language == "en" or not ENGLISH.search(said), run.err
            assert "missing" not in said, words
            for clicks in ("invalid value", "<=", "is not one of", "Directory", "File "):
                assert clicks not in said
            assert f'"{value}"' in run.err or len(value) > 60, words
    assert {type(click.INT), click.Path, click.Choice} <= tried


@pytest.mark.parametrize(
    ("program", "words", "said"),
    [
        ("wallet", ["frob"], '没有命令 "frob"'),
        ("wallet", ["cred", "frob"], '没有命令 "frob"'),
        ("wallet", ["status", "--frob"], '没有选项 "--frob"'),
        ("wallet", ["status", "frob"], '多余的内容 "frob"'),
        ("wallet", ["status", "--json=1"], '选项 "--json" 不带值'),
        ("wallet", ["cred", "show", "--store"], '选项 "--store" 缺少值'),
        ("did-service", ["frob"], '没有命令 "frob"'),
        ("did-service", ["alarms", "settle", ".", "1", "--officer", "x"], "只给一个"),
        ("did-verify", ["frob"], '没有命令 "frob"'),
        ("did-verify", ["check", "x", "--frob"], '没有选项 "--frob"'),
        ("did-verify", ["check", "x", "frob"], '多余的内容 "frob"'),
        ("did-verify", ["check", "x", "--policy"], "选项 --policy 缺少值"),
        ("did-verify", ["check", "x", "--json=1"], "选项 --json 不带值"),
        ("did-verify", ["check", "x", "--tier", "frob"], '--tier 不能是 "frob"，可用：online'),
        ("did-verify", ["check", "x", "--policy", "a", "--trust", "b"], "--policy 只能用其一"),
        ("did-verify", ["did", "x", "--version-number", "x"], "须为整数"),
        ("did-verify", ["check"], "缺少 FILE"),
    ],
)
def test_what_is_off_in_a_command_line_is_told_in_chinese(program, words, said):
    run = PROGRAMS[program]("--lang", "zh", *words)
    error = next(line for line in run.err.splitlines() if line.startswith(f"{program}: 错误"))
    assert said in error
    assert not ENGLISH.search(QUOTED.sub("", error))


def test_a_fingerprint_of_another_draft_says_what_to_do_where_one_signs():
    error = PolicyError("fingerprint_wrong", "the fingerprint is not that of this draft")
    hints = {
        program: failure_text(program, error, Language.EN).split("\n")[-1]
        for program in PROGRAMS
    }
    assert "sign nothing: compare with whoever made the draft" in hints["did-service"]
    assert hints["wallet"].removeprefix("wallet") == hints["did-verify"].removeprefix(
        "did-verify"
    )
