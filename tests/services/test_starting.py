"""From a folder to what a service is given: what is missing or off is told with its file."""

import json
import logging
import os
import signal
import socket
import weakref
from contextlib import closing
from datetime import timedelta

import pytest

from did_service.cli.service_lines import members
from did_service.client.routes import LoopbackRoute, TlsRoute, UnixRoute
from did_service.core.crypto.hashes import sha256
from did_service.core.crypto.keyring import KeyRole
from did_service.core.encoding import b64, timestamps
from did_service.core.errors import DidServiceError, NotFoundError, UnavailableError, UsageError
from did_service.node import lifecycle
from did_service.node.commands import check_service
from did_service.node.configuration import FILE, read_configuration
from did_service.node.initial import initialise
from did_service.node.lifecycle import listening
from did_service.node.reaching import routes_of, routes_to_peers
from did_service.node.services import open_issuer, open_service
from did_service.node.setting_table import ServiceKind
from did_service.node.starting import prepare
from did_service.program.clock import ClockAndRandom
from did_service.program.logs import prepare_log
from did_service.program.passphrase import read_passphrase
from did_service.program.service_manager import ServiceManager
from did_service.signer.keyring import open_keyring
from did_service.web.serve import unix_socket
from did_service.witness.witness import Witness
from tests.support import health
from tests.support.founded import HOST, PASSPHRASE, found, region_folder
from tests.support.keyrings import CHEAP, counting_rng
from tests.support.optional import CHECKOUT

EDGE = ClockAndRandom(lambda: timestamps.parse_utc("2026-11-21T02:00:00Z"), counting_rng())
PEERS = '\n[peers."hn.example"]\n'
SCHEMA = CHECKOUT / "schemas/credential-types/residence-permit.json"


@pytest.fixture(scope="module")
def founded():
    return found(EDGE)


@pytest.fixture
def passphrase(tmp_path):
    file = tmp_path / "pass"
    file.write_text(f"{PASSPHRASE}\r\nanother line\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def folder(tmp_path, founded, passphrase):
    return region_folder(tmp_path / "gd", founded, passphrase, EDGE)


def prepared(folder, kind=None, **environment):
    configuration = read_configuration(folder / FILE, environment, kind)
    keyring = open_keyring(configuration.path("keys.keyring"), PASSPHRASE, EDGE.rng)
    return prepare(configuration, keyring, environment, EDGE)


def test_a_region_reaches_its_own_host_where_it_listens(folder):
    """No name need be looked up, and a table of the configuration goes before."""
    own = UnixRoute(str(folder / "run" / "service.sock"))
    assert routes_of(read_configuration(folder / FILE, {}), {}).places[HOST] == own
    with (folder / FILE).open("a") as file:
        file.write(f'\n[peers."{HOST}"]\naddress = "127.0.0.1:8443"\n')
    elsewhere = routes_of(read_configuration(folder / FILE, {}), {}).places[HOST]
    assert elsewhere == LoopbackRoute("127.0.0.1:8443")


def refused(code, call, *arguments, **named):
    with pytest.raises(DidServiceError) as caught:
        call(*arguments, **named)
    assert caught.value.code == code
    return caught.value


# --- what a service is given --------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [ServiceKind.REGION, ServiceKind.REGISTRY, ServiceKind.WITNESS]
)
def test_services_of_a_region_open_start_and_close(tmp_path, founded, passphrase, kind):
    place = region_folder(tmp_path / kind, founded, passphrase, EDGE, kind)
    setup = prepared(place, kind)
    assert bool(setup.logs) == (kind is not ServiceKind.WITNESS)
    assert (setup.cosigner is None) == (kind is ServiceKind.REGISTRY)
    with closing(setup.transport), closing(open_service(setup)) as service:
        service.start()
        assert "rules_unknown" not in health.words(service)


