"""Policies, altered: nothing passes but what the governors signed, and it stays one policy.

The two true ones are the pinned policy and its successor; others bear too few signatures, a
stranger's, or those of another policy. Proofs are turned, doubled and mixed.
"""

import json
from functools import cache
from random import Random

from did_service.core.anchor.bodies.policy import (
    Policy,
    check_first,
    check_successor,
    parse_policy,
)
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError
from tests.fuzz.attempts import Attempt, Target
from tests.fuzz.bundles import presented
from tests.fuzz.counter import ACCEPTING, Circumstances, Evidence, judged
from tests.fuzz.mutations import altered, spoilt
from tests.fuzz.world import built
from tests.support.dids import key
from tests.support.founding import governor
from tests.support.rewriting import rewritten, spelled


@cache
def true_ones() -> tuple[Policy, Policy]:
    """The policy that is pinned and the one that follows."""
    fed = built().scene.fed
    return fed.policy, fed.next_policy(waivers=[])


@cache
def false_ones() -> tuple[JsonObject, ...]:
    """Policies that too few governors signed."""
    fed = built().scene.fed
    two, strangers = [governor("gd"), governor("hn")], [key(f"stranger {n}") for n in range(3)]
    keys = (two, strangers, [*two, key("stranger")])
    return tuple(fed.next_policy(each, demo=False).members for each in keys)


def make(random: Random) -> Attempt:
    """Offer an altered policy."""
    pinned, following = true_ones()
    members = random.choice((pinned.members, following.members, *false_ones()))
    if members["proof"][1:] and random.random() < 0.3:
        members = random.choice(list(rewritten(members).values()))
    data = json.dumps(spelled(members, random)).encode()
    change = random.randrange(8)
    if change == 0:
        data = spoilt(data, random)
    elif change > 1:
        donors = (pinned.members, following.members, *false_ones())
        data = json.dumps(altered(members, random, donors)).encode()
    shown = random.random() < 0.2

    def run() -> str | None:
        try:
            policy = parse_policy(strict_json.loads(data))
        except DidServiceError:
            policy = None
        found = None if policy is None else _judge(policy, pinned, following)
        return found or (_at_the_counter(data) if shown else None)

    return Attempt({"policy.json": data}, run)


def _judge(policy: Policy, pinned: Policy, following: Policy) -> str | None:
    """Say what is wrong with what the checks say of a policy that could be read."""
    again = parse_policy(policy.members)
    if again.digest != policy.digest or again.members != policy.members:
        return "read again it is another policy"
    if _passes(check_first, policy, pinned.fingerprint) and not _same(policy, pinned):
        return "pinned by the fingerprint of another"
    try:
        check_successor(pinned, policy)
    except DidServiceError as error:
        return "a fork that nobody signed" if error.code == "policy_forked" else None
    return None if _same(policy, following) else "a successor that nobody signed"


def _passes(check, *given: object) -> bool:
    try:
        check(*given)
    except DidServiceError:
        return False
    return True


def _same(one: Policy, other: Policy) -> bool:
    return jcs.encode(one.document) == jcs.encode(other.document)


def _at_the_counter(data: bytes) -> str | None:
    """Bring it beside the evidence of a good credential: it is none of that one's business."""
    world = built()
    try:
        policy = strict_json.loads(data)
    except DidServiceError:
        return None
    evidence = {**world.staple(world.good["jcs"]["issuer"]), "policies": [{"policy": policy}]}
    shown = json.dumps(
        {"vp_token": {"q": [presented("jcs")]}, "staple": world.copies[-2]}
    ).encode()
    files = {"bundle": json.dumps(evidence).encode()}
    at = Circumstances(world.now + 1)
    report = judged(shown, Evidence.read(files), at, world.scene.fed.policy)
    if report is None or report.outcome not in ACCEPTING:
        return "a policy beside the evidence spoils a good credential"
    return None


TARGET = Target("policies", make, most_steps=2_000_000)
