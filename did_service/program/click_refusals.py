"""What click refuses, as an error of ours, by its kind.

    wallet: error: wrong usage: "--to" is a whole number, not "x" [usage]
    wallet: 错误：用法不正确："--to" 须为整数，不能是 "x" [usage]

A value is refused in our words, by the type of its option; the rest in click's, and in Chinese
as `words/zh/help.json` has it under `refusal.KIND`. Loaded when a command line is off.
"""

from __future__ import annotations

import re
from pathlib import Path

import click

from did_service.core.errors import UsageError, quote
from did_service.core.text import Bilingual
from did_service.program.suggesting import nearest
from did_service.program.words import refused_zh

_QUOTED = re.compile(r"'([^']*)'")  # click quotes what was typed
_SUGGESTED = re.compile(r"\.? \(?Did you mean .*")  # said once, as the next step
_EXTRA = re.compile(r"Got unexpected extra arguments? \((.*)\)", re.DOTALL)

_NO_VALUE = "does not take a value"
_ENGLISH = {
    "choice": "{name} cannot be {given}: {allowed}",
    "integer": "{name} is a whole number, not {given}",
    "range": "{name} is a whole number from {least} to {most}, not {given}",
    "folder_given": "{name} is a file, but {given} is a folder",
    "file_given": "{name} is a folder, but {given} is a file",
    "path": "{name}: {given} cannot be used",
    "value": "{name} cannot be {given}",
}


def usage_error(error: click.ClickException) -> UsageError:
    """Return what click refuses as an error of ours, in a sentence like ours."""
    refusal = _refusal(error)
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return refusal
    suggestion = None
    if isinstance(error, click.NoSuchOption):
        params = context.command.get_params(context)
        suggestion = nearest(error.option_name, [name for each in params for name in each.opts])
    refusal.details |= {
        "command": context.command_path,
        "suggestion": suggestion,
        "is_missing": isinstance(error, click.MissingParameter),
    }
    return refusal


def _refusal(error: click.ClickException) -> UsageError:
    is_missing = isinstance(error, click.MissingParameter)
    if isinstance(error, click.BadParameter) and error.param is not None and not is_missing:
        said = _bad_value(error, error.param)
        refusal = UsageError("usage", said.en)
        refusal.message_zh = said.zh
        return refusal
    text = _SUGGESTED.sub("", " ".join(error.format_message().split())).rstrip(".")
    text = _QUOTED.sub(lambda found: quote(found[1]), text)
    refusal = UsageError("usage", text[:1].lower() + text[1:])
    refusal.message_zh = _in_chinese(error)
    return refusal


def command_of(error: click.ClickException) -> str:
    """Return the words of the command that was being read."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return "" if context is None else context.command_path.partition(" ")[2]


def _in_chinese(error: click.ClickException) -> str | None:
    """Return what is wrong; None where names alone say it, as of what is missing."""
    extra = _EXTRA.fullmatch(error.message)
    if isinstance(error, click.NoSuchOption):
        return refused_zh("option", given=quote(error.option_name))
    if isinstance(error, click.BadOptionUsage):
        kind = "no_value" if _NO_VALUE in error.message else "needs_value"
        return refused_zh(kind, name=quote(error.option_name))
    return None if extra is None else refused_zh("extra", given=quote(extra[1]))


def _bad_value(error: click.BadParameter, param: click.Parameter) -> Bilingual:
    """Say what a value may be, by the type of its option or argument."""
    typed = _QUOTED.search(error.message)
    text = typed[1] if typed else error.message.partition(" ")[0]
    names = [quote(each) for each in _QUOTED.findall(param.get_error_hint(error.ctx))]
    parts = {"name": ", ".join(names) or quote(param.name), "given": quote(text)}
    kind = param.type
    if isinstance(kind, click.Choice):
        return _said("choice", **parts, allowed=", ".join(map(str, kind.choices)))
    if isinstance(kind, click.IntRange):
        return _said("range", **parts, least=str(kind.min), most=str(kind.max))
    if isinstance(kind, type(click.INT)):
        return _said("integer", **parts)
    if isinstance(kind, click.Path):
        return _said(_kind_of_path(kind, Path(text)), **parts)
    return _said("value", **parts)


def _kind_of_path(kind: click.Path[str], given: Path) -> str:
    if not kind.dir_okay and given.is_dir():
        return "folder_given"
    return "file_given" if not kind.file_okay and given.is_file() else "path"


def _said(kind: str, **parts: str) -> Bilingual:
    return Bilingual(refused_zh(kind, **parts), _ENGLISH[kind].format_map(parts))
