"""What the demo looks like: boxes close, commands can be copied, a pipe has no colours."""

import shlex
from threading import Event

import pytest

from did_service.core.text import Bilingual
from did_service.demo.narrator import Narrator
from did_service.program.folding import width
from did_service.program.language import Language

VERDICT = [
    "不通过 REFUSED",
    "原因 Reason     证照内容与签发机关的签名不符，可能被改动。",
    "                The contents do not match the issuer's signature: they were changed.",
    "下一步 Next     请勿采信，保留本次文件，并报告主管部门。",
]
COMMAND = f"did-verify check 'my file.json' --nonce {'n' * 43} --audience https://w.example"


@pytest.fixture(params=[64, 80, 120])
def screen(request, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(request.param))
    return request.param


def test_a_box_closes_at_the_edge_of_the_screen(screen, capsys):
    Narrator(Language.BOTH, Event()).verdict("refused", VERDICT, expected="refused")
    lines = capsys.readouterr().err.splitlines()
    assert {width(line) for line in lines} == {screen}
    assert lines[0].startswith("╭─ 不通过 REFUSED ─")
    assert "下一步 Next" in lines[-2]


def test_a_verdict_is_shown_whole_and_what_was_not_expected_is_told(screen, capsys):
    told = ["通过 ACCEPTED", *VERDICT[1:]]
    Narrator(Language.EN, Event()).verdict("accepted", told, expected="refused")
    shown = capsys.readouterr().err
    assert "请勿采信" in shown
    assert "expected refused, got accepted" in shown


def test_a_command_can_be_copied_to_a_shell(screen, capsys):
    Narrator(Language.ZH, Event()).command(COMMAND)
    shown = capsys.readouterr().err
    assert all(width(line) <= screen for line in shown.splitlines())
    assert shlex.split(shown.replace("\\\n", "")) == ["$", *shlex.split(COMMAND)]


def test_in_a_pipe_there_are_no_colours(capsys):
    narrator = Narrator(Language.BOTH, Event())
    narrator.verdict("refused", VERDICT, expected="accepted")
    narrator.summary([(Bilingual("场景", "scene"), "refused", True, 1.0)], 2.0)
    with narrator.step(Bilingual("第一步", "first")):
        pass
    assert "\x1b" not in capsys.readouterr().err


def test_a_quiet_narrator_says_nothing(capsys):
    narrator = Narrator(Language.BOTH, Event(), quiet=True)
    narrator.title(Bilingual("题目", "title"), Bilingual("副题", "subtitle"))
    narrator.kept("story")
    assert capsys.readouterr().err == ""


def test_a_story_that_was_ended_takes_no_further_step(capsys):
    ended = Event()
    narrator = Narrator(Language.EN, ended)
    ended.set()
    with pytest.raises(KeyboardInterrupt):
        narrator.chapter(Bilingual("第一章", "chapter one"))
    with pytest.raises(KeyboardInterrupt), narrator.step(Bilingual("第一步", "first")):
        pytest.fail("the step is taken")
    assert capsys.readouterr().err == ""
