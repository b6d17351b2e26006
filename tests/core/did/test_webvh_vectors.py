"""The published did:webvh 1.0 suite: logs written by two other implementations."""

import json
import re
from datetime import UTC, datetime

import pytest

from did_service.core.did.resolution import resolve_history
from did_service.core.did.syntax import parse_did_url, parse_webvh
from did_service.core.did.webvh import verify_history
from did_service.core.errors import DidServiceError, MalformedError
from tests.support.optional import vectors

SUITE = vectors("didwebvh")
NOW = datetime(2026, 11, 21, tzinfo=UTC)
# The suite lets a new witness list approve its own arrival; the specification does not.
FAULTY = "witness-update"
LOGS = sorted(path.parent for path in SUITE.glob("*/*/did.jsonl"))
GOOD = [
    p for p in LOGS if not p.parent.name.startswith("negative-") and p.parent.name != FAULTY
]
REASONS = {
    "negative-duplicate-witness-ids": "witness_invalid",
    "negative-portable-scid-swap": "did_invalid",
    "negative-scid-mismatch-genesis": "scid_mismatch",
    "negative-versiontime-non-monotonic": "version_time_not_increasing",
    "negative-wrong-cryptosuite": "cryptosuite_mismatch",
}
CORE_MEMBERS = (
    "@context",
    "id",
    "controller",
    "verificationMethod",
    "authentication",
    "assertionMethod",
    "keyAgreement",
    "alsoKnownAs",
)


def named(path):
    return f"{path.parent.name}-{path.name}"


def history_of(folder):
    witness = folder / "did-witness.json"
    witness_file = witness.read_bytes() if witness.exists() else None
    log = (folder / "did.jsonl").read_bytes()
    return verify_history(log, witness_file=witness_file, did=None, now=NOW)


def test_the_suite_is_there():
    assert len(GOOD) == 24
    assert len(list(SUITE.glob("negative-*"))) == len(REASONS) + 2


@pytest.mark.parametrize("folder", GOOD, ids=named)
def test_good_logs_resolve_to_the_published_versions(folder):
    history = history_of(folder)
    for expected_file in sorted(folder.glob("resolutionResult*.json")):
        expected = json.loads(expected_file.read_text())
        wanted, metadata = expected["didDocument"], expected["didDocumentMetadata"]
        query = f"?versionNumber={metadata['versionNumber']}"
        result = resolve_history(history, parse_did_url(history.latest.did + query))
        assert metadata["versionId"] == result.document_metadata["versionId"]
        for name in ("created", "updated", "versionTime"):
            assert metadata[name] == result.document_metadata[name]
        if result.deactivated:
            assert result.document is None
            assert metadata["deactivated"] is True
            continue
        for name in CORE_MEMBERS:
            assert result.document.get(name) == wanted.get(name)


@pytest.mark.parametrize(("name", "code"), REASONS.items())
def test_bad_logs_are_refused_for_their_fault(name, code):
    with pytest.raises(DidServiceError) as refused:
        _ = history_of(SUITE / name / "ts").latest
    assert refused.value.code == code


@pytest.mark.parametrize("writer", ["python", "ts"])
def test_a_new_witness_list_does_not_approve_its_own_arrival(writer):
    history = history_of(SUITE / FAULTY / writer)
    assert [state.version.number for state in history.states] == [1]
    assert history.fault.code == "witness_threshold"


@pytest.mark.parametrize(
    "name", ["negative-path-traversal-did", "negative-pct-encoded-ip-host"]
)
def test_dangerous_dids_of_the_suite_are_refused(name):
    dids = re.findall(r'did: "([^"]+)"', (SUITE / name / "script.yaml").read_text())
    # The suite's SCID is not base58; with a good one it is the place that must be refused.
    for did in dids + [did.replace("Qm" + "0" * 46, "Qm" + "1" * 44) for did in dids]:
        with pytest.raises(MalformedError):
            parse_webvh(did)
    assert dids
