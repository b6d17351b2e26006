"""did:webvh logs of the field that 0.1.0 refused, each with its right answer."""

from datetime import UTC, datetime

import pytest

from did_service.core.did.resolution import resolve_history
from did_service.core.did.syntax import parse_did_url
from did_service.core.did.webvh.history import verify_history
from did_service.core.errors import MalformedError
from tests.support.optional import case

NOW = datetime(2026, 11, 20, tzinfo=UTC)
RESOLVE = {
    "21-webvh-versiontime-fraction": "1",
    "23-webvh-crlf": "1",
    "25-webvh-float-in-state": "1",
    "26-webvh-extra-rsa4096-multikey": "1",
    "28-webvh-controller-of-another-did": "1",
    "30-webvh-portable-move-key-keeps-former-did": "2",
}


def history_of(name):
    log = (case(name) / "did.jsonl").read_bytes()
    return verify_history(log, witness_file=None, did=None, now=NOW)


def resolve(history, query=""):
    return resolve_history(history, parse_did_url(f"{history.states[-1].did}{query}"))


@pytest.mark.parametrize("name", RESOLVE)
def test_a_log_of_the_field_resolves(name):
    history = history_of(name)
    found = resolve(history)
    assert history.fault is None
    assert found.document["id"] == history.states[-1].did
    assert found.document_metadata["versionNumber"] == RESOLVE[name]


def test_the_time_that_the_metadata_gives_names_the_version():
    history = history_of("21-webvh-versiontime-fraction")
    given = resolve(history).document_metadata["versionTime"]
    again = resolve(history, f"?versionTime={given}")
    assert given.endswith(".123Z")
    assert again.document_metadata["versionId"] == history.states[-1].version.version_id


def test_a_key_that_nobody_can_use_here_is_kept():
    document = history_of("26-webvh-extra-rsa4096-multikey").states[-1].version.document
    unknown = [method for method in document.methods if method.public is None]
    assert [method.raw in document.raw["verificationMethod"] for method in unknown] == [True]


def test_a_former_method_is_kept_and_lends_no_key():
    document = history_of("30-webvh-portable-move-key-keeps-former-did").states[-1]
    foreign = [method for method in document.version.document.methods if method.foreign]
    assert [method.id.partition("#")[0] for method in foreign] == [document.dids[0]]


def test_an_earlier_time_is_answered_though_a_later_entry_is_invalid():
    history = history_of("29-webvh-later-entry-invalid")
    assert history.fault is not None
    earlier = resolve(history, "?versionTime=2026-06-01T00:00:00Z")
    assert earlier.document_metadata["versionNumber"] == "1"
    for later in ("", "?versionTime=2027-01-01T00:00:00Z"):
        with pytest.raises(type(history.fault)) as refused:
            resolve(history, later)
        assert refused.value is history.fault


def test_a_controller_of_another_did_may_not_issue():
    document = history_of("28-webvh-controller-of-another-did").states[-1].version.document
    with pytest.raises(MalformedError) as refused:
        document.check_self_controlled()
    assert refused.value.code in {"controller_foreign", "method_foreign"}
