"""In which language an operator is addressed; the rule stands in `program.language`."""

from __future__ import annotations

import os
import sys

import click

from did_service.core.text import Bilingual
from did_service.program import language
from did_service.program.click_commands import completion_of
from did_service.program.language import COMMON, LANGUAGES, Language

option = click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    envvar=COMMON,
    show_envvar=True,
    expose_value=False,  # `say` has read it, also where the rest cannot be understood
    help="Language of the output.",
)


completion = option(completion_of("did-service"))


def spoken() -> Language:
    """Return the language of this process's reader."""
    return Language(language.spoken_language(sys.argv[1:], os.environ, "did-service"))


def say(text: Bilingual) -> str:
    """Return a text in the language of this process's reader."""
    return spoken().say(text)
