"""Trust bundles made from the files of running logs, and from their mirrors."""

import json
import sys
from dataclasses import replace

import pytest

from did_service.bundler.collect import collect, encode_checked, newest_heads
from did_service.bundler.copies import read_log
from did_service.cli import __main__ as program
from did_service.client.registry import LogReader
from did_service.core.anchor.region import control_origin
from did_service.core.errors import DidServiceError, ProofError, UnavailableError
from did_service.core.evidence.audit_path import AuditPath
from did_service.core.evidence.bundle import parse_bundle
from did_service.core.evidence.proofs import verify_evidence
from did_service.node.configuration import FILE
from did_service.node.configuration_file import configuration_text
from did_service.node.setting_table import ServiceKind
from did_service.replica.mirrors import folder_of
from tests.support.live import running
from tests.support.refusals import refused

pytestmark = pytest.mark.clock

ORIGINS = REG, EV = ("gd.example/reg", "gd.example/ev/2026")


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
    made = parse_bundle(encode_checked(fed.policy, collect(fed.policy, readers(fed))))
    proven = verify_evidence([("bundle", made)], fed.policy)
    home = next(region for region in fed.policy.regions if region.id == "gd")
    assert proven.dropped == ()
    for kind, subject in (
        ("did", fed.psb.id),
        ("authority", fed.statement_.entry.subject),
        ("status", fed.psb.list_url()),
    ):
        assert proven.latest(kind, subject, home) is not None
    assert proven.content(fed.listed.entry.digest) is not None


def test_a_bundle_shows_that_nothing_was_left_out(fed):
    collected = collect(fed.policy, readers(fed))
    proven = verify_evidence([("b", collected.evidence)], fed.policy)
    assert "gd.example/reg" in proven.complete


def test_a_mirror_gives_the_same_bundle_as_the_log(fed):
    fed.witness("hn").refresh_now()
    mirrors = {
        origin: LogReader(fed.transport, f"https://hn.example/witness/{folder_of(origin)}")
        for origin in ORIGINS
    }
    at_home = collect(fed.policy, readers(fed))
    assert collect(fed.policy, mirrors) == at_home


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
    assert collect(fed.policy, {}).logs == ()
    only = collect(fed.policy, readers(fed, ORIGINS[:1]))
    assert [log.origin for log in only.logs] == [ORIGINS[0]]


# --- a copy that lags, and hosts that lie -----------------------------------------------------


@pytest.fixture(scope="module")
def lagging(tmp_path_factory):
    """The mirror in hn has not seen the newest publication, in which a list changed."""
    with running(tmp_path_factory.mktemp("lagging")) as live:
        psb = live.agency("gz.gd.example")
        live.grant(live.root("gd"), psb)
        live.listed = live.status_list(psb, revoked=[7])
        live.publish()
        live.witness("hn").refresh_now()
        live.mirror = LogReader(live.transport, f"https://hn.example/witness/{folder_of(EV)}")
        live.behind = FrozenReader(live.mirror)
        live.tick(60)
        live.renewed = live.status_list(psb, revoked=[7, 8])
        live.publish()
        yield live


