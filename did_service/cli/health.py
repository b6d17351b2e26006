"""`did-service health`: whether a service works, as an exit code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli.answers import answer, command, folder_argument
from did_service.core.text import Bilingual

if TYPE_CHECKING:
    from did_service.core.encoding.strict_json import JsonObject

_EXAMPLES = """\
  did-service health /srv/gd
  did-service health /srv/gd --live
"""


def _health(folder: Path, *, live: bool, as_json: bool) -> int:
    """Ask a service where it listens whether it works: 0 only if it does.

    Asks /ready, and with --live only whether the process answers. Made for the health checks
    of containers: opens no key and no database. Restart a service by --live alone: one that
    waits for other regions is not mended by a restart.
    """
    from did_service.node.configuration import FILE, read_configuration
    from did_service.node.health import HealthQuestion, check_health

    configuration = read_configuration(folder / FILE, os.environ)
    question = HealthQuestion.LIVES if live else HealthQuestion.READY
    check_health(configuration, question)
    host = configuration.host
    told = Bilingual(f"{host}：正常", f"{host}: ready")
    if live:
        told = Bilingual(f"{host}：有应答", f"{host}: answers")
    data: JsonObject = {
        "service": configuration.kind.value,
        "host": host,
        "asked": question.value,
    }
    return answer("health", data, [told], as_json=as_json)


health = command(
    _health,
    "health",
    folder_argument(),
    click.Option(["--live"], is_flag=True, help="Ask only whether the process answers."),
    epilog=_EXAMPLES,
)
