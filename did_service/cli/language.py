"""In which language an operator is addressed: `--lang`, else DIDSVC_LANG, else the locale's."""

from __future__ import annotations

import os
import sys

import click

from did_service.core.text import Bilingual
from did_service.program.click_commands import completion_of
from did_service.program.language import LANGUAGES, Language, asked_for, of_locale

VARIABLE = "DIDSVC_LANG"

option = click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    envvar=VARIABLE,
    show_envvar=True,
    expose_value=False,  # `say` has read it, also where the rest cannot be understood
    help="Language of the output.",
)


completion = option(completion_of("did-service"))


def spoken() -> Language:
    """Return the language of this process's reader."""
    return Language(asked_for(sys.argv[1:], os.environ, VARIABLE) or of_locale(os.environ))


def say(text: Bilingual) -> str:
    """Return a text in the language of this process's reader."""
    return spoken().say(text)
