"""`did-service database`: which revision the tables of a service have, and their upgrade."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from did_service.cli import language
from did_service.cli.language import say
from did_service.core.text import Bilingual
from did_service.program.click_commands import CommandEntry, SpokenCommand, SpokenGroup

if TYPE_CHECKING:
    from did_service.core.encoding.strict_json import JsonObject
    from did_service.storage.revisions import DatabaseStatus

SUMMARY = "See which revision a service's tables have, upgrade them, or move them."

_STATUS_EXAMPLES = """\
  did-service database status /var/lib/did-service/gd
  did-service database status sqlite:////var/lib/did-service/gd/registry.sqlite --json
"""
_UPGRADE_EXAMPLES = """\
  cp -a /var/lib/did-service/gd /var/backups/gd-before-the-upgrade
  did-service database upgrade /var/lib/did-service/gd
"""
_STATES = {
    "current": Bilingual("与本版相符", "as this release has them"),
    "outdated": Bilingual("旧：服务启动前须升级", "old: upgrade before the service starts"),
    "newer": Bilingual(
        "新于本版：须用较新的版本", "newer than this release: use the newer one"
    ),
}

database = SpokenGroup(
    "database",
    {
        "status": CommandEntry(
            "did_service.cli.database:status", "Show which revision the tables have."
        ),
        "upgrade": CommandEntry(
            "did_service.cli.database:upgrade", "Bring the tables to this release."
        ),
        "copy": CommandEntry(
            "did_service.cli.database_copy:copy", "Copy all rows to another engine."
        ),
    },
    SUMMARY,
)
language.option(database)
_place = click.argument("place", metavar="DIR|FILE|URL")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.command(cls=SpokenCommand, epilog=_STATUS_EXAMPLES)
@_place
@language.option
@_json
def status(place: str, *, as_json: bool) -> int:
    """Show which revision the tables of a service have, and which one this release needs.

    Nothing is changed. A service refuses to start on tables that are older or newer than its
    own. Release 0.2.0 numbered no tables: its databases have revision 0.
    """
    from did_service.node.databases import database_status

    found = database_status(place)
    _answer("status", [_described(each) for each in found], as_json=as_json)
    if not as_json:
        _tell(line for each in found for line in _lines(each))
    return 0


@click.command(cls=SpokenCommand, epilog=_UPGRADE_EXAMPLES)
@_place
@language.option
@_json
def upgrade(place: str, *, as_json: bool) -> int:
    """Bring the tables of a service to the revision of this release, with all their rows.

    Stop the service and make a backup first: there is no way back but that. All steps of a
    database are one transaction. Whatever interrupts it leaves the database as it was, and the
    same command begins anew. On tables that are as they should be it changes nothing.
    """
    from did_service.node.databases import upgrade_databases

    done = upgrade_databases(place)
    answer = [{**_described(after), "before": _numbers(before)} for before, after in done]
    _answer("upgrade", answer, as_json=as_json)
    if not as_json:
        _tell(line for before, after in done for line in _changes(before, after))
    return 0


def _answer(command: str, databases: list[JsonObject], *, as_json: bool) -> None:
    from did_service.program.envelope import enveloped, written
    from did_service.program.streams import write_out

    if as_json:
        data: JsonObject = {"databases": [*databases]}
        write_out(written(enveloped("did-service", f"database {command}", data)))


def _described(status: DatabaseStatus) -> JsonObject:
    rooms: list[JsonObject] = [
        {
            "room": each.room,
            "revision": each.held,
            "newest": each.newest,
            "state": each.state.value,
        }
        for each in status.rooms
    ]
    return {"name": status.name, "tables": [*rooms]}


def _numbers(status: DatabaseStatus) -> JsonObject:
    return {each.room: each.held for each in status.rooms}


def _lines(status: DatabaseStatus) -> Iterator[Bilingual]:
    for each in status.rooms:
        state, name = _STATES[each.state.value], status.name
        yield Bilingual(
            f"{name}：{each.room} 第 {each.held} 版，应为第 {each.newest} 版，{state.zh}",
            f"{name}: {each.room} revision {each.held} of {each.newest}, {state.en}",
        )


def _changes(before: DatabaseStatus, after: DatabaseStatus) -> Iterator[Bilingual]:
    former = {each.room: each.held for each in before.rooms}
    for each in after.rooms:
        was = former[each.room]
        if was == each.held:
            yield Bilingual(
                f"{after.name}：{each.room} 已是第 {each.held} 版，未作改动",
                f"{after.name}: {each.room} has revision {each.held} already",
            )
        else:
            yield Bilingual(
                f"{after.name}：{each.room} 已由第 {was} 版升级到第 {each.held} 版",
                f"{after.name}: {each.room} upgraded from revision {was} to {each.held}",
            )


def _tell(lines: Iterator[Bilingual]) -> None:
    from did_service.program.streams import write_lines

    for line in lines:  # an upgrade tells each step when it is done
        write_lines([say(line)])
