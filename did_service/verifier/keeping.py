"""What is kept of what was proven: evidence, forks, log sizes (docs/threat-model.md rule 5).

Everything is kept under the directory's lock by the caller, so that one decision and what is
remembered of it are one step. Evidence only gets newer; a fork stays on record, and its log
unusable, until a higher policy is pinned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.credentials.model import Credential
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64, strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.evidence.pieces import UnverifiedBatch
from did_service.core.evidence.proven import ProvenEntry
from did_service.core.evidence.proven_set import Evidence, Fork
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.verification.presented import STAPLE
from did_service.core.verification.staple import needed_for
from did_service.core.verification.tier import is_service_item
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.held import FORK_FORMAT, TrustState
from did_service.verifier.memory import Memory, RememberedLog
from did_service.verifier.quorums import basis_of
from did_service.verifier.shelves import POLICIES


def keep_forks(directory: TrustDirectory, held: TrustState, forks: Sequence[Fork]) -> None:
    """Keep the proof of each fork, once for each tree size and policy."""
    sequence = held.demand_policy().sequence
    kept = directory.forks()
    for fork in forks:
        about = f"{fork.origin} {fork.size} {sequence}"
        name = f"{sha256(about.encode()).hex()[:32]}.json"
        if name not in kept:
            directory.keep_fork(name, _encode_fork(fork, sequence, held.memory))


def keep_evidence(
    directory: TrustDirectory, held: TrustState, evidence: Evidence, lasting: UnverifiedEvidence
) -> None:
    """Merge what verified into the directory; nothing is lost, and nothing gets older.

    While a log is forked the stored evidence stays as it is: it is half of the proof. Issuance
    proofs of single credentials are kept only where `lasting` evidence, such as a bundle, has
    them: those of a staple would tell who was here. Service items of a staple are not kept:
    what loosens a tier is never brought by whoever is judged (docs/adr/0018).

    Raises:
        LimitError: `too_large`: the directory would hold more than it may.
    """
    if held.forked or evidence.forks:
        return
    kept = _without_strangers(evidence, {*held.evidence.batches, *lasting.batches})
    chains = [*kept.kept_chains(), (POLICIES, UnverifiedEvidence(policies=evidence.policies))]
    new = [each for each in evidence.checkpoints if each.note not in held.verified]
    directory.keep_chains(held.evidence, chains, basis_of(held.demand_policy()), new)


def of_decision(
    evidence: Evidence, policy: Policy, credentials: Sequence[Credential], visitors: str
) -> Evidence:
    """Leave out what a visitor proved of others: true, but nothing of it was needed.

    What the directory and the bundles of the counter hold stays, and so does what is newer of
    the same subjects, unless it only stands in the way of an older one that can be used: a list
    without its content, or an entry that nothing names as the latest. Whoever brings such a
    thing is judged by it, and nobody after him. A log's own heads are as few as the logs.

    Args:
        evidence: What was at hand for the decision.
        policy: The pinned one.
        credentials: Those that a registered key has signed.
        visitors: The source whose evidence the visitor brought.
    """
    wanted = {
        (each.kind, each.subject)
        for credential in credentials
        for each in needed_for(credential, policy, evidence)
    }
    wanted |= {_subject(each) for each in evidence.entries if each.source != visitors}
    usable = newest_usable(evidence)
    entries = (
        each
        for each in evidence.entries
        if _subject(each) in wanted
        and (each.source != visitors or each.number <= usable.get(each.chain, each.number))
    )
    return replace(evidence, entries=tuple(entries))


def newest_usable(evidence: Evidence) -> dict[tuple[str, str, str], int]:
    """Return the number of the newest entry that can serve a yes, by log, kind and subject."""
    found: dict[tuple[str, str, str], int] = {}
    for each in filter(evidence.is_usable, evidence.entries):
        found[each.chain] = max(each.number, found.get(each.chain, 0))
    return found


def _subject(proven: ProvenEntry) -> tuple[str, str]:
    return proven.kind, proven.subject


def remember_logs(memory: Memory, evidence: Evidence) -> Memory:
    """Remember the largest tree of each log and the newest time that a quorum has shown."""
    for each in evidence.checkpoints:
        time = timestamps.from_posix(each.fresh_at)
        known = RememberedLog(each.checkpoint.size, each.checkpoint.root, time)
        memory = memory.with_log(each.checkpoint.origin, known)
    if evidence.fresh_at is None:
        return memory
    return memory.with_witnessed(timestamps.from_posix(evidence.fresh_at))


def _without_strangers(evidence: Evidence, batches: set[UnverifiedBatch]) -> Evidence:
    issued = {
        record: [proof for proof in proofs if proof.batch in batches]
        for record, proofs in evidence.issued.items()
    }
    entries = tuple(
        each for each in evidence.entries if each.source != STAPLE or not is_service_item(each)
    )
    return replace(evidence, entries=entries, issued=issued)


def _encode_fork(fork: Fork, sequence: int, memory: Memory) -> bytes:
    known = memory.logs.get(fork.origin)
    remembered: JsonObject | None = None
    if known is not None and known.size == fork.size:
        remembered = {"size": known.size, "root": b64.encode_url(known.root)}
    members: JsonObject = {
        "format": FORK_FORMAT,
        "policy": sequence,
        "origin": fork.origin,
        "size": fork.size,
        "notes": [note.decode() for note in fork.notes],
        "remembered": remembered,
    }
    return f"{strict_json.dumps(members)}\n".encode()
