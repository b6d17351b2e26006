"""Digests of published contexts, in each of their spellings."""

import pytest

from did_service.core.credentials import related_resources
from did_service.core.credentials.contexts import CREDENTIALS_V2
from did_service.core.encoding import b64
from did_service.core.encoding.multiformats import SHA2_256, multibase_encode
from did_service.core.errors import DidServiceError

SHA256 = bytes.fromhex("59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734")
SHA384 = "sha384-l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU"


def check(url=CREDENTIALS_V2, **digest):
    related_resources.check({"relatedResource": {"id": url, **digest}})


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
    related_resources.check({})


def test_text_that_is_no_digest_is_refused():
    for digest in ({"digestSRI": "md5-AAAA"}, {"digestMultibase": "x"}):
        with pytest.raises(DidServiceError):
            check(**digest)
