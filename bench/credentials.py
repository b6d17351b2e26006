"""Group `vc`: issue and verify with both cryptosuites.

Peers do the same work on the same bytes: `plain-python` is what one writes with the standard
library, `rfc8785` and `base58`; `pyld` is the textbook JSON-LD path; `digitalbazaar` is
@digitalbazaar/vc in Node. Before anything is timed, everybody's proofs must equal ours.
"""

from __future__ import annotations

from contextlib import ExitStack

from bench.digitalbazaar import DigitalBazaar
from bench.fixtures import METHOD, Fixture, check, credentials
from bench.harness import Operation, Session, V, repeat
from bench.plain import PlainPath, jcs_path, rdfc_path
from did_service.core.credentials import eddsa_rdfc_2022
from did_service.core.integrity import eddsa_jcs_2022

# The most that an operation may cost in V, and in terms of each peer (design target).
_TARGETS: dict[str, dict[str, float]] = {
    "vc.eddsa-jcs.issue.small": {V: 0.9},
    "vc.eddsa-jcs.issue.large": {V: 0.9},
    "vc.eddsa-jcs.verify.small": {V: 1.5, "plain-python": 1 / 2},
    "vc.eddsa-jcs.verify.large": {V: 1.5, "plain-python": 1 / 2},
    "vc.eddsa-rdfc.issue.small": {V: 1.5, "pyld": 1 / 25, "digitalbazaar": 1 / 25},
    "vc.eddsa-rdfc.issue.large": {V: 2.5, "pyld": 1 / 25, "digitalbazaar": 1 / 25},
    "vc.eddsa-rdfc.verify.small": {V: 2.2, "pyld": 1 / 20, "digitalbazaar": 1 / 15},
    "vc.eddsa-rdfc.verify.large": {V: 3.2, "pyld": 1 / 20, "digitalbazaar": 1 / 15},
}


def run(session: Session) -> None:
    """Measure the group."""
    with ExitStack() as stack:
        peer = stack.enter_context(DigitalBazaar.started())
        for fixture in credentials():
            _suite(session, fixture, eddsa_jcs_2022.NAME, jcs_path(), peer)
            _suite(session, fixture, eddsa_rdfc_2022.NAME, rdfc_path(), peer)


def _suite(
    session: Session,
    fixture: Fixture,
    suite: str,
    plain: PlainPath,
    peer: DigitalBazaar | str,
) -> None:
    secured = fixture.issue(suite)
    _check_agreement(fixture, suite, secured, plain)
    operations = {
        "issue": [
            repeat("issue", lambda: fixture.issue(suite)),
            repeat(plain.name, lambda: plain.issue(fixture.document)),
        ],
        "verify": [
            repeat("verify", lambda: check(secured, suite)),
            repeat(plain.name, lambda: plain.verify(secured)),
        ],
    }
    for verb, timed in operations.items():
        if isinstance(peer, DigitalBazaar):
            timed.append(peer.operation(verb, suite, fixture.document, secured))
        name = f"vc.{suite.removesuffix('-2022')}.{verb}.{fixture.size}"
        _compare(session, name, timed)
        if isinstance(peer, str):
            session.skip(name, "digitalbazaar", peer)


def _compare(session: Session, name: str, timed: list[Operation]) -> None:
    ours, *peers = timed
    samples = session.measure(timed)
    for to in (V, *(each.name for each in peers)):
        session.compare(name, samples, ours.name, to, _TARGETS[name].get(to))


def _check_agreement(fixture: Fixture, suite: str, secured: bytes, plain: PlainPath) -> None:
    """Ed25519 is deterministic: equal proof values mean equal canonical bytes."""
    assert check(secured, suite).verification_method == METHOD
    assert plain.issue(fixture.document) == secured, f"{plain.name} signs other bytes"
    plain.verify(secured)
