"""DID syntax: what is a DID, and that it has one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.did.location import parse_location
from did_service.core.did.syntax import (
    DidUrl,
    did_id,
    parse_did,
    parse_did_url,
    parse_webvh,
)
from did_service.core.errors import LimitError, MalformedError, UnsupportedError

SCID = "QmPEQVM1JPTyrvEgBcDXwjK4TeyLGSX1PxjgyeAisdWM1p"

DIDS = [
    "did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG",
    "did:web:example.com%3A8443:user:alice",
    "did:example:a.b-c_d:%20x::y",
]


@pytest.mark.parametrize("text", DIDS)
def test_a_did_survives_parsing(text):
    assert str(parse_did(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "did:",
        "did:key",
        "did:key:",
        "DID:key:z",
        "did:Key:z",
        "did:ke-y:z",
        "did:web:example.com:",
        "did:web:例.com",
        "did:web:example.com\n",
        " did:web:example.com",
        "did:web:a%2",
        "did:web:a%zz",
        "did:web:example.com%2f8443",
        "did:web:a b",
        "did:web:a~b",
        "did:web:example.com/path",
        "did:webvh:{SCID}:example.com",
    ],
)
def test_what_is_not_a_did_is_refused(text):
    with pytest.raises(MalformedError) as refused:
        parse_did(text)
    assert refused.value.code == "did_invalid"


@pytest.mark.parametrize("escape", ["%41", "%7A", "%30", "%2D", "%2E", "%5F"])
def test_a_needless_escape_is_another_spelling_and_refused(escape):
    with pytest.raises(MalformedError) as refused:
        parse_did(f"did:web:{escape}.example")
    assert refused.value.code == "did_not_canonical"


@pytest.mark.parametrize("parse", [parse_did, parse_did_url])
def test_a_long_did_is_refused_unread(parse):
    with pytest.raises(LimitError) as refused:
        parse("did:example:" + "a" * 3000)
    assert refused.value.code == "did_too_long"


@pytest.mark.parametrize(
    ("text", "path", "query", "fragment"),
    [
        ("did:example:1", "", None, None),
        ("did:example:1#key-1", "", None, "key-1"),
        ("did:example:1?versionId=1-Qm#", "", "versionId=1-Qm", ""),
        ("did:example:1/a/b.pdf?x=1&y=2#p", "/a/b.pdf", "x=1&y=2", "p"),
        ("did:example:1/", "/", None, None),
    ],
)
def test_a_did_url_is_parted_and_put_together(text, path, query, fragment):
    url = parse_did_url(text)
    assert url == DidUrl(parse_did("did:example:1"), path, query, fragment)
    assert str(url) == text


@pytest.mark.parametrize("tail", ["/a b", "?a b", "#a#b", "/ä", "/a\n", "?%zz", "/%2f", '#"'])
def test_what_is_not_a_did_url_is_refused(tail):
    with pytest.raises(MalformedError) as refused:
        parse_did_url("did:example:1" + tail)
    assert refused.value.code == "did_url_invalid"


def test_query_parameters_are_decoded_once():
    url = parse_did_url("did:example:1?service=files&relativeRef=%2Fa%252Fb&t=+")
    assert url.parameters == {"service": "files", "relativeRef": "/a%2Fb", "t": "+"}
    assert parse_did_url("did:example:1").parameters == {}


@pytest.mark.parametrize("query", ["a=1&a=2", "a", "=1", "a=1&"])
def test_a_query_with_two_meanings_is_refused(query):
    with pytest.raises(MalformedError) as refused:
        _ = parse_did_url(f"did:example:1?{query}").parameters
    assert refused.value.code == "did_url_invalid"


@pytest.mark.parametrize(
    ("place", "log_url"),
    [
        ("example.com", "https://example.com/.well-known/did.jsonl"),
        ("issuer.example.com", "https://issuer.example.com/.well-known/did.jsonl"),
        ("example.com:dids:issuer", "https://example.com/dids/issuer/did.jsonl"),
        ("example.com%3A3000:a", "https://example.com:3000/a/did.jsonl"),
        ("example.com%3A3000", "https://example.com:3000/.well-known/did.jsonl"),
        (
            "xn--jp-cd2fp15c.xn--fsq.jp:%E7%94%A8%E6%88%B7",
            "https://xn--jp-cd2fp15c.xn--fsq.jp/%E7%94%A8%E6%88%B7/did.jsonl",
        ),
    ],
)
def test_a_webvh_did_says_where_its_files_are(place, log_url):
    did = parse_webvh(f"did:webvh:{SCID}:{place}")
    assert did.log_url == log_url
    assert did.witness_url == log_url.replace("did.jsonl", "did-witness.json")
    assert did.base_url == log_url.removesuffix("did.jsonl").removesuffix(".well-known/")
    assert str(did) == f"did:webvh:{SCID}:{place}"
    assert did.host == place.partition(":")[0].partition("%")[0]


HOSTS_REFUSED = [
    "127.0.0.1",
    "127.1",
    "0x7f.0x1",
    "example.0x",
    "example.1",
    "127%2E0%2E0%2E1",
    "127%2e0%2e0%2e1",
    "%5B%3A%3A1%5D",
    "1%3A%3A",
    "localhost",
    "Example.com",
    "example.com.",
    ".example.com",
    "exa mple.com",
    "-a.example",
    "a-.example",
    "a_b.example",
    "a" * 64 + ".example",
    ".".join(["a" * 60] * 5),
    "jp%E7%B4%8D%E8%B1%86.example",
    "xn--.example",
    "xn--a.example",
    "xn--abc-.example",
    "ab--cd.example",
    "xn--Fsq.example",
    "xn--999999999.example",
    "example.com%3A",
    "example.com%3A0",
    "example.com%3A080",
    "example.com%3a80%3A80",
    "example.com%3A65536",
    "example.com%3A80%3A80",
    "user%40example.com",
]


@pytest.mark.parametrize("host", HOSTS_REFUSED)
def test_hosts_that_are_not_one_canonical_name_are_refused(host):
    with pytest.raises(MalformedError):
        parse_webvh(f"did:webvh:{SCID}:{host}")


@pytest.mark.parametrize(
    "path",
    [
        "..:..:admin",
        ".:x",
        "%2E%2E:admin",
        "%2e%2e:admin",
        "a%2F..%2Fb",
        "a%5C..%5Cb",
        "%252E%252E",
        "a%00",
        "a%0A",
        "%20a",
        "a%20",
        "a::b",
        "%C3%28",
        "",
    ],
)
def test_paths_that_could_leave_their_folder_are_refused(path):
    with pytest.raises(MalformedError):
        parse_webvh(f"did:webvh:{SCID}:example.com:{path}")


@pytest.mark.parametrize("scid", ["", "Qm", SCID[:-1], SCID + "a", "Qm" + "0" * 44, "{SCID}"])
def test_an_scid_is_46_letters_of_base58(scid):
    with pytest.raises(MalformedError):
        parse_webvh(f"did:webvh:{scid}:example.com")


def test_a_did_of_another_method_is_not_webvh():
    with pytest.raises(UnsupportedError) as refused:
        parse_webvh("did:web:example.com")
    assert refused.value.code == "did_method_unknown"


def test_the_subject_of_a_webvh_did_is_its_scid_and_of_others_the_did():
    assert did_id(f"did:webvh:{SCID}:example.com:a") == SCID
    assert did_id(DIDS[0]) == DIDS[0]


labels = st.from_regex(r"\A[a-z][a-z0-9]{0,8}\Z")
segments = st.from_regex(r"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,8}\Z") | st.just("%E7%94%A8")


@given(
    st.lists(labels, min_size=2, max_size=4),
    st.none() | st.integers(1, 65535),
    st.lists(segments, max_size=3),
)
def test_location_parsing_and_writing_are_inverse(host, port, path):
    for colon in ("%3A", "%3a"):
        text = ":".join([".".join(host) + (f"{colon}{port}" if port else ""), *path])
        assert str(parse_location(text)) == text


@pytest.mark.parametrize("place", ["example.com%3a8443", "example.com%3A443"])
def test_two_spellings_of_a_port_are_taken_and_are_not_canonical(place):
    """Either case in the grammar of did:webvh (RFC 2234 §2.3), and any port."""
    did = parse_webvh(f"did:webvh:{SCID}:{place}:a")
    assert str(did) == f"did:webvh:{SCID}:{place}:a"
    assert not did.location.is_canonical
    assert (
        did.log_url
        == {
            "example.com%3a8443": "https://example.com:8443/a/did.jsonl",
            "example.com%3A443": "https://example.com/a/did.jsonl",
        }[place]
    )
    assert parse_webvh(f"did:webvh:{SCID}:example.com%3A8443").location.is_canonical


@given(st.text(max_size=80) | st.from_regex(r"did:[a-z]+:[A-Za-z0-9%._:/?#-]*"))
def test_every_text_is_a_did_url_or_refused_by_name(text):
    try:
        url = parse_did_url(text)
    except MalformedError:
        return
    assert str(url) == text


@given(st.text(max_size=60))
def test_every_place_is_parsed_whole_or_refused_by_name(place):
    try:
        assert str(parse_webvh(f"did:webvh:{SCID}:{place}")) == f"did:webvh:{SCID}:{place}"
    except MalformedError:
        return


@given(st.from_regex(r"\Axn--[a-z0-9-]{0,40}\Z"))
def test_every_a_label_is_taken_or_refused_by_name(label):
    try:
        assert parse_location(f"{label}.example").host == f"{label}.example"
    except MalformedError:
        return
