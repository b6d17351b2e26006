"""What a trust directory holds, read and written back: policy, evidence, memory, forks.

Everything is kept under the directory's lock by the caller, so that one decision and what is
remembered of it are one step. Evidence only gets newer; a fork stays on record, and its log
unusable, until a higher policy is pinned (docs/threat-model.md rule 5).

    forks/HASH.json   {"format":"didsvc-fork/1","policy":SEQ,"origin","size","notes":[…],
                       "remembered":{"size","root"}|null}
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from did_service.core.anchor.bodies.policy import Policy, parse_policy
from did_service.core.credentials.model import Credential
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64, strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import PolicyError
from did_service.core.evidence.pieces import UnverifiedBatch
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.proven import ProvenEntry
from did_service.core.evidence.proven_set import Evidence, Fork, Tree
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.verification.presented import STAPLE
from did_service.core.verification.report import NowFrom
from did_service.core.verification.request import Clock, Remembered
from did_service.core.verification.staple import needed_for
from did_service.core.verification.tier import is_service_item
from did_service.program.environment import Environment
from did_service.verifier.directory import TrustDirectory, default_path
from did_service.verifier.memory import Memory, RememberedLog
from did_service.verifier.shelves import POLICIES
from did_service.verifier.state import parse_or_damaged

FORK_FORMAT = "didsvc-fork/1"

SOURCE = "trust"  # the name of the directory's own evidence in reports


@dataclass(frozen=True, slots=True)
class TrustState:
    """The content of a trust directory; `forked` names the logs that count for nothing."""

    policy: Policy | None
    evidence: UnverifiedEvidence
    memory: Memory
    forked: frozenset[str]

    @property
    def remembered(self) -> Remembered:
        """What the core needs to know of the past."""
        trees = {origin: Tree(log.size, log.root) for origin, log in self.memory.logs.items()}
        return Remembered(trees, self.forked)

    @property
    def sources(self) -> tuple[tuple[str, UnverifiedEvidence]]:
        """The evidence under its name in reports, as `verify` takes it."""
        return ((SOURCE, self.evidence),)

    def clock(self, now: datetime, source: NowFrom) -> Clock:
        """Return the time to judge by, beside what is remembered of time."""
        return Clock(now, source, self.memory.witnessed, self.memory.decided)

    def demand_policy(self) -> Policy:
        """Return the pinned policy.

        Raises:
            PolicyError: `policy_missing`.
        """
        if self.policy is None:
            raise PolicyError(
                "policy_missing", "no trust policy is pinned in this trust directory"
            )
        return self.policy


def directory_at(given: str | None, env: Environment) -> TrustDirectory:
    """Return the trust directory that was named, or the user's own."""
    own = default_path(env.variables, env.home)
    return TrustDirectory(own if given is None else Path(given))


def read_policy(directory: TrustDirectory) -> Policy | None:
    """Read the pinned policy, None before the first pin.

    Raises:
        MalformedError: `trust_damaged`.
        UnavailableError: `file_not_read`.
    """
    stored = directory.read_policy()
    return None if stored is None else parse_or_damaged("policy.json", _policy, stored)


def read_held(
    directory: TrustDirectory,
    boot: str,
    presented: bytes | None = None,
    also: Iterable[str] = (),
) -> TrustState:
    """Read a trust directory; one that does not exist holds nothing.

    Args:
        directory: Which.
        boot: Of the machine.
        presented: What is to be checked: of a large directory only what that needs is read.
        also: Further keys that will be asked for, such as a service item.

    Raises:
        LimitError: `too_much_to_check`: a check needs more than is read for one.
        MalformedError: `trust_damaged`, naming the file.
        UnavailableError: `file_not_read`.
    """
    return _state(directory, boot, directory.evidence(presented, also))


def read_beside(
    directory: TrustDirectory, boot: str, offered: UnverifiedEvidence
) -> TrustState:
    """Read a trust directory for a merge: of a large one only what the offered set may change.

    Raises:
        MalformedError: `trust_damaged`, naming the file.
        UnavailableError: `file_not_read`.
    """
    return _state(directory, boot, directory.evidence_beside(offered))


def _state(directory: TrustDirectory, boot: str, evidence: UnverifiedEvidence) -> TrustState:
    policy = read_policy(directory)
    return TrustState(
        policy,
        evidence,
        directory.memory().in_boot(boot),
        frozenset() if policy is None else forked_logs(directory, policy),
    )


def forked_logs(directory: TrustDirectory, policy: Policy) -> frozenset[str]:
    """Return the logs whose fork came to light under this policy or a later one."""
    found = (
        parse_or_damaged(f"forks/{name}", _fork, directory.read_fork(name))
        for name in directory.forks()
    )
    return frozenset(origin for origin, seq in found if seq >= policy.sequence)


def prove(held: TrustState, *more: tuple[str, UnverifiedEvidence]) -> Evidence:
    """Say what the directory's own evidence proves, and with it any further sets.

    Raises:
        PolicyError: `policy_missing`.
    """
    known = held.remembered
    sources = (*held.sources, *more)
    return verify_evidence(sources, held.demand_policy(), known.trees, known.forked)


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
    directory.keep_chains(held.evidence, chains)


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
        and (each.source != visitors or each.number <= usable.get(_chain(each), each.number))
    )
    return replace(evidence, entries=tuple(entries))


def newest_usable(evidence: Evidence) -> dict[tuple[str, str, str], int]:
    """Return the number of the newest entry that can serve a yes, by log, kind and subject."""
    found: dict[tuple[str, str, str], int] = {}
    for each in filter(evidence.is_usable, evidence.entries):
        found[_chain(each)] = max(each.number, found.get(_chain(each), 0))
    return found


def _chain(proven: ProvenEntry) -> tuple[str, str, str]:
    return proven.origin, proven.kind, proven.subject


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


def _policy(data: bytes) -> Policy:
    return parse_policy(strict_json.loads(data))


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


def _fork(data: bytes) -> tuple[str, int]:
    fields = Fields(strict_json.load_object(data), "fork")
    fields.constant("format", FORK_FORMAT)
    return fields.text("origin"), fields.integer("policy", least=1)
