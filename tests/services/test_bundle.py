"""Trust bundles made from the files of running logs, and from their mirrors."""

import json
import sys

import pytest

from did_service.cli import __main__ as program
from did_service.client.bundle import collect
from did_service.client.registry import LogReader
from did_service.core.errors import DidServiceError
from did_service.core.verification.bundle import encode_bundle, parse_bundle
from did_service.core.verification.proving import verify_evidence
from did_service.witness.witness import folder_of
from tests.support.live import running

pytestmark = pytest.mark.clock

ORIGINS = ("gd.example/reg", "gd.example/ev/2026")


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with running(tmp_path_factory.mktemp("bundle")) as live:
        live.psb = live.agency("gz.gd.example")
        live.statement_ = live.grant(live.root("gd"), live.psb)
        live.listed = live.status_list(live.psb, revoked=[7])
        live.publish()
        yield live


def readers(fed, origins=ORIGINS) -> dict[str, LogReader]:
    return {origin: fed.reader(origin) for origin in origins}


def test_a_bundle_proves_everything_that_its_logs_say(fed):
    made = parse_bundle(encode_bundle(collect(fed.policy, readers(fed))))
    proven = verify_evidence([("bundle", made)], fed.policy)
    home = next(region for region in fed.policy.regions if region.id == "gd")
    assert proven.dropped == ()
    for kind, subject in (
        ("did", fed.psb.id),
        ("authority", fed.statement_.entry.subject),
        ("status", fed.psb.list_url()),
    ):
        assert proven.newest(kind, subject, home).time is not None
    assert proven.content(fed.listed.entry.digest) is not None


def test_a_bundle_shows_that_nothing_was_left_out(fed):
    proven = verify_evidence([("b", collect(fed.policy, readers(fed)))], fed.policy)
    assert "gd.example/reg" in proven.complete


def test_a_mirror_gives_the_same_bundle_as_the_log(fed):
    fed.witness("hn").refresh_now()
    mirrors = {
        origin: LogReader(fed.transport, f"https://hn.example/witness/{folder_of(origin)}")
        for origin in ORIGINS
    }
    at_home = collect(fed.policy, readers(fed))
    assert collect(fed.policy, mirrors).items == at_home.items


class _Lying(LogReader):
    """A host that serves the entries of a log in another order."""

    def entries(self, start: int, stop: int, size: int) -> list[bytes]:
        return super().entries(start, stop, size)[::-1]


def test_entries_that_are_not_the_trees_make_no_bundle(fed):
    lying = {ORIGINS[0]: _Lying.of_log(fed.transport, ORIGINS[0])}
    with pytest.raises(DidServiceError) as caught:
        collect(fed.policy, lying)
    assert caught.value.code == "root_mismatch"


def test_a_log_without_reader_is_left_out(fed):
    assert collect(fed.policy, {}).items == ()


# --- the command ------------------------------------------------------------------------------


@pytest.fixture
def office(fed, tmp_path, monkeypatch):
    """An office with the policy and the routes to every region."""
    routes = {host: f"unix:{place.path}" for host, place in fed.places.items()}
    (tmp_path / "routes.json").write_text(json.dumps(routes))
    (tmp_path / "policy.json").write_text(json.dumps(fed.policy.members))
    monkeypatch.setenv("DIDSVC_ROUTES", str(tmp_path / "routes.json"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["did-service", "bundle", *words])
    return program.run()


WORDS = ("--policy", "policy.json", "--out", "new.bundle.json.gz")


def test_the_command_writes_a_bundle_that_a_counter_believes(fed, office, monkeypatch, capsys):
    assert run(monkeypatch, *WORDS, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    data = (office / "new.bundle.json.gz").read_bytes()
    assert told["data"]["bytes"] == len(data)
    proven = verify_evidence([("bundle", parse_bundle(data))], fed.policy)
    assert proven.dropped == ()
    assert len(proven.complete) == len(fed.policy.regions)


def test_the_command_reads_a_log_at_its_mirror(fed, office, monkeypatch):
    fed.witness("hn").refresh_now()
    mirror = f"gd.example/reg=https://hn.example/witness/{folder_of('gd.example/reg')}"
    assert run(monkeypatch, *WORDS, "--mirror", mirror) == 0


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("--policy", "none.json", "--out", "new.gz"), "file_missing", 7),
        (("--policy", "policy.json", "--out", "policy.json"), "file_exists", 2),
        ((*WORDS, "--mirror", "gd.example/reg"), "mirror_invalid", 2),
        ((*WORDS, "--mirror", "xx.example/reg=https://hn.example"), "mirror_invalid", 2),
        (("--policy", "routes.json", "--out", "new.gz"), "member_missing", 1),
    ],
)
def test_the_command_says_what_is_wrong(office, monkeypatch, capsys, words, code, exit_code):
    before = sorted(path.name for path in office.iterdir())
    assert run(monkeypatch, *words) == exit_code
    assert f"[{code}]" in capsys.readouterr().err
    assert sorted(path.name for path in office.iterdir()) == before
