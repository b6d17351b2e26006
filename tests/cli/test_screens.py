"""What `did-service` prints on a screen of 80 columns: in rows of it, in both languages."""

import sys
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from unittest import mock

import pytest

from did_service.cli import __main__ as operator
from did_service.core.text import width
from tests.cli.test_refusals import passphrase as passphrase  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.clock

COLUMNS = 80


class Screen(TextIOWrapper):
    """A terminal that does not say how wide it is: then it has 80 columns."""

    def __init__(self):
        super().__init__(BytesIO(), encoding="utf-8")

    def isatty(self):
        return True

    def rows(self) -> list[str]:
        self.flush()
        return self.buffer.getvalue().decode().splitlines()


def on_screen(*words: object) -> list[str]:
    out, err = Screen(), Screen()
    argv = ["did-service", *map(str, words)]
    with redirect_stdout(out), redirect_stderr(err), mock.patch.object(sys, "argv", argv):
        operator.run()
    return [*out.rows(), *err.rows()]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_row_of_an_answer_or_a_refusal_fits_unless_it_is_one_word(
    tmp_path, passphrase, language
):
    folder = tmp_path / "a-folder-with-a-name-of-its-own"
    agency = ["--host", "gz.gd.example", "--url", "https://gz.gd.example/agencies/a"]
    agency += ["--jurisdiction", "440100", "--log-host", "gd.example"]
    agency += ["--passphrase-file", passphrase]
    told = [
        row
        for words in (
            ("agency", "init", folder, *agency),
            ("agency", "init", folder, *agency),
            ("agency", "status", folder),
            ("agency", "serve", folder, "--check"),
            ("region", "serve", folder, "--check"),
            ("key", "list", folder),
            ("database", "status", folder),
            ("alarms", "list", folder),
            ("region", "init", folder / "new", "--host", "x"),
        )
        for row in on_screen(*words, "--lang", language)
    ]
    assert len(told) > 20
    wide = [row for row in told if width(row) > COLUMNS]
    assert [row for row in wide if " " in row.strip()] == []
