"""What other regions show of our logs: the newest heads that our own keys have signed.

    MIRROR/checkpoint   what a quorum has cosigned, as far as the mirror has followed
    MIRROR/held         what this witness has cosigned itself, published or not

Both bear the signature of the log, so nobody can make one up. A former key of a log may have
been stolen: what it alone has signed counts with a quorum, or where more witnesses than may lie
show it (docs/adr/0076).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from did_service.client.registry import LogReader
from did_service.client.transport import Transport
from did_service.client.witness import WitnessClient, mirror_url, witness_url
from did_service.core.errors import DidServiceError, ProofError, UnavailableError
from did_service.core.log.checkpoint import Checkpoint, parse_checkpoint
from did_service.core.log.note import parse_note, verify_note
from did_service.core.log.policy import KnownWitness, LogPolicy
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.core.text import quote
from did_service.registry.region import RegionStores
from did_service.registry.registry import Registry
from did_service.replica.check import policy_in_force

_LOG = logging.getLogger("did_service.registry")


def shown_heads(
    region: RegionStores, transport: Transport, origin: str
) -> dict[str, Checkpoint]:
    """Return the newest head of one of our logs that each witness can show.

    Args:
        region: The region, for its policy and stores.
        transport: Reaches the witnesses.
        origin: The log.

    Returns:
        Heads by the name of the witness; who does not answer, or shows none, is left out.
    """
    policy, faults = _policy(region, origin), region.pinned.region_faults
    return heads_shown(policy, policy.witnesses, transport, origin, faults)


def heads_shown(
    policy: LogPolicy,
    witnesses: Iterable[KnownWitness],
    transport: Transport,
    origin: str,
    faults: int,
) -> dict[str, Checkpoint]:
    """Return the same of some witnesses of any log, of whom so many may lie.

    The log itself is never asked.
    """
    shown = {each.name: _heads(transport, each, policy, origin) for each in witnesses}
    showing = Counter(head for heads in shown.values() for head in heads)
    believed = {
        name: [head for head, sure in heads.items() if sure or showing[head] > faults]
        for name, heads in shown.items()
    }
    return {n: max(heads, key=lambda head: head.size) for n, heads in believed.items() if heads}


def silent_witnesses(
    witnesses: Iterable[KnownWitness], transport: Transport, origin: str
) -> int:
    """Count the witnesses that say themselves that they have cosigned nothing of a log."""
    silent = 0
    for each in witnesses:
        try:
            WitnessClient.of(transport, each).held(origin)
        except DidServiceError as error:
            # Nothing else says so: a proxy or an older release has no such page at all.
            silent += error.code == "nothing_held"
    return silent


def check_silent(
    witnesses: Sequence[KnownWitness], transport: Transport, origin: str, needed: int
) -> None:
    """Check that so many witnesses have never cosigned anything of a log.

    Raises:
        UnavailableError: `witnesses_missing`: fewer say so, or there is nobody to say it.
    """
    silent = silent_witnesses(witnesses, transport, origin)
    if silent < max(1, needed):
        what = f"{silent} witnesses know nothing of {origin} where {needed} have to say so"
        raise UnavailableError("witnesses_missing", what)


def accept_lost_guard(registry: Registry) -> dict[str, Checkpoint]:
    """Begin the guard of a region's logs again, after somebody has said that it is lost.

    The guard is what keeps a key from signing a second history. Without it, what the database
    and the files remember is believed only together with what so many witnesses show that every
    published head is among it; whatever they show has to be here first, see `pull`.

    Args:
        registry: Opened.

    Returns:
        By origin, the head with which the guard of a log began; logs whose guard is there are
        left out.

    Raises:
        UnavailableError: `witnesses_missing`: too few answer; `log_behind_its_signature` or
            `log_differs_from_its_signature`: what was signed is not here; `guard_damaged`: it
            is there, so it is not lost; move it away first.
    """
    region, begun = registry.region, {}
    for origin, history in registry.histories.items():
        known = history.heads()
        if "the guard" in known or not known:
            continue
        shown = shown_heads(region, registry.transport, origin)
        needed = needed_to_show(_policy(region, origin), region.pinned.region_faults)
        if len(shown) < needed:
            what = f"{len(shown)} witnesses show {origin} where {needed} are needed"
            raise UnavailableError("witnesses_missing", what)
        for head in shown.values():
            history.learn(head)
        newest = max([*known.values(), *shown.values()], key=lambda head: head.size)
        history.check_rows(region.stores[origin])
        begun[origin] = newest
    registry.guard.begin(
        {origin: HeldCheckpoint(head.size, head.root) for origin, head in begun.items()}
    )
    return begun


def _heads(
    transport: Transport, witness: KnownWitness, policy: LogPolicy, origin: str
) -> dict[Checkpoint, bool]:
    """Return the heads that a witness shows, and whether one alone need be believed."""
    mirror = LogReader(transport, mirror_url(witness_url(witness), origin))
    notes = (mirror.checkpoint, lambda: WitnessClient.of(transport, witness).held(origin))
    found: dict[Checkpoint, bool] = {}
    for head, sure in filter(None, (_read(read, witness, policy) for read in notes)):
        if head.origin == origin:
            found[head] = sure or found.get(head, False)
    return found


def _read(
    read: Callable[[], bytes], witness: KnownWitness, policy: LogPolicy
) -> tuple[Checkpoint, bool] | None:
    """Return the head of a note that the log itself has signed, None for anything else.

    Sure is what bears the key that signs by the policy in force, or a quorum.
    """
    try:
        note = parse_note(read())
        keys = [log.key for log in policy.logs if note.lines_of(log.key)]
        if not keys:
            raise ProofError("log_signature_missing", "another key has signed it")
        for key in keys:
            verify_note(note, key)
        sure = policy.logs[0].key in keys or _has_quorum(note.encode(), policy)
        return parse_checkpoint(note.text), sure
    except DidServiceError as error:
        _LOG.info("witness %s shows nothing: %s", quote(witness.key.name), error.code)
        return None


def _has_quorum(note: bytes, policy: LogPolicy) -> bool:
    try:
        policy.verify(note)
    except DidServiceError:
        return False
    return True


def needed_to_show(policy: LogPolicy, faults: int) -> int:
    """Return how many witnesses must answer so that an honest one among them knows each head.

    A published head has k cosigners among n, and f of those who answer may keep it back.
    """
    names = {each.name for each in policy.witnesses}
    top = [group for group in policy.quorum.groups if group.name == policy.quorum.name]
    least = top[0].threshold if top and names.issuperset(top[0].members) else 1
    return min(len(names), len(names) - least + 1 + faults)


def _policy(region: RegionStores, origin: str) -> LogPolicy:
    control = region.stores[region.control]
    return policy_in_force(region.pinned, control).log_policy(origin)
