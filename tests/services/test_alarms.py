"""`did-service alarms`: what a service keeps is listed, shown, and settled once for ever."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from did_service.cli.__main__ import cli
from did_service.core.anchor.bodies.policy import sign_policy
from did_service.core.anchor.governance import create_proofs
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.encoding import b64, strict_json, timestamps
from did_service.core.errors import ConflictError, NotFoundError, PolicyError, UsageError
from did_service.issuer.alarm_store import AlarmWord
from did_service.issuer.store import IssuerStore
from did_service.node.configuration import FILE
from did_service.node.configuration_file import configuration_text
from did_service.node.setting_table import ServiceKind
from did_service.program.clock import ClockAndRandom
from did_service.program.words import words_of
from did_service.storage.database import file_url, open_database
from did_service.witness.store import AlarmKind, RaisedAlarm, WitnessStore
from tests.support.founded import HOST, found
from tests.support.keyrings import counting_rng
from tests.support.refusals import refused

FOUNDED_AT = timestamps.parse_utc("2026-11-21T02:00:00Z")
EDGE = ClockAndRandom(lambda: FOUNDED_AT, counting_rng())
RAISED_AT = timestamps.to_posix(FOUNDED_AT)
FORK = RaisedAlarm(
    "hn.example/reg", RAISED_AT, "log_forked", b"offered\n5\nroot\n", b"held\n5\nother\n"
)
OLD = RaisedAlarm("sc.example/reg", RAISED_AT - 60, "rollback", b"offered\n4\nroot\n", b"")
CHOSEN = {
    ServiceKind.AGENCY: {
        "service.hosts": ["gz.gd.example"],
        "agency.url": "https://gz.gd.example/agencies/a",
        "agency.jurisdiction": "440100",
        "agency.log_host": HOST,
    }
}
OF_REGION = {"service.region": "gd", "service.hosts": [HOST]}


@pytest.fixture(scope="module")
def founded():
    return found(EDGE)


def folder_of(place, kind):
    (place / "data").mkdir()
    text = configuration_text(kind, CHOSEN.get(kind, OF_REGION))
    (place / FILE).write_text(text)
    return place


@pytest.fixture
def witness(tmp_path, founded):
    """The folder of a witness that runs: its database is open elsewhere."""
    folder = folder_of(tmp_path, ServiceKind.WITNESS)
    (folder / "policy.json").write_text(strict_json.dumps(founded.policy.members))
    engine = open_database(file_url(folder / "data" / "witness.sqlite"))
    store = WitnessStore(engine)
    store.remember_alarm(OLD)
    store.remember_alarm(FORK)
    yield folder, store
    engine.dispose()


@pytest.fixture
def agency(tmp_path):
    folder = folder_of(tmp_path, ServiceKind.AGENCY)
    engine = open_database(file_url(folder / "data" / "issuer.sqlite"))
    alarms = IssuerStore(engine).alarms
    alarms.raise_once(AlarmWord.AUTHORITY_ENDED, "signer_wrong", 1_000)
    alarms.settle(AlarmWord.AUTHORITY_ENDED, 1_060)
    alarms.raise_once(AlarmWord.REVOCATION_LOST, "indices 7", 2_000)
    yield folder
    engine.dispose()


def run(*words, language="en"):
    """Run a command as a person does."""
    environment = {"DIDSVC_LANG": language}
    told = CliRunner().invoke(
        cli, list(map(str, words)), standalone_mode=False, env=environment
    )
    if told.exception is not None:
        raise told.exception
    return told.stdout


def ask(*words):
    return json.loads(run(*words, "--json"))["data"]


def settle(folder, name, *words):
    return ask("alarms", "settle", folder, name, "--officer", "Wu Min", *words)


# --- seen --------------------------------------------------------------------------------


def test_alarms_are_listed_beside_a_running_witness_oldest_first(witness):
    folder, _ = witness
    listed = ask("alarms", "list", folder)
    assert listed["open"] == 2
    assert [(each["alarm"], each["code"], each["about"]) for each in listed["alarms"]] == [
        ("1", "rollback", "sc.example/reg"),
        ("2", "log_forked", "hn.example/reg"),
    ]
    assert run("alarms", "list", folder).splitlines() == [
        "1  2026-11-21T01:59:00Z  rollback  sc.example/reg  open",
        "2  2026-11-21T02:00:00Z  log_forked  hn.example/reg  open",
        "  the log of a region shows two contradictory histories",
        "2 open of 2",
    ]


@pytest.mark.parametrize("code", [*AlarmKind, *AlarmWord])
def test_each_code_of_an_alarm_has_words_in_both_languages(code):
    meaning = words_of(code.value, "did-service").meaning
    assert len({code.value, meaning.zh, meaning.en}) == 3


def test_alarms_are_listed_in_the_words_of_the_reader(witness):
    """The other code is that of a later release: it stands alone, in any language."""
    told = run("alarms", "list", witness[0], language="zh").splitlines()
    assert told[0].startswith("1  ")
    assert told[1].startswith("2  ")
    assert told[2] == "  登记簿出现两份互相矛盾的记录"


def test_an_alarm_is_shown_with_what_the_log_has_signed(witness):
    folder, _ = witness
    notes = ask("alarms", "show", folder, 2)["notes"]
    assert notes == {"offered": FORK.offered.decode(), "held": FORK.held.decode()}
    lines = run("alarms", "show", folder, 2).splitlines()
    assert lines[1] == "  the log of a region shows two contradictory histories"
    assert lines[2:6] == ["the checkpoint that was refused:", "  offered", "  5", "  root"]
    assert "held" not in run("alarms", "show", folder, 1)  # nothing was held then


def test_alarms_of_an_agency_end_by_themselves_and_stay_listed(agency):
    first, second = ask("alarms", "list", agency)["alarms"]
    assert (first["alarm"], first["ended"]) == ("authority_ended-1000", "1970-01-01T00:17:40Z")
    assert (second["code"], second["about"], second["ended"]) == (
        "revocation_lost",
        "indices 7",
        None,
    )
    (only,) = ask("alarms", "list", agency, "--open")["alarms"]
    assert only == second
    with refused("alarm_ends_itself", ConflictError):
        settle(agency, second["alarm"], "--statement", "it is nothing")
    assert ask("alarms", "list", agency)["open"] == 1


def test_where_no_alarms_are_kept_is_said(tmp_path):
    registry, unserved = tmp_path / "a", tmp_path / "b"
    for place, kind in ((registry, ServiceKind.REGISTRY), (unserved, ServiceKind.REGION)):
        place.mkdir()
        folder_of(place, kind)
    with refused("alarms_of_registry", UsageError):
        ask("alarms", "list", registry)
    with refused("database_missing", NotFoundError):
        ask("alarms", "list", unserved)
    assert list((unserved / "data").iterdir()) == []


# --- settled -----------------------------------------------------------------------------


def test_a_statement_settles_an_alarm_for_the_running_witness_as_well(witness):
    folder, store = witness
    said = "hn restored an old disk"
    for _ in range(2):  # the same words again change nothing
        settled = settle(folder, 2, "--statement", said)["settlement"]
        assert settled == {"by": "statement", "what": said, "officer": "Wu Min"}
    kept = store.alarm(2)
    assert (kept.alarm, kept.settled.what, kept.settled.officer) == (FORK, said, "Wu Min")
    with refused("alarm_settled", ConflictError):
        settle(folder, 2, "--statement", "another story")
    assert ask("alarms", "list", folder)["open"] == 1
    assert f"settled by a statement (Wu Min): {said}" in run("alarms", "show", folder, 2)


def test_a_policy_that_was_signed_since_settles_an_alarm(witness, founded):
    folder, store = witness
    settled = settle(folder, 2, "--policy", folder / "policy.json")["settlement"]
    assert settled["what"] == founded.policy.digest.hex()
    assert store.alarm(2).settled.kind == "policy"


def following(founded, **changes):
    """The policy after the founded one, signed by all governors."""
    members = {
        **founded.policy.document,
        "seq": 2,
        "previous": b64.encode_url(founded.policy.digest),
        **changes,
    }
    keys = [each.governance for each in founded.keys.values()]
    return sign_policy(members, keys, FOUNDED_AT)


def test_the_next_policy_settles_before_it_is_in_force_and_another_one_does_not(
    witness, founded, tmp_path
):
    folder, _ = witness
    file = tmp_path / "next.json"
    file.write_text(strict_json.dumps(following(founded, federation="urn:other").members))
    with refused("policy_skipped", PolicyError):
        settle(folder, 2, "--policy", file)
    following_one = following(founded)
    file.write_text(strict_json.dumps(following_one.members))
    assert (
        settle(folder, 2, "--policy", file)["settlement"]["what"] == following_one.digest.hex()
    )


def test_a_policy_that_is_older_than_the_alarm_settles_nothing(witness):
    folder, store = witness
    later = RaisedAlarm("hn.example/reg", RAISED_AT + 1, "log_forked", b"later", b"")
    store.remember_alarm(later)
    with refused("policy_before_alarm", UsageError):
        settle(folder, 3, "--policy", folder / "policy.json")
    assert store.alarm(3).settled is None


@pytest.mark.parametrize(
    ("again", "code"),
    [(1, "policy_before_alarm"), (None, "policy_signatures_missing")],
    ids=["one governor signs again", "nobody who counts"],
)
def test_a_policy_settles_by_what_its_threshold_has_signed_since(
    witness, founded, tmp_path, again, code
):
    folder, store = witness
    store.remember_alarm(
        RaisedAlarm("zj.example/reg", RAISED_AT + 1, "log_forked", b"later", b"")
    )
    name = str(len(store.kept_alarms()))
    keys = [each.governance for each in founded.keys.values()]
    members, late = founded.policy.document, FOUNDED_AT + timedelta(days=900)
    by = [SigningKey(b"s" * 32)] if again is None else keys[:again]
    proofs = create_proofs(members, by, late)
    if again is not None:
        proofs += create_proofs(members, keys[again:], FOUNDED_AT)
    file = tmp_path / "signed-again.json"
    file.write_text(strict_json.dumps({**members, "proof": proofs}))
    with refused(code):
        settle(folder, name, "--policy", file)
    assert store.alarm(int(name)).settled is None


@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("9", ["--statement", "well"], "alarm_unknown"),
        ("²", ["--statement", "well"], "alarm_unknown"),
        ("2", ["--statement", "two\nlines"], "statement_invalid"),
        ("2", ["--statement", " "], "statement_invalid"),
        ("2", ["--statement", "x" * 1_001], "statement_invalid"),
        ("2", ["--statement", "well", "--officer", "\u202egpj"], "statement_invalid"),
        ("2", ["--policy", "missing.json"], "policy_file_missing"),
    ],
)
def test_what_settles_nothing_is_refused(witness, name, words, code):
    folder, store = witness
    with refused(code):
        settle(folder, name, *words)
    assert all(kept.settled is None for kept in store.kept_alarms())


@pytest.mark.parametrize("words", [[], ["--policy", "p.json", "--statement", "well"]])
def test_one_reason_is_given_and_no_second_one(witness, words):
    folder, _ = witness
    with refused("usage", UsageError):
        settle(folder, 2, *words)