class FrozenReader:
    """A host that stays as it was when it was first read."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader
        self._note = reader.checkpoint()

    def checkpoint(self) -> bytes:
        return self._note

    def __getattr__(self, name: str):
        return getattr(self._reader, name)


def test_a_mirror_one_publication_behind_gives_the_lists_of_its_own_size(lagging):
    """0.1.0 built paths of the newest heads entry out of a shorter copy: no list counted."""
    mixed = {REG: lagging.reader(REG), EV: lagging.behind}
    collected = collect(lagging.policy, mixed)
    proven = verify_evidence(
        [("b", parse_bundle(encode_checked(lagging.policy, collected)))], lagging.policy
    )
    newest = collect(lagging.policy, {REG: lagging.reader(REG), EV: lagging.reader(EV)})
    (behind,), (ahead,) = (
        [log for log in each.logs if log.origin == EV] for each in (collected, newest)
    )
    assert behind.size < ahead.size
    assert behind.as_of < ahead.as_of
    assert proven.content(lagging.listed.entry.digest) is not None


def test_a_copy_that_no_heads_entry_reaches_makes_no_bundle(lagging):
    control = read_log(lagging.policy, REG, {REG: lagging.reader(REG)})
    with refused("mirror_behind", UnavailableError):
        newest_heads(control, EV, most=-1)


class Serving(LogReader):
    """A host that answers with other content."""

    answer = b"{}"

    def content(self, digest: bytes) -> bytes:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "code"),
    [(b"{}", "digest_wrong"), (b"", "digest_wrong"), (b"\xff", "utf8_invalid")],
)
def test_content_that_is_not_behind_its_digest_makes_no_bundle(fed, answer, code):
    lying = Serving.of_log(fed.transport, EV)
    lying.answer = answer
    with refused(code, DidServiceError):
        collect(fed.policy, {REG: fed.reader(REG), EV: lying})


def _without_lists(evidence):
    return replace(evidence, contents={})


def _without_snapshots(evidence):
    return replace(evidence, heads_files={})


def _without_an_item(evidence):
    statement = next(i for i in evidence.items if i.entry.type == "authority")
    return replace(evidence, items=tuple(i for i in evidence.items if i is not statement))


def _with_a_wrong_path(evidence):
    first, *others = evidence.items
    wrong = replace(first, path=AuditPath([*list(first.path)[:-1], bytes(32)]))
    return replace(evidence, items=(wrong, *others))


@pytest.mark.parametrize(
    "spoil", [_without_lists, _without_snapshots, _without_an_item, _with_a_wrong_path]
)
def test_a_bundle_of_which_a_counter_would_not_take_all_is_not_written(fed, spoil):
    collected = collect(fed.policy, readers(fed))
    spoilt = replace(collected, evidence=spoil(collected.evidence))
    with refused("bundle_unproven", ProofError):
        encode_checked(fed.policy, spoilt)


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


WORDS = ("--policy", "policy.json", "--out", "new.bundle.jsonl.gz")


def test_the_command_writes_a_bundle_that_a_counter_believes(fed, office, monkeypatch, capsys):
    assert run(monkeypatch, *WORDS, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    data = (office / "new.bundle.jsonl.gz").read_bytes()
    assert told["data"]["bytes"] == len(data)
    logs = {log["log"]: log for log in told["data"]["logs"]}
    assert {EV, *map(control_origin, fed.policy.regions)} <= set(logs)
    assert all({"size", "as_of", "age_seconds"} <= log.keys() for log in logs.values())
    proven = verify_evidence([("bundle", parse_bundle(data))], fed.policy)
    assert proven.dropped == ()
    assert len(proven.complete) == len(fed.policy.regions)


def test_the_command_reads_a_log_at_its_mirror(fed, office, monkeypatch):
    fed.witness("hn").refresh_now()
    mirror = f"gd.example/reg=https://hn.example/witness/{folder_of('gd.example/reg')}"
    assert run(monkeypatch, *WORDS, "--mirror", mirror) == 0


def test_the_command_beside_a_service_reaches_peers_as_configured(fed, office, monkeypatch):
    hosts = {host: place.path for host, place in fed.places.items()}
    chosen = {
        "service.region": "gd",
        "service.hosts": ["gd.example"],
        "listen.address": f"unix:{hosts.pop('gd.example')}",
    }
    peers = "".join(
        f'[peers."{host}"]\naddress = "unix:{path}"\n' for host, path in hosts.items()
    )
    text = f"{configuration_text(ServiceKind.REGION, chosen)}\n{peers}"
    (office / FILE).write_text(text)
    monkeypatch.delenv("DIDSVC_ROUTES")
    assert run(monkeypatch, *WORDS) == 8
    assert run(monkeypatch, *WORDS, "--config", ".") == 0


def test_the_command_says_how_old_each_log_is_and_what_was_left_out(
    fed, office, monkeypatch, capsys
):
    assert run(monkeypatch, *WORDS, "--without", REG, "--lang", "en") == 0
    told = capsys.readouterr().err
    assert f"warning: {REG}: left out" in told
    assert f"warning: {EV}: left out" in told, "it hangs on the control log"
    assert "hn.example/reg: as of " in told
    assert run(monkeypatch, *WORDS, "--without", REG, "--force", "--lang", "zh") == 0
    told = capsys.readouterr().err
    assert f"警告：{REG}：未收入" in told
    assert "note" not in told
    proven = verify_evidence(
        [("b", parse_bundle((office / "new.bundle.jsonl.gz").read_bytes()))], fed.policy
    )
    assert REG not in proven.complete
    assert "hn.example/reg" in proven.complete


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("--policy", "none.json", "--out", "new.gz"), "file_missing", 7),
        (("--policy", "policy.json", "--out", "policy.json"), "file_exists", 2),
        ((*WORDS, "--mirror", "gd.example/reg"), "mirror_invalid", 2),
        ((*WORDS, "--mirror", "xx.example/reg=https://hn.example"), "mirror_invalid", 2),
        ((*WORDS, "--without", "xx.example/reg"), "log_unknown", 2),
        (("--policy", "routes.json", "--out", "new.gz"), "member_missing", 2),
    ],
)
def test_the_command_says_what_is_wrong(office, monkeypatch, capsys, words, code, exit_code):
    before = sorted(path.name for path in office.iterdir())
    assert run(monkeypatch, *words) == exit_code
    assert f"[{code}]" in capsys.readouterr().err
    assert sorted(path.name for path in office.iterdir()) == before
