"""`did-service` as a program: every way to end is two lines for people and a code."""

import sys

import click
import pytest

from did_service.cli import __main__ as program
from did_service.core.errors import (
    ConflictError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)
from did_service.demo import play
from did_service.demo.children import Children

pytestmark = pytest.mark.clock


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["did-service", *words])
    return program.run()


def failing(error):
    def raise_it(*_):
        raise error

    return raise_it


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (ConflictError("folder_not_empty", "story"), "folder_not_empty", 2),
        (NotFoundError("file_missing", "story"), "file_missing", 7),
        (UnavailableError("child_failed", "story"), "child_failed", 8),
        (MalformedError("json_invalid", "story"), "json_invalid", 2),
        (RuntimeError("a secret"), "internal_fault", 70),
    ],
)
def test_an_error_ends_with_its_code_and_a_hint(monkeypatch, capsys, error, code, exit_code):
    monkeypatch.setattr(play, "play", failing(error))
    assert run(monkeypatch, "demo", "--json") == exit_code
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("did-service: error: ")
    assert first.endswith(f"[{code}]")
    assert second.startswith("did-service: hint: ")
    assert "secret" not in first + second


@pytest.mark.parametrize("words", [("play",), ("demo", "--loud"), ("demo", "--lang", "fr")])
def test_words_that_are_off_end_with_2_and_a_hint(monkeypatch, capsys, words):
    assert run(monkeypatch, *words) == 2
    told = capsys.readouterr().err
    assert "[usage]" in told
    assert "hint: " in told


def test_without_a_command_help_is_shown_and_the_run_ends_as_usage(monkeypatch, capsys):
    assert run(monkeypatch) == 2
    assert "Commands:" in capsys.readouterr().err


def test_an_interrupted_run_ends_with_3(monkeypatch):
    monkeypatch.setattr(play, "play", failing(click.Abort()))
    assert run(monkeypatch, "demo") == 3


def test_help_ends_well(monkeypatch, capsys):
    assert run(monkeypatch, "demo", "--help") == 0
    assert "--keep" in capsys.readouterr().out


@pytest.mark.parametrize(("patience", "words"), [(60, "no such file"), (0.001, "--help")])
def test_a_program_of_the_story_that_fails_or_hangs_ends_it(tmp_path, patience, words):
    children = Children(tmp_path, {}, patience)
    with pytest.raises(UnavailableError) as caught:
        children.run("did-verify", "check", words)
    assert caught.value.code == "child_failed"