@pytest.mark.parametrize(
    "kind", [ServiceKind.REGION, ServiceKind.REGISTRY, ServiceKind.WITNESS]
)
def test_a_reload_leaves_nothing_of_the_service_before(
    tmp_path, founded, passphrase, kind, monkeypatch
):
    place = region_folder(tmp_path / kind, founded, passphrase, EDGE, kind)
    served, alive = [], []

    def opened(setup):
        service = open_service(setup)
        served.append(weakref.ref(service.app))
        return service

    class Twice:
        def wait(self, _):
            alive.append([each() is not None for each in served])
            return signal.SIGTERM if len(served) > 1 else signal.SIGHUP

    monkeypatch.setattr(lifecycle, "open_service", opened)
    with unix_socket(tmp_path / "s") as listener:
        lifecycle.serve(lambda: prepared(place, kind), listener, Twice(), ServiceManager({}))
    assert alive == [[True], [False, True]]


def test_the_log_key_that_the_policy_lists_signs(folder, founded):
    """A successor that was made for the next policy waits for it."""
    origin = f"{HOST}/reg"
    keyring = open_keyring(folder / "keys/keyring.json", PASSPHRASE, EDGE.rng)
    keyring.succeed(KeyRole.LOG, origin)
    keyring.succeed(KeyRole.COSIGNER, f"{HOST}/witness")
    setup = prepared(folder)
    assert setup.logs[origin].key.public == founded.keys["gd"].logs[origin].key.public
    assert setup.cosigner.key.public == founded.keys["gd"].witness.key.public


def test_a_part_that_cannot_be_opened_leaves_nothing_open(folder, monkeypatch):
    setup = prepared(folder)
    closed = []

    def failing(*_):
        raise UnavailableError("database_refused", "full")

    monkeypatch.setattr("did_service.node.region.lone_registry", failing)

    close = Witness.close

    def noted(witness):
        closed.append(witness)
        close(witness)

    monkeypatch.setattr(Witness, "close", noted)
    refused("database_refused", open_service, setup)
    assert len(closed) == 1


def rewritten(folder, old, new):
    file = folder / FILE
    file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('region = "gd"', 'region = "nobody"', "region_unknown"),
        ('hosts = ["gd.example"]', 'hosts = ["hn.example"]', "host_unknown"),
        ("[log]", f'{PEERS}ca = "absent.pem"\n[log]', "file_missing"),
        ("[log]", f'{PEERS}ca = "policy.json"\n[log]', "ca_invalid"),
        ('# policy = "policy.json"', 'policy = "absent.json"', "policy_file_missing"),
    ],
)
def test_what_is_off_is_told_with_its_file(folder, old, new, code):
    rewritten(folder, old, new)
    assert any(n in refused(code, prepared, folder).message for n in ("absent", "policy.json"))


def test_a_policy_that_its_governance_did_not_sign_is_refused(folder):
    file = folder / "policy.json"
    members = json.loads(file.read_text())
    members["proof"] = members["proof"][:1]
    file.write_text(json.dumps(members))
    error = refused("policy_signatures_missing", prepared, folder)
    assert "policy.json" in error.message


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ('address = "unix:/run/hn.sock"', UnixRoute("/run/hn.sock")),
        ('address = "127.0.0.1:8443"', LoopbackRoute("127.0.0.1:8443")),
        ('address = "10.43.0.2:443"', TlsRoute("10.43.0.2:443", None)),
        ("", TlsRoute(None, None)),
    ],
)
def test_peers_are_reached_as_configured(folder, lines, wanted):
    rewritten(folder, "[log]", f"{PEERS}{lines}\n[log]")
    setup = prepared(folder)
    assert setup.transport._routes.places["hn.example"] == wanted


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        (ServiceKind.REGION, UnixRoute),
        (ServiceKind.REGISTRY, UnixRoute),
        (ServiceKind.WITNESS, type(None)),  # the logs of its host are served elsewhere
    ],
)
def test_a_command_beside_a_service_reaches_what_the_service_does(
    tmp_path, founded, passphrase, kind, own
):
    folder = region_folder(tmp_path / "gd", founded, passphrase, EDGE, kind)
    rewritten(folder, "[log]", f'{PEERS}address = "10.43.0.2:443"\n[log]')
    routes = tmp_path / "routes.json"
    routes.write_text('{"hn.example":"127.0.0.1:1","sc.example":"127.0.0.1:2"}')
    variables = {"DIDSVC_ROUTES": str(routes)}
    places = routes_to_peers(folder, variables).places
    assert places["hn.example"] == TlsRoute("10.43.0.2:443", None)
    assert places["sc.example"] == LoopbackRoute("127.0.0.1:2")
    assert isinstance(places.get(HOST), own)
    without = routes_to_peers(None, variables).places
    assert without == {
        "hn.example": LoopbackRoute("127.0.0.1:1"),
        "sc.example": LoopbackRoute("127.0.0.1:2"),
    }


