"""Who keeps a status list: it is registered for the issuer, and its keeper signed it.

    statement, latest ──status_lists──► URL ──► grantee, after its end status_custodian
    list ──proof──► that keeper's did entry, the latest: a retired key signs no lists

The law is `anchor.list_keepers`. Registering a list and naming its keeper are positive, so they
need statements that are the latest; an end counts from any statement at hand (threat rules 14,
22; docs/adr/0018).
"""

from __future__ import annotations

from collections.abc import Sequence

from did_service.core.anchor.list_keepers import keepers
from did_service.core.anchor.view import same_subject
from did_service.core.credentials import proof_set
from did_service.core.credentials.proof_set import KeyResolver, ProofDemand
from did_service.core.did.document import Relationship
from did_service.core.encoding import timestamps
from did_service.core.errors import ProofError, quote
from did_service.core.evidence.proven import Latest
from did_service.core.verification.context import CredentialContext
from did_service.core.verification.did_states import latest_state
from did_service.core.verification.statements import ProvenStatement
from did_service.core.verification.verified import ReadList

_DEMAND = ProofDemand(
    purpose=proof_set.ASSERTION,
    suites=frozenset(proof_set.SUITES),
    now=timestamps.from_posix(0),  # whether a proof has expired is asked each time it is used
    challenge=None,
    domain=None,
)


def registering(statements: Sequence[ProvenStatement], url: str) -> list[Latest]:
    """Return the statements, each the latest of its chain, that name a list."""
    naming = (each for each in statements if url in each.statement.status_lists)
    return [each.proven for each in naming if isinstance(each.proven, Latest)]


def check_kept(
    context: CredentialContext,
    read: ReadList,
    logged: int,
    statements: Sequence[ProvenStatement],
) -> list[Latest]:
    """Check a list's signature, and that its signer may still keep it.

    Args:
        context: The credential.
        read: The list itself, whose `id` is its URL.
        logged: POSIX second at which its log took it.
        statements: The newest at hand of each chain about the issuer.

    Returns:
        What the answer rests on: the signers' did entries, and the statement that names the
        keeper. All are used, so step 13 judges them.

    Raises:
        ProofError, NotFoundError, MalformedError: the list counts for nothing.
    """
    rests_on: list[Latest] = []

    def resolve(method: str, purpose: str) -> bytes:
        state = latest_state(context, proof_set.did_of(method))
        rests_on.extend(each for each in (state.proven,) if isinstance(each, Latest))
        return state.document.public_key(method, Relationship(purpose))

    _verify(read, resolve)
    if any(each.has_lapsed_by(context.now) for each in read.proofs):
        raise ProofError("proof_expired", "a proof of the list has expired")
    signer = proof_set.signer_of(read.credential, read.proofs).did
    url = read.credential.id or ""
    naming = [each for each in statements if url in each.statement.status_lists]
    allowing = [
        each.proven
        for keeper, each in keepers(naming, logged)
        if isinstance(each.proven, Latest) and same_subject(keeper, signer)
    ]
    if not allowing:
        raise ProofError("signer_wrong", f"{quote(signer)} may not keep this list now")
    freshest = max(allowing, key=lambda each: each.as_of)
    context.use(freshest)
    return [*rests_on, freshest]


def _verify(read: ReadList, resolve: KeyResolver) -> None:
    """Verify a list's proofs; once, as long as the same methods have the same keys."""
    if read.proofs and all(
        resolve(method, proof_set.ASSERTION) == key for method, key in read.keys
    ):
        return
    keys: dict[str, bytes] = {}

    def noting(method: str, purpose: str) -> bytes:
        keys[method] = resolve(method, purpose)
        return keys[method]

    read.proofs = ()
    read.proofs = proof_set.verify_proofs(read.credential.raw, noting, _DEMAND)
    read.keys = tuple(keys.items())
