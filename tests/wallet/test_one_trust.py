"""One bundle makes one trust: wallet and counter take the same of it, and keep it alike.

Each scene is a list of bundles, imported one after the other by both programs; afterwards both
directories hold the same policy, the same forks and the same evidence, and remember the same.
"""

import json
import os
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fastapi import FastAPI, Response

from did_service.client.issuer import UnverifiedDelivery
from did_service.core.encoding import strict_json, timestamps
from did_service.core.evidence.bundle import encode_bundle
from did_service.core.evidence.sets import UnverifiedEvidence, parse_evidence
from did_service.core.verification.report import Outcome
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.held import read_held
from did_service.web.serve import Server, unix_socket
from tests.support.counter import INDEX
from tests.support.desk import Desk
from tests.support.purse import Purse, wallet
from wallet_cli.holdings import HeldCredential, credentials, keep
from wallet_cli.judging import judge
from wallet_cli.staples import CollectedStaple
from wallet_cli.trusting import WalletTrust

pytestmark = [pytest.mark.offline, pytest.mark.clock]


def plain(scene):
    return [scene.staple()]


def with_next_policy(scene):
    return [{**scene.staple(), "policies": [{"policy": scene.fed.next_policy().members}]}]


def with_forged_policy(scene):
    forged = {**scene.fed.next_policy().members, "seq": 3}
    return [{**scene.staple(), "policies": [{"policy": forged}]}]


def newer(scene):
    first = scene.staple()
    scene.fed.tick(30)
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    return [first, scene.staple()]


def older(scene):
    return [*reversed(newer(scene))]


def stripped(scene):
    """The newest status list came without its content: it stands before the one that serves."""
    first, second = newer(scene)
    return [first, {**second, "contents": {}}]


def forked(scene):
    """One log told twice, each time cosigned by a quorum."""
    other = deepcopy(scene)
    for world, name in ((scene, "one"), (other, "two")):
        world.fed.tick(60)
        world.fed.agency(f"{name}.gd.example")
        world.publish()
    return [scene.staple(), other.staple()]


SCENES = (plain, with_next_policy, with_forged_policy, newer, older, stripped, forked)


