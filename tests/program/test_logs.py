"""Lines of the running log: what they are about stands in members, strangers in no sentence."""

import ast
import json
import logging

import pytest

from did_service.core.errors import MalformedError, UnavailableError
from did_service.program.logs import ROOT, about, prepare_log
from did_service.program.words import words_of
from tests.support.optional import CHECKOUT

MINUTE = 60.0


@pytest.fixture
def lines(capsys):
    """Writes a record in a form and returns its lines."""

    def write(form, *records):
        prepare_log(form, "info")
        for record in records:
            logging.getLogger(ROOT).handlers[0].handle(record)
        return capsys.readouterr().err.splitlines()

    return write


def record(message, *args, at=1_795_248_000.0, **told):
    made = logging.LogRecord(f"{ROOT}.registry", logging.WARNING, "", 0, message, args, None)
    made.created = at
    made.__dict__.update(about(**told) if told else {})
    return made


def test_a_line_for_machines_has_its_members(lines):
    error = UnavailableError("server_busy", "王伟 440100")
    (line,) = lines("json", record("not published", error=error, log="gd.example/reg", entry=4))
    assert json.loads(line) == {
        "time": "2026-11-21T08:00:00Z",
        "level": "warning",
        "service": "registry",
        "message": "not published",
        "code": "server_busy",
        "log": "gd.example/reg",
        "entry": 4,
        "next": words_of("server_busy", "did-service").following.en,
    }


def test_a_line_for_people_says_the_same(lines):
    (line,) = lines("text", record("made again: %d", 3, log="gd.example/reg", code="log_full"))
    assert line.startswith("warning registry: made again: 3 [log_full] log=gd.example/reg")


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_stranger_wrote_forges_no_line(lines, form):
    foreign = "x\r\n2026 WARNING forged \x1b[2K\u202e"
    error = MalformedError("note_invalid", foreign)
    told = lines(form, record("refused: %s", foreign, error=error, log=foreign, file=foreign))
    assert len(told) == 1
    assert not {"\x1b", "\r", "\u202e"} & {*told[0]}
    assert about(code="\x1b[2K")["about"]["code"] is None


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_same_line_is_told_once_a_minute_with_a_count(lines, form):
    begin = 1_795_248_000.0
    same = [record("no answer", log="a", at=begin + at) for at in (0, 1, 2, 59, MINUTE)]
    other = record("no answer", log="b", at=begin)
    told = lines(form, *same[:4], other, same[4])
    assert len(told) == 3
    assert "3" in told[-1].replace("reg", "")
    assert ("held_back" in told[-1]) or ("(3 more before)" in told[-1])


def calls():
    """Every logging call of the product, with where it stands."""
    for path in sorted((CHECKOUT / "did_service").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_LOG."):
                yield pytest.param(node, id=f"{path.name}:{node.lineno}")


@pytest.mark.parametrize("call", [*calls()])
def test_every_logged_call_is_a_sentence_of_ours_and_writes_one_line(call, lines):
    """Fed with what a stranger may have written in each of its places."""
    message = call.args[0]
    assert isinstance(message, ast.Constant), "a sentence, not something put together"
    assert isinstance(message.value, str)
    assert not any(keyword.arg == "exc_info" for keyword in call.keywords)
    given = tuple(
        7 if kind == "d" else "x\n\x1b[2K"
        for kind in (part[0] for part in message.value.split("%")[1:])
    )
    for form in ("text", "json"):
        (line,) = lines(form, record(message.value, *given))
        assert "\x1b" not in line
