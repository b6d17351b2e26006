"""`did-verify trust show`: until when the evidence is good, policy, regions, logs."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypeAlias

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.freshness import age_seconds
from did_service.core.encoding import bilingual, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.text import Bilingual, printable, quote
from did_service.program.environment import Environment
from did_service.program.exits import Exit
from did_service.program.folding import aligned
from did_service.program.language import Language
from did_service.program.words import words_at
from did_service.verifier.dates import duration, moment_in_zone
from did_service.verifier.held import TrustState, directory_at, read_known
from did_service.verifier.memory import Memory, RememberedLog
from did_service.verifier.outline import outline
from did_service.verifier.validity import validity, validity_text
from did_service.verify_cli.terminal import CommandResult

Fact: TypeAlias = tuple[Bilingual, str]
"""What is told, and its value."""
_KINDS = {  # of entries, as the glossary names them
    "authority": Bilingual("授权", "authority"),
    "did": Bilingual("身份标识", "did"),
    "evidence": Bilingual("签发存证", "evidence"),
    "heads": Bilingual("最新记录快照", "heads"),
    "policy": Bilingual("信任策略", "policy"),
    "record": Bilingual("签发记录", "record"),
    "schema": Bilingual("证照格式", "schema"),
    "status": Bilingual("作废记录", "status"),
}


def show(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Show until when a trust directory serves, and what it holds; nothing in it changes."""
    directory = directory_at(arguments.trust, env)
    held = read_known(directory, env.boot)
    policy = held.demand_policy()
    now, language = timestamps.to_posix(env.clock), env.language
    whole = outline(directory, held)
    good, kinds = validity(whole, policy), whole.kinds
    logs = sorted(held.memory.logs.items())
    memory = held.memory
    data: JsonObject = {
        **good.encode(),
        "policy": describe_policy(policy),
        "items": {kind: kinds[kind] for kind in sorted(kinds)},
        "logs": {origin: _describe_log(log, now) for origin, log in logs},
        "forked": [*sorted(held.forked)],
        "clock": describe_floor(memory),
    }
    facts = [
        *_policy_facts(policy, env.clock, language),
        *_region_facts(policy, language),
        *_log_facts(held, now, language),
        *_floor_facts(memory, env.clock, language),
        (Bilingual("核验数据", "evidence"), _counted(kinds, language)),
    ]
    return CommandResult(
        data,
        _lines(facts, language),
        language.say(validity_text(good, env.clock)),
        Exit.UNDECIDED if good.is_over(env.clock) else Exit.DONE,
        remarks=warnings(policy),
    )


def describe_policy(policy: Policy) -> JsonObject:
    """Write what a person compares and a script decides on."""
    return {
        "federation": policy.federation,
        "seq": policy.sequence,
        "fingerprint": policy.fingerprint,
        "expires": timestamps.encode(policy.expires),
        "demo": policy.demo,
        "regions": [
            {
                "id": region.id,
                "name": bilingual.encode(region.name),
                "territory": [*region.territory],
                "logs": [*region.logs],
            }
            for region in policy.regions
        ],
    }


def describe_floor(memory: Memory) -> JsonObject:
    """Write the times before which it cannot be: a quorum's, and that of an own decision."""
    known = {"witnessed": memory.witnessed, "decided": memory.decided}
    return {n: None if t is None else timestamps.encode(t) for n, t in known.items()}


def policy_lines(policy: Policy, now: datetime, language: Language) -> tuple[str, ...]:
    """Return the lines that tell a person which policy it is."""
    return _lines(_policy_facts(policy, now, language), language)


def warnings(policy: Policy) -> tuple[Bilingual, ...]:
    """Return what must be said whenever a policy is shown."""
    return (words_at("verdict", "policy_demo").meaning,) if policy.demo else ()


def _describe_log(log: RememberedLog, now: int) -> JsonObject:
    age = age_seconds(timestamps.to_posix(log.time), now)
    return {"size": log.size, "time": timestamps.encode(log.time), "age_seconds": age}


def _counted(kinds: Mapping[str, int], language: Language) -> str:
    """Say how many entries of each type are held; one without a name here goes by its own."""
    told = (
        f"{kinds[kind]} {language.say(_KINDS.get(kind, Bilingual(kind, kind)))}"
        for kind in sorted(kinds)
    )
    return ", ".join(told) or "0"


def _policy_facts(policy: Policy, now: datetime, language: Language) -> list[Fact]:
    return [
        (Bilingual("联邦", "federation"), policy.federation),
        (Bilingual("策略", "policy"), str(policy.sequence)),
        (Bilingual("指纹", "fingerprint"), policy.fingerprint),
        (Bilingual("有效至", "expires"), _local(policy.expires, now, language)),
    ]


def _region_facts(policy: Policy, language: Language) -> Iterator[Fact]:
    rows = [
        (each.id, quote(language.say(each.name)), " ".join(each.territory))
        for each in policy.regions
    ]
    for line in aligned(rows):
        yield Bilingual("地区", "region"), line


def _log_facts(held: TrustState, now: int, language: Language) -> Iterator[Fact]:
    rows = []
    for origin, log in sorted(held.memory.logs.items()):
        length = duration(age_seconds(timestamps.to_posix(log.time), now))
        old = language.say(Bilingual(f"{length.zh}前", f"{length.en} old"))
        forked = language.say(Bilingual("历史矛盾", "forked")) if origin in held.forked else ""
        rows.append((origin, str(log.size), old, forked))
    for line in aligned(rows):
        yield Bilingual("登记簿", "log"), line


def _floor_facts(memory: Memory, now: datetime, language: Language) -> Iterator[Fact]:
    if memory.witnessed is not None:
        yield Bilingual("已见证的时间", "witnessed"), _local(memory.witnessed, now, language)
    if memory.decided is not None:
        yield Bilingual("上次核验时间", "last decision"), _local(memory.decided, now, language)


def _local(instant: datetime, now: datetime, language: Language) -> str:
    """Write a time for people, in the machine's time zone."""
    return language.say(moment_in_zone(instant, now, None))


def _lines(facts: Iterable[Fact], language: Language) -> tuple[str, ...]:
    return tuple(aligned((language.say(name), printable(value)) for name, value in facts))