@pytest.fixture
def both(tmp_path, scene, monkeypatch):
    """A counter and a wallet that pinned the same policy."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    desk, purse = Desk(tmp_path, scene), Purse(tmp_path)
    assert desk.pin().exit == 0
    words = ("trust", "pin", desk.save_policy(), "--fingerprint", scene.fed.policy.fingerprint)
    assert purse.json(*words, clock=now(scene)).exit == 0
    return desk, purse


def now(scene):
    return timestamps.from_posix(scene.fed.now + 1)


def take(both, scene, evidence):
    """Import one set into both; their answers."""
    desk, purse = both
    bundle = desk.save("carried.bundle.jsonl.gz", encode_bundle(parse_evidence(evidence)))
    counter = desk.run("trust", "import", bundle, "--json", "--lang", "en")
    return counter, purse.json("trust", "import", bundle, clock=now(scene))


def desk_import(both, evidence):
    bundle = both[0].save("again.bundle.jsonl.gz", encode_bundle(parse_evidence(evidence)))
    return both[0].run("trust", "import", bundle, "--lang", "en")


def held(path):
    """All that a directory holds, but for the boot and what only a counter decides."""
    directory = TrustDirectory(path)
    state = read_held(directory, "")
    return (
        state.policy.digest,
        state.evidence,
        state.forked,
        dict(state.memory.logs),
        state.memory.witnessed,
        [directory.read_fork(name) for name in directory.forks()],
    )


@pytest.mark.parametrize("make", SCENES, ids=lambda make: make.__name__)
def test_one_bundle_makes_one_trust(both, scene, make):
    for evidence in make(scene):
        counter, purse = take(both, scene, evidence)
        assert (counter.exit, purse.exit) == (0, 0)
    desk, citizen = both
    assert held(desk.path) == held(citizen.path / "trust")


def test_policy_that_a_bundle_carries_is_pinned_by_both(both, scene):
    (evidence,) = with_next_policy(scene)
    counter, purse = take(both, scene, evidence)
    assert counter.report["policy"]["seq"] == purse.data["policy"]["seq"] == 2


def test_both_are_told_of_a_bundle_that_blinds_its_counter(both, scene):
    first, second = stripped(scene)
    for run in take(both, scene, first):
        assert "incomplete" not in run.err
    counter, purse = take(both, scene, second)
    (blinded,) = counter.report["blinded"]
    assert blinded["type"] == "status"
    told = desk_import(both, second).err
    assert "ask its publisher for the whole bundle" in told
    assert purse.warnings == ["evidence_blinded"]
    assert purse.data["blinded"] == 1


def test_whole_bundle_takes_the_blindness_away(both, scene):
    first, second = stripped(scene)
    for evidence in (first, second, scene.staple()):
        counter, purse = take(both, scene, evidence)
    assert counter.report["blinded"] == []
    assert purse.warnings == []


def test_wallet_keeps_the_proof_of_a_fork_and_relies_on_neither_history(both, scene):
    credential = scene.issue()
    one, two = forked(scene)
    trust = WalletTrust(both[1].path / "trust")

    def outcome():
        evidence = (trust.evidence(), one)
        return judge(credential, trust.policy(), evidence, now(scene))

    take(both, scene, one)
    assert outcome().outcome is Outcome.DOCUMENT
    counter, purse = take(both, scene, two)
    assert "log_forked" in purse.warnings
    assert counter.report["forked"] == ["gd.example/reg"]
    (name,) = TrustDirectory(both[1].path / "trust").forks()
    assert outcome().outcome is Outcome.UNDECIDED
    assert trust.evidence().forked == {"gd.example/reg"}
    assert name in TrustDirectory(both[0].path).forks()


def keep_credential(purse, scene, staple):
    """Keep a credential with its staple, as a refresh has left it."""
    did = purse.json("id", "new").data["did"]
    credential = scene.issue(
        credentialSubject={"id": did, "jurisdiction": "440100", "familyName": "王"}
    )
    delivery = UnverifiedDelivery(credential, None, (), ()).encode()
    received = timestamps.encode(now(scene))
    held = HeldCredential("1", "card", did, delivery, "", received, staple, received)
    purse.open().commit(lambda vault: keep(vault, held, os.urandom))


@contextmanager
def mirror(purse, evidence):
    """Serve one answer to every question at odd.example; yield how to reach it."""
    app = FastAPI()

    @app.get("/{path:path}")
    def answer(path: str) -> Response:
        return Response(strict_json.dumps(evidence), media_type="application/json")

    with TemporaryDirectory(prefix="w-") as sockets:
        socket = Path(sockets) / "s.sock"
        routes = purse.save("odd.json", json.dumps({"odd.example": f"unix:{socket}"}))
        with Server(app, unix_socket(socket)):
            yield {"DIDSVC_ROUTES": str(routes)}


def test_no_refresh_gives_a_staple_away_for_a_second_history(both, scene):
    """The mirror's history has a quorum too: of both together nothing is proven any more."""
    one, two = forked(scene)
    _, purse = both
    take(both, scene, one)
    keep_credential(purse, scene, one)
    with mirror(purse, two) as reach:
        words = ("refresh", "card", "--from", "https://odd.example/witness", "--json")
        run = wallet(*words, *purse.options, clock=now(scene), **reach)
    assert {"log_forked", "staple_kept"} <= {*run.warnings}
    (held,) = credentials(purse.vault())
    assert held.staple == one
    assert len(TrustDirectory(purse.path / "trust").forks()) == 1


def test_what_proves_less_takes_the_place_of_no_staple(scene):
    """Whoever puts it there: a refresh, a receipt, or two programs at once."""
    staple = scene.staple()
    held = HeldCredential("1", "card", scene.holder.did, {}, "", "", staple)
    whole = parse_evidence(staple)
    for name, nothing in (("items", ()), ("contents", {})):
        less = replace(whole, **{name: nothing})
        assert CollectedStaple(less, 7, 1, ()).into(held) is held
    assert CollectedStaple(whole, 7, 1, ()).into(held).as_of == timestamps.encode(
        timestamps.from_posix(7)
    )


def test_wallet_takes_a_clock_behind_what_a_quorum_has_shown_for_wrong(both, scene):
    """As a counter does: else what has expired would pass in a wallet whose clock is late."""
    take(both, scene, scene.staple())
    trust = WalletTrust(both[1].path / "trust")
    behind = timestamps.from_posix(scene.fed.now - 9_999)
    remembered = replace(trust.evidence(), evidence=UnverifiedEvidence())
    report = judge(scene.issue(), trust.policy(), (remembered, None), behind)
    assert "clock_behind" in {check.code for check in report.checks}
    assert report.now == remembered.memory.witnessed