# --- an agency ----------------------------------------------------------------------

OFFICERS = {
    "li": {"token_sha256": b64.encode_url(sha256(b"li")), "roles": ["accept"]},
    "zhao": {"token_sha256": b64.encode_url(sha256(b"zhao")), "roles": ["approve", "revoke"]},
}


@pytest.fixture
def agency(tmp_path):
    place = tmp_path / "gz"
    chosen = {
        "service.hosts": ["gz.gd.example"],
        "agency.url": "https://gz.gd.example/agencies/a",
        "agency.jurisdiction": "440100",
        "agency.log_host": HOST,
    }
    initialise(place, ServiceKind.AGENCY, chosen, PASSPHRASE, EDGE, CHEAP)
    with (place / FILE).open("a") as file:
        file.write(
            f'[items.permit]\ntype = "ResidencePermit"\nschema = "{SCHEMA}"\n'
            'schema_id = "urn:didsvc:schema:residence-permit:1"\n'
        )
    (place / "officers.json").write_text(json.dumps(OFFICERS))
    return place


def test_an_agency_is_what_its_files_say(agency):
    setup = prepared(agency)
    made = setup.agency
    assert made.did.endswith(":gz.gd.example")
    assert made.evidence_signer.method == f"{made.did}#key-2"
    assert made.evidence_signer.key.public != made.key.public
    assert [officer.name for officer in made.officers] == ["li", "zhao"]
    assert [item.type_name for item in made.items] == ["ResidencePermit"]
    with closing(setup.transport), closing(open_service(setup)) as service:
        service.start()
        assert "status_lists_missing" in health.words(service)


def test_a_check_names_all_who_may_log_in(agency, passphrase):
    """It named those of the configuration alone, as if nobody else could log in."""

    def checked():
        found = check_service(agency, ServiceKind.AGENCY, f"file:{passphrase}", {})
        return found, [line.en for line in members(found)]

    told, lines = checked()
    assert (told["officers_configured"], told["officers_added"]) == (["li", "zhao"], [])
    assert "officers added: none" in lines
    setup = prepared(agency)
    with closing(setup.transport), open_issuer(setup) as issuer:
        for name in ("qian", "sun", "wu"):
            issuer.officers.add(name, ["approve"], timedelta(days=300))
        issuer.officers.revoke("sun")
    before = sorted(agency.rglob("*"))
    told, lines = checked()
    assert told["officers_added"] == ["qian", "wu"]
    assert lines[lines.index("officers added:") + 1] == "  qian"
    assert sorted(agency.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("officers.json", "{", "json_invalid"),
        ("officers.json", '{"li": {"roles": []}}', "member_missing"),
        ("officers.json", '{"li": {"token_sha256": "AA", "roles": []}}', "length_wrong"),
        ("did.jsonl", "{}\n", "member_missing"),
        ("did.jsonl", None, "file_missing"),
    ],
)
def test_files_of_an_agency_are_named(agency, name, text, code):
    if text is None:
        (agency / name).unlink()
    else:
        (agency / name).write_text(text)
    assert name in refused(code, prepared, agency).message


def test_without_officers_nobody_acts(agency):
    (agency / "officers.json").unlink()
    assert prepared(agency).agency.officers == ()


