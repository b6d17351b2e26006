"""Trust bundles made from the files of running logs, and from their mirrors."""

import pytest

from did_service.client.bundle import collect
from did_service.client.registry import LogReader
from did_service.core.errors import DidServiceError
from did_service.core.verification.bundle import encode_bundle, parse_bundle
from did_service.core.verification.proving import verify_evidence
from did_service.witness.witness import folder_of
from tests.support.live import running

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
