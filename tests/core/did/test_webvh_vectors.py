"""The published did:webvh 1.0 suite: logs written by two other implementations."""

import json
import re
from datetime import UTC, datetime

import pytest

from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.resolution import resolve_history
from did_service.core.did.syntax import parse_did_url, parse_webvh
from did_service.core.did.webvh import write
from did_service.core.did.webvh.history import verify_history
from did_service.core.did.webvh.parameters import next_key_hash
from did_service.core.did.webvh.state import accept
from did_service.core.encoding import strict_json, timestamps
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


# What both writers of the suite say alike; what it has as a number we have as a string.
COMMON_METADATA = {"created", "updated", "versionTime", "scid", "portable", "watchers"}


def written(services):
    """Services that the controller wrote: the suite's resolvers add the implicit two."""
    return [each for each in services if not each["id"].endswith(("#files", "#whois"))]


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
        for name in COMMON_METADATA & metadata.keys():
            assert metadata[name] == result.document_metadata[name]
        if result.deactivated:
            assert result.document is None
            assert metadata["deactivated"] is True
            continue
        for name in CORE_MEMBERS:
            assert result.document.get(name) == wanted.get(name)
        assert result.document.get("service", []) == written(wanted["service"])


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


# --- writing what others wrote ---------------------------------------------------------------


def keys_of(folder):
    """The secret keys of a case, by multikey; the suite publishes its seeds."""
    script = (folder.parent / "script.yaml").read_text()
    seeds = re.findall(r'seed: "([0-9a-f]{64})"', script)
    keys = [SigningKey(bytes.fromhex(seed)) for seed in seeds]
    return {multikey.encode_ed25519(key.public): key for key in keys}


def signer_of(proof, keys):
    return keys[proof["verificationMethod"].partition("#")[2]]


def remade(state, entry, keys):
    """The entry as our writer makes it from what its author decided."""
    (proof,) = entry["proof"]
    chosen = {"key": signer_of(proof, keys), "now": timestamps.parse(entry["versionTime"])}
    if state is not None:
        return write.update(
            state, document=entry["state"], parameters=entry["parameters"], **chosen
        )
    scid = entry["parameters"]["scid"]
    template = json.loads(json.dumps(entry["state"]).replace(scid, "{SCID}"))
    parameters = {k: v for k, v in entry["parameters"].items() if k not in {"method", "scid"}}
    return write.create(template, parameters, **chosen)[1]


@pytest.mark.parametrize("folder", GOOD, ids=named)
def test_our_writer_makes_the_published_entries(folder):
    """SCID, entry hash and signature are determined: equal entries mean equal bytes hashed."""
    keys, state = keys_of(folder), None
    for line in (folder / "did.jsonl").read_bytes().splitlines():
        entry = strict_json.load_object(line)
        assert remade(state, entry, keys) == entry
        state = accept(state, entry, now=NOW)


@pytest.mark.parametrize(
    "folder", [p for p in GOOD if (p / "did-witness.json").exists()], ids=named
)
def test_our_witnesses_make_the_published_proofs(folder):
    keys = keys_of(folder)
    for item in json.loads((folder / "did-witness.json").read_text()):
        for proof in item["proof"]:
            created = timestamps.parse(proof["created"])
            key = signer_of(proof, keys)
            assert write.create_witness_proof(item["versionId"], key, now=created) == proof


def test_published_commitments_are_hashes_of_the_published_keys():
    pre_rotating = [p for p in GOOD if p.parent.name.startswith("pre-rotation")]
    assert len(pre_rotating) == 4
    for folder in pre_rotating:
        known = {next_key_hash(key) for key in keys_of(folder)}
        for line in (folder / "did.jsonl").read_text().splitlines():
            assert known.issuperset(json.loads(line)["parameters"]["nextKeyHashes"])