def test_an_agency_that_was_being_made_keeps_its_did(agency):
    did = prepared(agency).agency.did
    (agency / FILE).unlink()
    chosen = {
        "service.hosts": ["gz.gd.example"],
        "agency.url": "https://gz.gd.example/agencies/a",
        "agency.jurisdiction": "440100",
        "agency.log_host": HOST,
    }
    again = initialise(agency, ServiceKind.AGENCY, chosen, PASSPHRASE, EDGE, CHEAP)
    assert again.did == did


# --- where it listens, and what it tells ----------------------------------------------


def test_a_port_is_listened_on(folder):
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = f"127.0.0.1:{port}"
    configuration = read_configuration(folder / FILE, {"DIDSVC_LISTEN_ADDRESS": text})
    with listening(configuration) as listener:
        assert listener.getsockname() == ("127.0.0.1", port)
        with pytest.raises(UnavailableError), listening(configuration):
            pass


def test_a_socket_in_use_is_left_to_whoever_has_it(folder):
    configuration = read_configuration(folder / FILE, {})
    with listening(configuration):
        with pytest.raises(UnavailableError), listening(configuration):
            pass
        assert (folder / "run/service.sock").is_socket()
    assert not (folder / "run/service.sock").exists()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_line_of_the_log_is_one_line_and_moves_no_screen(form, capsys):
    prepare_log(form, "info")
    logging.getLogger("did_service.registry").warning("odd %s", "\x1b[2J\nforged line")
    logging.getLogger("did_service.registry").debug("not told")
    (line,) = capsys.readouterr().err.splitlines()
    assert "\x1b" not in line
    assert line.startswith("warning registry: odd" if form == "text" else "{")
    if form == "json":
        told = json.loads(line)
        assert told["level"] == "warning"
        assert told.keys() == {"time", "level", "service", "message"}


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 1.5),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
    ],
)
def test_the_watchdog_is_for_this_process(variables, seconds):
    assert ServiceManager(variables).watch_seconds == seconds


@pytest.mark.parametrize("place", ["/absent/socket", "relative", "@abstract-and-absent", ""])
def test_a_manager_that_cannot_be_told_stops_nothing(place):
    manager = ServiceManager({"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "1000000"})
    for tell in (manager.ready, manager.reloading, manager.alive, manager.stopping):
        tell()


def test_an_abstract_socket_is_told():
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(f"\0didsvc-test-{os.getpid()}")
        ServiceManager({"NOTIFY_SOCKET": f"@didsvc-test-{os.getpid()}"}).reloading()
        assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")


# --- passphrases ----------------------------------------------------------------------


def test_the_first_line_is_the_passphrase(passphrase):
    assert read_passphrase(f"file:{passphrase}", {}) == PASSPHRASE


@pytest.mark.parametrize(
    ("place", "error", "code"),
    [
        ("", UsageError, "passphrase_place_invalid"),
        ("tiger", UsageError, "passphrase_place_invalid"),
        ("env:PASS", UsageError, "passphrase_place_invalid"),
        ("file:", UsageError, "passphrase_place_invalid"),
        ("fd:x", UsageError, "passphrase_place_invalid"),
        ("credential:../etc/shadow", UsageError, "passphrase_place_invalid"),
        ("credential:..", UsageError, "passphrase_place_invalid"),
        ("credential:a", NotFoundError, "credential_not_passed"),
        ("file:/absent", NotFoundError, "file_missing"),
        ("file:/dev/zero", UnavailableError, "file_not_read"),
        ("fd:98765", UnavailableError, "file_not_read"),
    ],
)
def test_another_place_is_refused(place, error, code):
    with pytest.raises(error) as caught:
        read_passphrase(place, {})
    assert caught.value.code == code


def test_a_line_without_end_is_no_passphrase(tmp_path):
    file = tmp_path / "pass"
    file.write_bytes(b"x" * 5_000)
    file.chmod(0o600)
    refused("passphrase_place_invalid", read_passphrase, f"file:{file}", {})


def test_a_descriptor_is_read_to_its_end_and_closed():
    reader, writer = os.pipe()
    os.write(writer, b"handed over\n")
    os.close(writer)
    assert read_passphrase(f"fd:{reader}", {}) == "handed over"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reader)
