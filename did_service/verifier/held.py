"""What a trust directory holds, read and proven: policy, evidence, memory, forks.

forks/HASH.json   {"format":"didsvc-fork/1","policy":SEQ,"origin","size","notes":[…],
"remembered":{"size","root"}|null}
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from did_service.core.anchor.bodies.policy import Policy, parse_policy
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import PolicyError
from did_service.core.evidence.checked import Checked
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.proven_set import Evidence, Tree
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.log.policy import VerifiedCheckpoint
from did_service.core.verification.report import NowFrom
from did_service.core.verification.request import Clock, Remembered
from did_service.core.verification.verified import Verified
from did_service.program.environment import Environment
from did_service.verifier.chain_keys import Wanted
from did_service.verifier.directory import POLICY_FILE, TrustDirectory, default_path
from did_service.verifier.memory import Memory
from did_service.verifier.quorums import basis_of
from did_service.verifier.state import parse_or_damaged

FORK_FORMAT = "didsvc-fork/1"

SOURCE = "trust"  # the name of the directory's own evidence in reports


@dataclass(frozen=True, slots=True, eq=False)
class TrustState:
    """The content of a trust directory.

    Attributes:
        policy: The pinned one.
        evidence: What was read of the evidence.
        memory: What is remembered.
        forked: The logs that count for nothing.
        verified: Checkpoints that had their quorum under this policy when they were taken in.
    """

    policy: Policy | None
    evidence: UnverifiedEvidence
    memory: Memory
    forked: frozenset[str]
    verified: Mapping[bytes, VerifiedCheckpoint] = field(default_factory=dict)

    @property
    def trees(self) -> dict[str, Tree]:
        """The largest tree of each log, by origin."""
        return {origin: Tree(log.size, log.root) for origin, log in self.memory.logs.items()}

    @property
    def remembered(self) -> Remembered:
        """What the core needs to know of the past."""
        before = (
            None if self.policy is None else Verified(self.policy.digest, {**self.verified})
        )
        return Remembered(self.trees, self.forked, before)

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
        return demanded(self.policy)


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
    return None if stored is None else parse_or_damaged(POLICY_FILE, _policy, stored)


def demand_policy(directory: TrustDirectory) -> Policy:
    """Return the pinned policy.

    Raises:
        PolicyError: `policy_missing`.
        MalformedError, UnavailableError: as `read_policy`.
    """
    return demanded(read_policy(directory))


def demanded(policy: Policy | None) -> Policy:
    """Return a policy that there must be.

    Raises:
        PolicyError: `policy_missing`.
    """
    if policy is None:
        raise PolicyError("policy_missing", "no trust policy is pinned in this trust directory")
    return policy


def read_held(directory: TrustDirectory, boot: str, wanted: Wanted | None = None) -> TrustState:
    """Read a trust directory; one that does not exist holds nothing.

    Args:
        directory: Which.
        boot: Of the machine.
        wanted: What a check asks for: of a large directory only that is read.

    Raises:
        LimitError: `too_much_to_check`: a check needs more than is read for one.
        MalformedError: `trust_damaged`, naming the file.
        UnavailableError: `file_not_read`.
    """
    evidence = directory.evidence(wanted)
    return _state(directory, directory.memory().in_boot(boot), evidence)


def read_for(
    directory: TrustDirectory, memory: Memory, wanted: Wanted, *, item: str | None
) -> TrustState:
    """Read of a trust directory what a check of it asks for.

    Args:
        directory: Which.
        memory: What is remembered, as it was read before the evidence.
        wanted: What the check asks for: of a large directory only that is read.
        item: The service item of the question; that is read as well.

    Raises:
        LimitError: `too_much_to_check`: a check needs more than is read for one.
        MalformedError: `trust_damaged`, naming the file.
        UnavailableError: `file_not_read`.
    """
    also = () if item is None else (item,)
    return _state(directory, memory, directory.evidence(wanted, also))


def read_known(directory: TrustDirectory, boot: str) -> TrustState:
    """Read a trust directory without its evidence: policy, forks, and what is remembered.

    Raises:
        MalformedError: `trust_damaged`, naming the file.
        UnavailableError: `file_not_read`.
    """
    return _state(directory, directory.memory().in_boot(boot), UnverifiedEvidence())


def read_beside(
    directory: TrustDirectory, boot: str, offered: UnverifiedEvidence
) -> TrustState:
    """Read a trust directory for a merge: of a large one only what the offered set may change.

    Raises:
        MalformedError: `trust_damaged`, naming the file.
        UnavailableError: `file_not_read`.
    """
    whole = not directory.is_large
    evidence = directory.evidence() if whole else directory.evidence_of(offered)
    return _state(directory, directory.memory().in_boot(boot), evidence)


def read_subjects(
    directory: TrustDirectory, boot: str, offered: UnverifiedEvidence, *, with_shared: bool
) -> TrustState:
    """Read of a trust directory what the offered set may change, however small it is.

    Args:
        directory: Which.
        boot: Of the machine.
        offered: The set.
        with_shared: Also the checkpoints and heads entries of all others, which may contradict.

    Raises:
        MalformedError: `trust_damaged`, naming the file.
        UnavailableError: `file_not_read`.
    """
    evidence = directory.evidence_of(offered, with_shared=with_shared)
    return _state(directory, directory.memory().in_boot(boot), evidence)


def _state(
    directory: TrustDirectory, memory: Memory, evidence: UnverifiedEvidence
) -> TrustState:
    policy = read_policy(directory)
    return TrustState(
        policy,
        evidence,
        memory,
        frozenset() if policy is None else forked_logs(directory, policy),
        {} if policy is None else directory.recalled(evidence.checkpoints, basis_of(policy)),
    )


def forked_logs(directory: TrustDirectory, policy: Policy) -> frozenset[str]:
    """Return the logs whose fork came to light under this policy or a later one."""
    found = (
        parse_or_damaged(f"forks/{name}", _fork, directory.read_fork(name))
        for name in directory.forks()
    )
    return frozenset(origin for origin, seq in found if seq >= policy.sequence)


def prove(
    held: TrustState, *more: tuple[str, UnverifiedEvidence], checked: Checked | None = None
) -> Evidence:
    """Say what the directory's own evidence proves, and with it any further sets.

    Args:
        held: The directory, read.
        more: Further sets by name.
        checked: What was checked before; if under its policy it counts, and is added to.

    Raises:
        PolicyError: `policy_missing`.
    """
    policy = held.demand_policy()
    checked = Checked.under(policy, checked)
    checked.notes.update(held.verified)
    sources = (*held.sources, *more)
    return verify_evidence(sources, policy, held.trees, held.forked, checked)


def _policy(data: bytes) -> Policy:
    return parse_policy(strict_json.loads(data))


def _fork(data: bytes) -> tuple[str, int]:
    fields = Fields(strict_json.load_object(data), "fork")
    fields.constant("format", FORK_FORMAT)
    return fields.text("origin"), fields.integer("policy", least=1)
