"""Digests of published contexts, in each of their spellings."""

import hashlib
from types import MappingProxyType

import pytest

from did_service.core.credentials import contexts, related_resources
from did_service.core.credentials.contexts import CREDENTIALS_V2, DIDSVC_1
from did_service.core.encoding import b64
from did_service.core.encoding.multiformats import SHA2_256, multibase_encode
from did_service.core.errors import DidServiceError, UnsupportedError

SHA256 = bytes.fromhex("59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734")
SHA384 = "sha384-l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU"


def check(url=CREDENTIALS_V2, at_hand=MappingProxyType({}), **digest):
    related_resources.check({"relatedResource": {"id": url, **digest}}, at_hand)


@pytest.mark.parametrize(
    "digest",
    [
        {"digestSRI": f"sha256-{b64.encode_std(SHA256)}"},
        {"digestSRI": SHA384},
        {"digestMultibase": multibase_encode(SHA256)},
        {"digestMultibase": multibase_encode(SHA2_256 + SHA256)},
        {"digestMultibase": "u" + b64.encode_url(SHA2_256 + SHA256)},
    ],
)
def test_right_digest_passes_and_one_of_other_bytes_does_not(digest):
    check(**digest)
    (name,) = digest
    wrong = {
        "digestSRI": f"sha256-{b64.encode_std(bytes(32))}",
        "digestMultibase": multibase_encode(bytes(32)),
    }
    with pytest.raises(DidServiceError) as refused:
        check(**{name: wrong[name]})
    assert refused.value.code == "related_resource_digest"


def test_resource_that_nobody_published_stays_unjudged():
    check("https://a.example/", digestMultibase=multibase_encode(bytes(32)))
    related_resources.check({}, {})


def test_text_that_is_no_digest_is_refused():
    for digest in ({"digestSRI": "md5-AAAA"}, {"digestMultibase": "x"}):
        with pytest.raises(DidServiceError):
            check(**digest)


SCHEMA, TEXT = "urn:didsvc:schema:x:1", b'{"type":"object"}'
DIGESTS = {
    name: [
        {"digestSRI": f"{name}-{b64.encode_std(digest)}"},
        {"digestMultibase": multibase_encode(header + digest)},
    ]
    for name, header, digest in (
        (name, header, hashlib.new(name, TEXT).digest())
        for name, header in (("sha256", SHA2_256), ("sha384", b" 0"), ("sha512", b"\x13@"))
    )
}


@pytest.mark.parametrize("digest", [each for found in DIGESTS.values() for each in found])
def test_schema_at_hand_is_held_to_a_digest_by_each_function(digest):
    check(SCHEMA, {SCHEMA: TEXT}, **digest)
    with pytest.raises(DidServiceError) as refused:
        check(SCHEMA, {SCHEMA: TEXT + b" "}, **digest)
    assert refused.value.code == "related_resource_digest"


def test_digest_counts_in_whatever_object_it_stands():
    for place in ("credentialSchema", "evidence"):
        bound = {place: [{"id": SCHEMA, "type": "JsonSchema", **DIGESTS["sha384"][0]}]}
        related_resources.check(bound, {SCHEMA: TEXT})
        with pytest.raises(DidServiceError):
            related_resources.check(bound, {SCHEMA: b""})


def test_the_strongest_of_several_digests_decides():
    weak, strong = (DIGESTS[name][0]["digestSRI"] for name in ("sha256", "sha512"))
    wrong = f"sha256-{b64.encode_std(bytes(32))}"
    check(SCHEMA, {SCHEMA: TEXT}, digestSRI=f"{wrong} {strong} md5-AAAA")
    check(SCHEMA, {SCHEMA: TEXT}, digestSRI=f"{wrong} {weak}")
    with pytest.raises(DidServiceError):
        check(SCHEMA, {SCHEMA: TEXT}, digestSRI=f"{weak} sha512-{b64.encode_std(bytes(64))}")


@pytest.mark.parametrize(
    "digest",
    [
        {"digestSRI": "md5-AAAA"},
        {"digestMultibase": multibase_encode(b"\x16\x20" + bytes(32))},
        {"digestMultibase": multibase_encode(SHA2_256 + bytes(31))},
        {"digestMultibase": "m" + b64.encode_std(bytes(32))},
    ],
)
def test_digest_that_nobody_here_computes_is_unsupported(digest):
    with pytest.raises(UnsupportedError):
        check(SCHEMA, {SCHEMA: TEXT}, **digest)
    check(SCHEMA, **digest)


def test_context_of_ours_has_the_digest_of_its_file():
    right = hashlib.sha512(contexts.published(DIDSVC_1)).digest()
    used = {"@context": [CREDENTIALS_V2, DIDSVC_1]}
    bound = {"id": DIDSVC_1, "digestSRI": f"sha512-{b64.encode_std(right)}"}
    related_resources.check({**used, "relatedResource": bound}, {})
    other = {**bound, "digestSRI": f"sha512-{b64.encode_std(bytes(64))}"}
    with pytest.raises(DidServiceError) as refused:
        related_resources.check({**used, "relatedResource": other}, {})
    assert refused.value.code == "related_resource_digest"


def test_context_in_use_whose_file_has_no_digest_known_is_unsupported():
    bound = {"id": CREDENTIALS_V2, "digestSRI": f"sha512-{b64.encode_std(bytes(64))}"}
    with pytest.raises(UnsupportedError):
        related_resources.check({"@context": [CREDENTIALS_V2], "relatedResource": bound}, {})


def test_a_digest_that_is_repeated_is_computed_once(monkeypatch):
    computed, sha2 = [], related_resources.sha2

    def counted(name, data):
        computed.append(name)
        return sha2(name, data)

    monkeypatch.setattr(related_resources, "sha2", counted)
    schema = b"a schema of this test alone"
    digest = f"sha256-{b64.encode_std(hashlib.sha256(schema).digest())}"
    check("urn:x:schema", {"urn:x:schema": schema}, digestSRI=[digest] * 1_000)
    assert computed == ["sha256"]
