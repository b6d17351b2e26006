"""`did-verify trust pin`, `import`, `reset-clock`: what a trust directory goes by.

The policy is the only thing that is trusted: the first is pinned with a fingerprint from a
second channel, each later one is the signed successor of the one before (docs/threat-model.md
rule 17). A bundle is believed in nothing: its items prove themselves under the policy.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from did_service.core.anchor.bodies.policy import (
    Policy,
    check_current,
    check_first,
    check_successor,
    parse_policy,
)
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, UsageError
from did_service.core.evidence.bundle import parse_bundle
from did_service.core.evidence.proven import ProvenEntry
from did_service.core.evidence.proven_set import Evidence
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import MAX_BUNDLE_BYTES, MAX_JSON_BYTES
from did_service.core.text import Bilingual
from did_service.program.environment import Environment
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.held import (
    TrustState,
    directory_at,
    forked_logs,
    keep_evidence,
    keep_forks,
    prove,
    read_held,
    remember_logs,
)
from did_service.verify_cli.clock import reset_clock
from did_service.verify_cli.show import describe_policy, policy_lines, show, warnings
from did_service.verify_cli.terminal import CommandResult

_BUNDLE = "bundle"


def run(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Run the action that was named."""
    actions = {"pin": pin, "import": merge, "show": show, "reset-clock": reset_clock}
    return actions[arguments.action](arguments, env)


# --- pin --------------------------------------------------------------------------------------


def pin(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Pin a policy: the first under its fingerprint, any other as the next one."""
    data = env.read(arguments.policy, MAX_JSON_BYTES)
    offered = parse_policy(strict_json.loads(data))
    check_current(offered, env.clock)
    directory = directory_at(arguments.trust, env)
    _check_may_follow(read_held(directory, env.boot).policy, offered, arguments.fingerprint)
    with directory.locked():
        held = read_held(directory, env.boot).policy  # another process may have come first
        _check_may_follow(held, offered, arguments.fingerprint)
        if held is None or held.digest != offered.digest:
            _write_policy(directory, held, offered)
    language = env.language
    lines = (language.say(_pinned(held, offered)), *policy_lines(offered, language))
    return CommandResult(describe_policy(offered), lines, remarks=warnings(offered))


def _pinned(held: Policy | None, offered: Policy) -> Bilingual:
    number = offered.sequence
    if held is not None and held.digest == offered.digest:
        return Bilingual(f"策略 {number} 此前已载入", f"policy {number} was pinned already")
    return Bilingual(f"已载入策略 {number}", f"policy {number} is pinned")


def _check_may_follow(held: Policy | None, offered: Policy, fingerprint: str | None) -> None:
    """Check that a policy may be pinned after the one held.

    Raises:
        UsageError: `fingerprint_missing`: the first policy, and nobody vouched for it.
        PolicyError: `fingerprint_wrong`, or a code of `check_successor`.
    """
    if fingerprint is not None:
        check_first(offered, fingerprint)
    elif held is None:
        raise UsageError(
            "fingerprint_missing",
            "the first policy is pinned with --fingerprint, learned over a second channel",
        )
    if held is not None and held.digest != offered.digest:
        check_successor(held, offered)


def _write_policy(directory: TrustDirectory, held: Policy | None, offered: Policy) -> None:
    """Write the policy; it settles the forks that came to light before it."""
    settled = frozenset() if held is None else forked_logs(directory, held)
    directory.write_policy(strict_json.dumps(offered.members).encode() + b"\n")
    settled -= forked_logs(directory, offered)
    directory.change(lambda memory: memory.without_logs(settled))


# --- import -----------------------------------------------------------------------------------


def merge(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Merge a bundle: its policies one step at a time, then each item that is newer."""
    bundle = parse_bundle(env.read(arguments.bundle, MAX_BUNDLE_BYTES))
    directory = directory_at(arguments.trust, env)
    read_held(directory, env.boot).demand_policy()
    with directory.locked():
        before = read_held(directory, env.boot).demand_policy()
        after = _walk(before, bundle.policies, env.clock)
        if after is not before:
            _write_policy(directory, before, after)
        held = read_held(directory, env.boot)
        merged = _merge(directory, held, bundle)
    alone = prove(replace(held, evidence=bundle))
    counts = _count(prove(held).entries, alone.entries, merged)
    data: JsonObject = {**counts, "policy": describe_policy(after)}
    texts = [_counted(counts)]
    if after is not before:
        number = after.sequence
        texts.append(Bilingual(f"已换用策略 {number}", f"policy {number} took over"))
    lines = tuple(env.language.say(text) for text in texts)
    return CommandResult(data, lines, remarks=_fork_remarks(merged))


def _walk(held: Policy, offered: Iterable[JsonObject], now: datetime) -> Policy:
    """Go on to the policies that follow the one held, each signed by old and new.

    Raises:
        PolicyError: `policy_forked`.
    """
    policies = [policy for members in offered if (policy := _readable(members)) is not None]
    for policy in sorted(policies, key=lambda each: each.sequence):
        try:
            check_successor(held, policy)
            check_current(policy, now)
        except DidServiceError as error:
            if error.code == "policy_forked":
                raise
            continue
        held = policy
    return held


def _readable(members: JsonObject) -> Policy | None:
    try:
        return parse_policy(members)
    except DidServiceError:
        return None


def _merge(directory: TrustDirectory, held: TrustState, bundle: UnverifiedEvidence) -> Evidence:
    merged = prove(held, (_BUNDLE, bundle))
    keep_forks(directory, held, merged.forks)
    keep_evidence(directory, held, merged, bundle)
    directory.change(lambda memory: remember_logs(memory, merged))
    return merged


def _count(
    before: Iterable[ProvenEntry], given: Iterable[ProvenEntry], merged: Evidence
) -> dict[str, int]:
    """Count what a bundle brought, by item: newer, the same, older, dropped."""
    best = {_chain(each): each.rank for each in sorted(before, key=lambda each: each.rank)}
    counts = Counter(newer=0, same=0, older=0)
    counts.update(_compared(each.rank, best.get(_chain(each))) for each in given)
    counts["dropped"] = sum(each.source == _BUNDLE for each in merged.dropped)
    return dict(counts)


def _chain(proven: ProvenEntry) -> tuple[str, str, str]:
    return proven.origin, proven.kind, proven.subject


def _compared(rank: tuple[int, int], held: tuple[int, int] | None) -> str:
    if held is None or rank > held:
        return "newer"
    return "same" if rank == held else "older"


def _counted(counts: dict[str, int]) -> Bilingual:
    newer, same, older, dropped = counts.values()
    return Bilingual(
        f"较新 {newer} 项，相同 {same} 项，较旧 {older} 项，弃用 {dropped} 项",
        f"{newer} newer, {same} the same, {older} older, {dropped} dropped",
    )


def _fork_remarks(merged: Evidence) -> tuple[Bilingual, ...]:
    return tuple(
        Bilingual(
            f"{each.origin} 出现两份相互矛盾的历史，新策略发布前不再采信",
            f"{each.origin} has shown two histories: not relied on until a new policy",
        )
        for each in merged.forks
    )
