"""The policies in evidence that concern the pinned one (docs/threat-model.md rule 17).

    pinned n ──signed by both──► n + 1        another n, signed as well: a fork

Anybody can put anything into an evidence set, and what is kept is kept for years. So only what
the pinned governance has signed counts, and each policy once, with the proofs that count.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from did_service.core.anchor.bodies.policy import (
    Policy,
    check_successor,
    parse_policy,
)
from did_service.core.anchor.governance import counting
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import DidServiceError, PolicyError


def succeeding(held: Policy, offered: Iterable[JsonObject]) -> tuple[JsonObject, ...]:
    """Return the policies that follow the pinned one or contradict it."""
    found: dict[bytes, JsonObject] = {}
    for members in offered:
        with suppress(DidServiceError):
            policy = parse_policy(members)
            if _concerns(held, policy):
                found.setdefault(policy.digest, with_counted_proofs(policy, held).members)
    return tuple(found.values())


def with_counted_proofs(policy: Policy, held: Policy | None) -> Policy:
    """Return a policy with those proofs alone that count for it and for the one held.

    Anything may stand among the others, megabytes of it, whoever carries it (`governance`).
    """
    judges = (policy,) if held is None else (held, policy)
    counted = {
        jcs.encode(proof)
        for judge in judges
        for proof in counting(policy.document, policy.proofs, judge.governors).values()
    }
    proofs: list[JsonValue] = [each for each in policy.proofs if jcs.encode(each) in counted]
    return replace(policy, members={**policy.members, "proof": proofs})


def _concerns(held: Policy, offered: Policy) -> bool:
    try:
        check_successor(held, offered)
    except PolicyError as error:
        return error.code == "policy_forked"
    return True
