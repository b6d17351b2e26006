"""Several wallets of one person at once, and what is deleted: nothing old comes back."""

import json
import re
import threading
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fastapi import FastAPI, Response

from did_service.core.encoding import strict_json
from did_service.node.local.members import POLICE, SCHOOL
from did_service.web.serve import Server, unix_socket
from tests.support.purse import finish, start, wallet
from wallet_cli.holdings import answers, applications, credentials, identities
from wallet_cli.receiving import Receiver

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("town")]
ODD = "odd.example"


@contextmanager
def mirror(purse, answer):
    """A mirror at odd.example that answers everything so; yields the variables to reach it."""
    app = FastAPI()

    @app.get("/{path:path}")
    def evidence(path: str) -> Response:
        return Response(answer(path), media_type="application/json")

    routes = json.loads(Path(purse.environment["DIDSVC_ROUTES"]).read_text())
    with TemporaryDirectory(prefix="w-") as sockets:
        socket = Path(sockets) / "s.sock"
        file = purse.save("odd.json", json.dumps({**routes, ODD: f"unix:{socket}"}))
        with Server(app, unix_socket(socket)):
            yield {"DIDSVC_ROUTES": str(file)}


def test_two_refreshes_at_once_never_bring_older_evidence_back(town):
    """One collects, the agency revokes, the other learns it, the first writes: revoked."""
    purse = town.holder("two-windows", POLICE)
    (held,) = credentials(purse.vault())
    old = strict_json.dumps(held.staple).encode()
    town.world.revoke(POLICE, str(held.credential["id"]))
    town.anchor()
    others: list[int] = []

    def answer(_path: str) -> bytes:
        if not others:  # meanwhile, in another window
            others.append(purse.start("refresh", "--fresh").exit)
        return old

    with mirror(purse, answer) as variables:
        words = ("refresh", "--from", f"https://{ODD}/witness", "--json", "--no-input")
        run = wallet(*words, *purse.options, **variables)
    assert (run.exit, others) == (0, [0])
    verdict = purse.json("cred", "verify", "res")
    assert (verdict.exit, verdict.code) == (1, "credential_refused")
    (row,) = purse.json("cred", "list").data["credentials"]
    assert row["status"] == "revoked"
    assert "  已作废  " in purse.run("cred", "list", "--lang", "zh").out


def test_a_refresh_brings_no_deleted_credential_back_and_touches_no_other(town):
    """It found its credential again by its short name, which another one may have by then."""
    purse = town.holder("deleted-meanwhile", POLICE)
    (held,) = credentials(purse.vault())
    old = strict_json.dumps(held.staple).encode()
    others: list[int] = []

    def answer(_path: str) -> bytes:
        if not others:
            others.append(purse.start("cred", "delete", "res", "--yes").exit)
        return old

    with mirror(purse, answer) as variables:
        words = ("refresh", "--from", f"https://{ODD}/witness", "--json", "--no-input")
        wallet(*words, *purse.options, **variables)
    assert others == [0]
    assert credentials(purse.vault()) == ()


def test_three_pickups_of_one_address_at_once_are_one_credential(town):
    purse = town.citizen("thrice")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    (application,) = applications(purse.vault())
    children = [
        start("receive", application.pickup, *purse.options, **purse.environment)
        for _ in range(3)
    ]
    ended = [finish(child) for child in children]
    assert 0 in [run.exit for run in ended]
    vault = purse.vault()
    assert (len(credentials(vault)), applications(vault)) == (1, ())
    assert purse.json("receive").exit == 0


def test_a_deleted_credential_is_gone_from_every_file(town):
    purse = town.holder("forgotten", POLICE, SCHOOL)
    out = purse.folder / "forgotten.vp.json"
    given = ("--nonce", "n", "--audience", "a", "--out", out, "--yes")
    assert purse.json("present", "res", *given).exit == 0
    credential = next(
        each.credential for each in credentials(purse.vault()) if each.alias.startswith("res")
    )
    (purse.path / "wallet.json.damaged").write_bytes(purse.file.read_bytes())
    assert (purse.path / "wallet.json.1").exists()
    assert purse.json("cred", "delete", "res", "--yes").exit == 0
    vault = purse.vault()
    (left,) = credentials(vault)
    assert [each.did for each in identities(vault)] == [left.holder]
    assert answers(vault) == ()
    files = {path.name for path in purse.path.iterdir()}
    assert files <= {"wallet.json", "lock", "trust"}
    traces = str(credential["id"]).encode(), credential["proof"]["proofValue"].encode()
    for path in (path for path in purse.path.rglob("*") if path.is_file()):
        assert not any(trace in path.read_bytes() for trace in traces)


