"""`did-service database copy`: the rows of a service, moved to a server or back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli import language
from did_service.cli.language import say
from did_service.core.text import Bilingual
from did_service.program.click_commands import SpokenCommand

if TYPE_CHECKING:
    from did_service.core.encoding.strict_json import JsonObject
    from did_service.node.databases import CopiedDatabase

_EXAMPLES = """\
  did-service database copy /var/lib/did-service/gd --to postgresql:///did?host=/run/postgresql
  did-service database copy /var/lib/did-service/gd --to sqlite:
"""


@click.command(cls=SpokenCommand, epilog=_EXAMPLES)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--to", required=True, help="sqlite: or postgresql://HOST/DATABASE, no password.")
@language.option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def copy(folder: Path, to: str, *, as_json: bool) -> int:
    """Copy all rows of a service to another engine, and read every one of them back.

    The service must be stopped. DIR holds its configuration, which says where the rows are now;
    they stay there. Afterwards set storage.database to the new place and start the service; its
    guards stay in the folder and go on. Whatever interrupts the copy, the same command goes on:
    what it has copied is compared, and nothing is written over other rows.
    """
    from did_service.node.databases import copy_databases
    from did_service.program.envelope import enveloped, written
    from did_service.program.progress import ProgressLines
    from did_service.program.streams import print_stderr, write_lines, write_out

    progress = ProgressLines(lambda line: None if as_json else print_stderr(say(line)))
    done = copy_databases(folder, to, dict(os.environ), progress)
    if as_json:
        data: JsonObject = {"databases": [_described(each) for each in done]}
        write_out(written(enveloped("did-service", "database copy", data)))
    else:
        write_lines([say(_line(each)) for each in done])
    return 0


def _described(copied: CopiedDatabase) -> JsonObject:
    tables: JsonObject = {each.name: each.rows for each in copied.tables}
    return {"service": copied.service, "name": copied.name, "tables": tables}


def _line(copied: CopiedDatabase) -> Bilingual:
    rows, tables = sum(each.rows for each in copied.tables), len(copied.tables)
    return Bilingual(
        f"{copied.service}：{tables} 个表 {rows} 行已复制到 {copied.name}，逐行读回无误",
        f"{copied.service}: {rows} rows of {tables} tables are in {copied.name}, all read back",
    )
