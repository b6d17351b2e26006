"""Attacks on one log: by its operator, and by up to f of its cosigners (threat model 6)."""

from itertools import product

import pytest

from did_service.core.errors import PolicyError, ProofError
from did_service.core.log import merkle
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.cosignature import Cosigner
from did_service.core.log.note import parse_note
from did_service.core.log.policy import KnownWitness, LogPolicy, PolicyLog, operator
from did_service.core.log.quorum import Quorum, shares_honest_cosigner
from did_service.core.log.witnessing import (
    HeldCheckpoint,
    UnverifiedAddCheckpoint,
    WitnessStatus,
    decide,
)
from tests.support.cosigners import (
    NOON,
    ORIGIN,
    WitnessPool,
    cosigned,
    cosigner,
    signed_by,
    signer,
)

ROOTS = merkle.leaf_hash(b"one history"), merkle.leaf_hash(b"another")
HOUR = 3_600

# Regions n, eligible cosigners m, liars f, quorum k, and how many may be down.
TABLE = [
    (4, 3, 0, 2, 1),
    (5, 4, 1, 3, 1),
    (6, 5, 1, 4, 1),
    (7, 6, 1, 4, 2),
    (8, 7, 2, 5, 2),
    (11, 10, 3, 7, 3),
]


def accepts(policy, note):
    try:
        return bool(signed_by(policy, note))
    except ProofError as error:
        if error.code != "quorum_not_met":
            raise
        return False


def can_fork(m, f, k):
    """Try every way to show honest cosigners one of two trees; liars sign both."""
    cosigners = WitnessPool(count=m, k=k)
    full = [
        parse_note(cosigners.note(9, root, dict.fromkeys(range(m), NOON))) for root in ROOTS
    ]
    enough = {}
    for shown in product((0, 1), repeat=m - f):
        votes = [f + shown.count(tree) for tree in (0, 1)]
        for tree, count in enumerate(votes):
            if (tree, count) not in enough:
                lines = full[tree].signatures[: 1 + count]
                note = full[tree]._replace(signatures=lines).encode()
                enough[tree, count] = accepts(cosigners.policy, note)
        if all(enough[tree, count] for tree, count in enumerate(votes)):
            return True
    return False


@pytest.mark.parametrize(("n", "m", "f", "k", "down"), TABLE)
def test_fork_enumeration_matches_table(n, m, f, k, down):
    assert (m, m - k) == (n - 1, down)
    assert shares_honest_cosigner(k, m, f)
    assert not can_fork(m, f, k)
    assert not shares_honest_cosigner(k - 1, m, f)
    assert can_fork(m, f, k - 1)


def test_home_region_cosignature_never_counts():
    own = Cosigner("gd.example/witness", cosigner(9).key)
    cosigners = WitnessPool(count=4, k=3)
    note = parse_note(cosigners.note(9, ROOTS[0], {0: NOON, 1: NOON}))
    note = note.with_lines([own.cosign(note.text, NOON)])
    assert not accepts(cosigners.policy, note.encode())
    policy = cosigners.policy
    with pytest.raises(PolicyError) as caught:
        LogPolicy(
            policy.logs,
            (*policy.witnesses, KnownWitness("own", own.verifier_key)),
            policy.quorum,
        )
    assert caught.value.code == "own_operator"


def test_outside_any_does_not_stop_a_fork():
    """A group of which any one suffices lets two honest outsiders back two trees."""
    for w in range(2, 8):
        assert not shares_honest_cosigner(1, w, 0)
        assert can_fork(w, 0, 1)
    assert shares_honest_cosigner(2, 3, 0)


def test_duplicate_cosigner_counts_once():
    cosigners = WitnessPool(count=4, k=3)
    note = parse_note(cosigners.note(9, ROOTS[0], {0: NOON, 1: NOON}))
    for time in range(NOON, NOON + 5):
        note = note.with_lines([cosigner(0).cosign(note.text, time)])
    assert len(note.lines_of(cosigner(0).verifier_key)) == 5
    assert not accepts(cosigners.policy, note.encode())


def test_one_operator_two_keys():
    second = Cosigner("r0.example/mirror", cosigner(9).key)
    policy = WitnessPool(count=4, k=3).policy
    witness = KnownWitness("again", second.verifier_key)
    assert operator(second.verifier_key) == operator(policy.witnesses[0].key)
    with pytest.raises(PolicyError) as caught:
        LogPolicy(policy.logs, (*policy.witnesses, witness), policy.quorum)
    assert caught.value.code == "operator_repeated"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("r0.example:8443/mirror", "operator_repeated"),
        ("R0.example.:8443/mirror", "operator_repeated"),
        ("gd.example:8443/witness", "own_operator"),
    ],
)
def test_one_operator_at_two_ports(name, code):
    """A second service of one machine is no second opinion."""
    policy = WitnessPool(count=4, k=3).policy
    witness = KnownWitness("again", Cosigner(name, cosigner(9).key).verifier_key)
    with pytest.raises(PolicyError) as caught:
        LogPolicy(policy.logs, (*policy.witnesses, witness), policy.quorum)
    assert caught.value.code == code


@pytest.mark.parametrize("lie", [0, NOON - HOUR])
def test_one_liar_cannot_backdate_existence(lie):
    cosigners = WitnessPool(count=4, k=3)
    note = cosigners.note(9, ROOTS[0], {0: lie, 1: NOON, 2: NOON + 1})
    assert cosigners.policy.verify(note).existed_by == NOON + 1
    full = cosigned(note, {3: NOON + 2})
    assert cosigners.policy.verify(full).existed_by == NOON + 1
    assert cosigners.policy.verify(full).fresh_at == NOON


@pytest.mark.parametrize("lie", [NOON + 365 * 24 * HOUR, 253_402_300_799])
def test_one_liar_cannot_freshen(lie):
    cosigners = WitnessPool(count=4, k=3)
    note = cosigners.note(9, ROOTS[0], {0: lie, 1: NOON, 2: NOON + 1})
    assert cosigners.policy.verify(note).fresh_at == NOON
    full = cosigned(note, {3: NOON + 2})
    assert cosigners.policy.verify(full).fresh_at == NOON + 1


def test_two_roots_one_size():
    """An honest cosigner refuses the second root, whatever proof comes with it."""
    note = WitnessPool(count=4, k=3).note(9, ROOTS[1], {})
    held = HeldCheckpoint(9, ROOTS[0])
    for proof in ((), (ROOTS[0],), ROOTS):
        request = UnverifiedAddCheckpoint(9, proof, parse_note(note))
        decision = decide(request, held, signer().verifier_key)
        assert (decision.status, decision.checkpoint) == (WitnessStatus.INCONSISTENT, None)
    assert Checkpoint(ORIGIN, 9, ROOTS[1]) == request.checkpoint


def test_a_log_without_cosigners_cannot_be_pinned():
    with pytest.raises(PolicyError) as caught:
        LogPolicy((PolicyLog(signer().verifier_key),), (), Quorum("none"))
    assert caught.value.code == "quorum_none"