def test_an_application_that_is_given_up_leaves_no_key_and_no_older_file(town):
    purse = town.citizen("given-up")
    name = town.apply(purse, POLICE).data["id"]
    assert purse.json("pending", "drop", name, "--yes").exit == 0
    assert identities(purse.vault()) == ()
    assert not (purse.path / "wallet.json.1").exists()
    town.send_back(POLICE, "x")


def test_one_delivery_that_falls_over_keeps_no_other_from_arriving(town, monkeypatch):
    purse = town.citizen("blocked")
    town.apply(purse, POLICE)
    town.apply(purse, SCHOOL)
    town.approve(POLICE)
    town.approve(SCHOOL)
    taking_in, fallen = Receiver.take_in, threading.Event()

    def falls_over_once(*given):
        if not fallen.is_set():
            fallen.set()
            raise RecursionError
        return taking_in(*given)

    with monkeypatch.context() as patched:
        patched.setattr(Receiver, "take_in", falls_over_once)
        run = purse.json("receive")
    assert (run.exit, len(run.data["received"])) == (0, 1)
    assert [each["code"] for each in run.data["failed"]] == ["internal_fault"]
    assert purse.json("receive").exit == 0
    assert len(credentials(purse.vault())) == 2


def within_one_hour(town, act):
    """Do something, and once more if an hour began meanwhile: it brings another checkpoint."""
    began = town.world.edge.clock().hour
    done = act("first-hour")
    return done if town.world.edge.clock().hour == began else act("second-hour")


def epochs(town):
    """The folders in which the logs of all regions keep their hourly checkpoints."""
    places = "regions/*/data/*/epoch", "regions/*/data/ev/*/epoch"
    return [folder for place in places for folder in town.folder.glob(place)]


def begin_hour(town, name):
    """Have the hour begin with what is published now, entries of this very year among it.

    The first checkpoint of an hour lacks what the town has published since. In the first hour
    of a year nothing that a wallet needs of its log stands there: another answer is right (9).
    """
    town.holder(f"{name}-holder", POLICE)
    for folder in epochs(town):
        hour = max(folder.iterdir(), key=lambda file: int(file.name))
        hour.write_bytes((folder.parent / "checkpoint").read_bytes())


def before_the_hour(town, name):
    """A citizen who asks for the evidence of the hour, and for what was logged in it."""
    begin_hour(town, name)
    purse = town.citizen(name)
    town.apply(purse, POLICE)
    town.approve(POLICE)
    received = purse.run("receive")
    town.anchor()
    return purse, received, purse.json("refresh"), purse.run("refresh")


def test_what_is_younger_than_the_hours_checkpoint_is_said_to_be_and_when_it_comes(town):
    """The network was perfect, and it said to check the network (newcomer E3)."""
    purse, received, run, told = within_one_hour(town, lambda name: before_the_hour(town, name))
    when = r"run wallet refresh after \d\d:\d\d \w+, or wallet refresh --fresh after \d\d:\d\d"
    assert re.search(when, received.err)
    assert (run.exit, "not_published_yet" in run.warnings) == (0, True)
    assert run.data["next_fresh"] is None  # some of it stands in the checkpoint of this hour
    assert "evidence_missing" not in run.warnings
    assert re.search(r"some evidence is still missing", told.out)
    assert purse.json("refresh", "--fresh").exit == 0
    run = purse.json("refresh")  # the hour's checkpoint lacks what the wallet has already
    assert (run.exit, run.data["refreshed"][0]["complete"]) == (0, True)


def test_where_nothing_is_published_yet_that_is_no_error_but_a_time(town):
    """A log without a checkpoint of this hour, as each is in its first minutes."""
    purse = town.holder("early", POLICE)
    hidden = epochs(town)
    for folder in hidden:
        folder.rename(folder.with_name("away"))
    try:
        run, told = purse.json("refresh"), purse.run("refresh")
    finally:
        for folder in hidden:
            folder.with_name("away").rename(folder)
    assert (run.exit, run.code) == (9, "not_published_yet")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00:00Z", run.data["next"])
    assert told.exit == 9
    assert "error" not in told.err
    assert re.search(r"published next at \d\d:\d\d \w+: run wallet refresh then", told.err)


def test_without_a_network_one_line_says_so(town):
    purse = town.holder("no-network", POLICE, SCHOOL)
    run = wallet("refresh", *purse.options)
    assert run.exit == 8
    lines = [line for line in run.err.splitlines() if line.startswith("wallet: warning")]
    assert lines == []
    assert run.err.count("peer_unreachable") <= 6  # kinds, not pieces
    assert "good at counters until" in run.out
