"""From bytes to yes or no: a credential with everything at hand, and a whole presentation.

`vc.decision` is the proof, who signed, the dates, the compiled schema, and one bit of a status
list that was verified and unpacked before: the least that a decision can be.
`vc.presentation` is all thirteen steps of `did-verify check` over a presentation with its
staple, as the wallet writes it, nothing verified before, without starting a process.
`vc.presentation.bundle` is the same at a counter that has the evidence and has verified it:
what is left is the credential and the holder's answer. Signatures are counted.
"""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

from nacl import bindings

from bench.counter import presented_file, published_scene
from bench.fixtures import NOW, Fixture, credentials, resolve
from bench.harness import Row, Session, V, repeat
from did_service.core.credentials.bitstring_status_list import (
    BitstringStatusList,
    parse_status_entry,
)
from did_service.core.credentials.model import parse_credential
from did_service.core.credentials.proof_set import (
    ASSERTION,
    ProofDemand,
    signer_of,
    verify_proofs,
)
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import Numbers
from did_service.core.encoding.xsd_datetime import Instant
from did_service.core.errors import DidServiceError
from did_service.core.integrity import eddsa_jcs_2022
from did_service.core.verification.report import Outcome
from did_service.core.verification.request import Remembered
from did_service.core.verification.verified import Verified
from tests.support.counter import sets

_GOALS = {"vc.presentation": 47, "vc.presentation.bundle": 12}
_DEMAND = ProofDemand(ASSERTION, frozenset({eddsa_jcs_2022.NAME}), NOW, None, None)


def run(session: Session) -> None:
    """Measure both; the decision is about the large credential."""
    _, large = credentials()
    secured = large.issue(eddsa_jcs_2022.NAME)
    status = BitstringStatusList.empty()
    assert decide(secured, large, status)
    assert not decide(secured.replace(b'"months":120', b'"months":121', 1), large, status)
    scene = published_scene()
    stapled, bare = presented_file(scene), presented_file(scene, staple=None)
    own, known = sets(scene.staple()), Remembered(verified=Verified(scene.fed.policy.digest))
    checks = {
        "vc.presentation": lambda: scene.check(data=stapled),
        "vc.presentation.bundle": lambda: scene.check(
            data=bare, evidence=own, remembered=known
        ),
    }
    for check in checks.values():
        assert check().outcome is Outcome.ACCEPTED
    operations = [repeat(name, check) for name, check in checks.items()]
    operations.append(repeat("decide", lambda: decide(secured, large, status)))
    samples = session.measure(operations)
    session.compare("vc.decision", samples, "decide", V, 2.3)
    for name, check in checks.items():
        session.compare(name, samples, name, V, _GOALS[name])
        count, unit = signatures_in(check), "signatures"
        session.add(Row(f"{name}.{unit}", count, unit, None, None, None, samples.rounds))


def signatures_in(check: Callable[[], object]) -> int:
    """Count the signatures that a check verifies."""
    with patch.object(bindings, "crypto_sign_open", wraps=bindings.crypto_sign_open) as verify:
        check()
    return verify.call_count


def decide(secured: bytes, fixture: Fixture, revoked: BitstringStatusList) -> bool:
    """Say whether a credential is proven, of its issuer, in time, well-formed, not revoked."""
    try:
        credential = parse_credential(strict_json.load_object(secured, numbers=Numbers.FINITE))
        signer_of(credential, verify_proofs(credential.raw, resolve, _DEMAND))
    except DidServiceError:
        return False
    begins, ends = credential.valid_from, credential.valid_until
    now = Instant.of(NOW)
    is_current = (begins is None or begins <= now) and (ends is None or ends > now)
    fits = not fixture.schema.check(credential.raw)
    statuses = map(parse_status_entry, credential.statuses)
    return is_current and fits and not any(revoked[status.index] for status in statuses)
