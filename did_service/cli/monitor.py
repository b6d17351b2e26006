"""`did-service monitor`: watch every log of a federation from outside."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli import language
from did_service.cli.answers import CONFIG
from did_service.cli.language import say
from did_service.core.text import Bilingual
from did_service.program.click_commands import SpokenCommand

if TYPE_CHECKING:
    from did_service.core.encoding.strict_json import JsonObject, JsonValue
    from did_service.monitor.monitor import Monitor, WatchedLog

_EXAMPLES = """\
  did-service monitor --policy policy.json --dir /var/lib/didsvc-monitor
  did-service monitor --policy policy.json --dir watch --every 300 --lines
  did-service monitor --policy gd/policy.json --dir watch --config gd
  did-service monitor --policy policy.json --dir watch --database postgresql:///watch
"""


@click.command(cls=SpokenCommand, epilog=_EXAMPLES)
@click.option(
    "--policy",
    "policy_file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The pinned policy; it says which logs there are and whose cosignatures count.",
)
@click.option(
    "--dir",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of its own memory and copies.",
)
@click.option(
    "--database",
    default="sqlite:",
    metavar="URL",
    help="Keep the rows of its memory there: postgresql://HOST/DATABASE, of its own.",
)
@CONFIG
@click.option(
    "--every",
    type=click.IntRange(5, 86_400),
    metavar="SECONDS",
    help="Look again and again, a tenth more or less apart.",
)
@click.option(
    "--stale",
    type=click.IntRange(1, 86_400 * 31),
    default=3_600,
    show_default=True,
    metavar="SECONDS",
    help="A checkpoint older than this is stale.",
)
@click.option("--lines", is_flag=True, help="Print one JSON object a log and look.")
@language.option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def monitor(
    policy_file: Path,
    folder: Path,
    database: str,
    service: Path | None,
    every: int | None,
    stale: int,
    **flags: bool,
) -> int:
    """Watch every log of a federation from outside, and re-check everything.

    Each look reads what everybody can read: the checkpoint and its quorum, whether the tree
    continues the one before, every entry by the rules, the heads. Each signed head is
    remembered for ever. Exit code 0 means that all logs are good, 6 that one has done what no
    honest log does, 8 that one cannot be read, or is stale or behind.
    """
    from did_service.client.transport import Transport
    from did_service.monitor.monitor import Monitor
    from did_service.node.pinned_policy import read_policy
    from did_service.node.reaching import routes_to_peers
    from did_service.node.stores import monitor_stores, storage_of_monitor
    from did_service.program.clock import SYSTEM
    from did_service.program.files import make_private_directory
    from did_service.program.repeating import Repetition

    policy, storage = read_policy(policy_file), storage_of_monitor(folder, database)
    make_private_directory(folder)
    with (
        Transport(routes_to_peers(service, os.environ)) as transport,
        monitor_stores(storage, policy.federation) as stores,
    ):
        watching = Monitor(stores, policy, transport, SYSTEM, stale)
        return Repetition(every, SYSTEM.rng).run(
            lambda: _look(watching, lines=flags["lines"], as_json=flags["as_json"])
        )


def _look(watching: Monitor, *, lines: bool, as_json: bool) -> int:
    from did_service.core.encoding import jcs
    from did_service.program.envelope import enveloped, written
    from did_service.program.streams import write_lines, write_out

    found: list[WatchedLog] = []
    for each in watching.look():
        found.append(each)
        if lines:
            write_out(jcs.encode(each.encode()).decode() + "\n")
        elif not as_json:
            write_lines([say(_told(each))])
    code = _code(found)
    if as_json:
        logs: list[JsonValue] = [each.encode() for each in found]
        alarms: list[JsonValue] = [
            {"log": alarm.log, "at": alarm.at, "code": alarm.code, "note": alarm.note.decode()}
            for alarm in watching.store.alarms()
        ]
        data: JsonObject = {"logs": logs, "alarms": alarms}
        write_out(written(enveloped("did-service", "monitor", data, exit_code=code)))
    return code


def _code(found: list[WatchedLog]) -> int:
    from did_service.monitor.monitor import LogState
    from did_service.program.exits import Exit

    states = {each.state for each in found}
    if LogState.ALARM in states:
        return Exit.DISTRUSTED
    fine = {LogState.GOOD, LogState.EMPTY}
    return Exit.DONE if states <= fine else Exit.UNAVAILABLE


_STATES = {
    "good": Bilingual("正常", "good"),
    "empty": Bilingual("尚无记录", "nothing so far"),
    "stale": Bilingual("过旧", "stale"),
    "behind": Bilingual("落后于以前所示", "behind what it has shown"),
    "unreadable": Bilingual("无法读取", "unreadable"),
    "unwitnessed": Bilingual("未达法定见证数", "without a quorum"),
    "alarm": Bilingual("警报", "ALARM"),
}


def _told(each: WatchedLog) -> Bilingual:
    from did_service.program.words import told_code
    from did_service.verifier.dates import duration

    state = _STATES[each.state.value]
    is_told = each.code and each.state.value != "empty"  # nothing so far is nothing wrong
    why = told_code(each.code or "") if is_told else None
    zh, en = ("", "") if why is None else (f"；{why.zh}", f"; {why.en}")
    if each.age is None:
        return Bilingual(f"{each.log}：{state.zh}{zh}", f"{each.log}: {state.en}{en}")
    age = duration(each.age)
    return Bilingual(
        f"{each.log}：{state.zh}，{each.size} 条，{age.zh}前{zh}",
        f"{each.log}: {state.en}, {each.size} entries, {age.en} ago{en}",
    )
