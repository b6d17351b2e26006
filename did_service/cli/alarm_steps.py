"""What `did-service alarms` does: a folder in, its alarms out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from did_service.cli.answers import Given, answer
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import UsageError
from did_service.core.text import Bilingual, printable
from did_service.node.alarms import (
    ListedAlarm,
    alarm_named,
    kept_alarms,
    settle_by_policy,
    settle_by_statement,
)
from did_service.node.configuration import FILE, Configuration, read_configuration
from did_service.program.clock import SYSTEM
from did_service.program.words import words_of

_SETTLED_BY = {
    "policy": Bilingual("结案依据：策略", "settled by policy"),
    "statement": Bilingual("结案依据：说明", "settled by a statement"),
}


def listed(folder: Path, given: Given, *, as_json: bool) -> int:
    """List the alarms."""
    every = kept_alarms(_configuration(folder))
    shown = [each for each in every if each.ended is None or not given["only_open"]]
    is_open = sum(each.ended is None for each in every)
    rows: list[JsonValue] = [each.encode() for each in shown]
    count = Bilingual(
        f"未结案 {is_open} 件，共 {len(every)} 件", f"{is_open} open of {len(every)}"
    )
    lines = [line for alarm in shown for line in (_line(alarm), *_meaning(alarm))]
    lines.append(count)
    return answer("alarms list", {"alarms": rows, "open": is_open}, lines, as_json=as_json)


def shown(folder: Path, name: str, *, as_json: bool) -> int:
    """Show one alarm with its proof."""
    alarm = alarm_named(_configuration(folder), name)
    notes: JsonObject = dict(alarm.notes)
    data: JsonObject = {**alarm.encode(), "notes": notes}
    return answer("alarms show", data, _whole(alarm), as_json=as_json)


def settled(folder: Path, name: str, given: Given, *, as_json: bool) -> int:
    """Settle an alarm."""
    policy, statement = given["policy_file"], given["statement"]
    if (policy is None) == (statement is None):
        refusal = UsageError(
            "usage",
            "give either --policy or --statement",
            command="did-service alarms settle",
        )
        refusal.message_zh = "--policy 与 --statement 须给且只给一个"
        raise refusal
    configuration, now, officer = _configuration(folder), SYSTEM.posix(), str(given["officer"])
    if policy is not None:
        alarm = settle_by_policy(configuration, name, Path(str(policy)), officer, now)
    else:
        alarm = settle_by_statement(configuration, name, str(statement), officer, now)
    lines = [_line(alarm), *_settlement(alarm)]
    return answer("alarms settle", alarm.encode(), lines, as_json=as_json)


def _configuration(folder: Path) -> Configuration:
    return read_configuration(folder / FILE, os.environ)


def _line(alarm: ListedAlarm) -> Bilingual:
    told = alarm.encode()
    said = printable(f"{alarm.name}  {told['at']}  {alarm.code}  {alarm.about}")
    if told["ended"] is None:
        return Bilingual(f"{said}  未结案", f"{said}  open")
    return Bilingual(f"{said}  已结案 {told['ended']}", f"{said}  ended {told['ended']}")


def _meaning(alarm: ListedAlarm) -> Iterator[Bilingual]:
    """Say what the code of an alarm means; of a later release's there are no words here."""
    words = words_of(alarm.code, "did-service")
    if words is not None:
        yield Bilingual(f"  {words.meaning.zh}", f"  {words.meaning.en}")


def _settlement(alarm: ListedAlarm) -> Iterator[Bilingual]:
    if alarm.settlement is not None:
        by, said = _SETTLED_BY[alarm.settlement.kind.value], alarm.settlement
        told, officer = printable(said.what), printable(said.officer)
        yield Bilingual(f"{by.zh}（{officer}）：{told}", f"{by.en} ({officer}): {told}")


def _whole(alarm: ListedAlarm) -> Iterator[Bilingual]:
    yield _line(alarm)
    yield from _meaning(alarm)
    yield from _settlement(alarm)
    names = {
        "offered": Bilingual("被拒绝的检查点：", "the checkpoint that was refused:"),
        "held": Bilingual("此前持有的检查点：", "the checkpoint that was held:"),
    }
    for name, note in alarm.notes:
        if note:
            yield names[name]
            for line in note.splitlines():
                yield Bilingual(f"  {printable(line)}", f"  {printable(line)}")
