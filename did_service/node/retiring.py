"""`did-service pull --retire-former`: a new key goes on without what former ones have signed.

    pull ─ nobody has what the guard knows ─► is the policy's first key new? ─► do enough
    witnesses answer, and is all they show here? ─► guard: former keys bound, origin at what is
    here ─► pull again

A key that has signed a head which nobody holds any more can never sign again: whatever it
signed next would be a second history. A key that the next policy names, and that has signed
nothing, may go on from what everybody knows (docs/adr/0080).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from did_service.core.crypto.keyring import KeyRole
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import ConflictError, UnavailableError
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import EMPTY_ROOT
from did_service.core.log.note import NoteSigner
from did_service.core.log.policy import LogPolicy
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.registry.pull import PulledLog, pull
from did_service.registry.registry import Registry
from did_service.registry.shown import needed_to_show, shown_heads, silent_witnesses
from did_service.replica.check import policy_in_force
from did_service.signer.keyring import Keyring


@dataclass(frozen=True, slots=True)
class RetiredKeys:
    """What was given up of one log.

    Attributes:
        signed: Size up to which its former keys have signed.
        goes_on: Size from which the new key goes on.
    """

    signed: int
    goes_on: int

    def encode(self) -> JsonObject:
        """Return it for machines."""
        return {"signed": self.signed, "goes_on": self.goes_on}


def verifier_keys(keyring: Keyring, origin: str) -> list[str]:
    """Return the verifier key of every key of a log that a keyring has."""
    kept = keyring.all(KeyRole.LOG, origin)
    return [NoteSigner(origin, each.key).verifier_key.encode() for each in kept]


def pull_retiring(
    registry: Registry, signers: Mapping[str, NoteSigner], keyring: Keyring
) -> tuple[list[PulledLog], dict[str, RetiredKeys]]:
    """Fetch what the logs lack; where nobody has it, retire the keys that have signed it.

    Args:
        registry: Opened, with the policy that names the new keys.
        signers: The key with which each log is going to sign.
        keyring: Has all keys of its logs.

    Returns:
        What was fetched, and what was given up, by origin.

    Raises:
        DidServiceError: as `pull`.
        ConflictError: `log_key_not_new`: the policy names no key after the one that has signed
            what is lost.
        UnavailableError: `witnesses_missing`; `history_missing`: somebody shows what is lost.
    """
    retired: dict[str, RetiredKeys] = {}
    while True:
        try:
            return pull(registry), retired
        except UnavailableError as error:
            origin = str(error.details.get("log", ""))
            if error.code != "history_missing" or origin in retired:
                raise
            retired[origin] = _retire(registry, signers[origin], verifier_keys(keyring, origin))


def _retire(registry: Registry, signer: NoteSigner, keys: list[str]) -> RetiredKeys:
    origin, key = signer.name, signer.verifier_key
    log, used = _policy_of(registry, origin), registry.guard.keys(origin)
    is_new = key.encode() not in used if used else len(log.logs) > 1
    if log.logs[0].key != key or not is_new:
        raise ConflictError("log_key_not_new", f"the policy names no newer key of {origin}")
    head = _known(registry, origin)
    former = [each for each in keys if each != key.encode()]
    last = registry.guard.retire(origin, key.encode(), former, head)
    return RetiredKeys(last.size, head.size)


def _known(registry: Registry, origin: str) -> HeldCheckpoint:
    """Return the newest head that is known beside the guard; all of these are here.

    Raises:
        UnavailableError: `witnesses_missing`, `history_missing`.
    """
    region, store = registry.region, registry.region.stores[origin]
    shown = shown_heads(region, registry.transport, origin)
    _check_answering(registry, origin, shown)
    known = [h for p, h in registry.histories[origin].heads().items() if p != "the guard"]
    for head in (*known, *shown.values()):
        if store.size() < head.size or store.root(head.size) != head.root:
            what = f"{origin} was signed at {head.size}, and not by the guard's word alone"
            raise UnavailableError("history_missing", what, size=store.size(), log=origin)
    none = Checkpoint(origin, 0, EMPTY_ROOT)
    newest = max([none, *known, *shown.values()], key=lambda head: head.size)
    return HeldCheckpoint(newest.size, newest.root)


def _check_answering(registry: Registry, origin: str, shown: Mapping[str, Checkpoint]) -> None:
    """Check that no more witnesses keep silent than may fail.

    So an honest one among those who answer knows each published head, and those who may have
    cosigned what is lost, and will refuse the new history for ever, are too few to stop it.

    Raises:
        UnavailableError: `witnesses_missing`.
    """
    log, faults = _policy_of(registry, origin), registry.region.pinned.region_faults
    others = [each for each in log.witnesses if each.name not in shown]
    answering = len(shown) + silent_witnesses(others, registry.transport, origin)
    needed = max(1, needed_to_show(log, faults), len(log.witnesses) - faults)
    if answering < needed:
        what = f"{answering} witnesses tell of {origin} where {needed} have to"
        raise UnavailableError("witnesses_missing", what)


def _policy_of(registry: Registry, origin: str) -> LogPolicy:
    region = registry.region
    return policy_in_force(region.pinned, region.stores[region.control]).log_policy(origin)
