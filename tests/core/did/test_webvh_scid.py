"""Where a SCID stands in a first entry, and entries that are hashed from one canonical form."""

from hypothesis import given
from hypothesis import strategies as st

from did_service.core.did.webvh import entry
from did_service.core.encoding import jcs

SCID = "Qm" + "1" * 44
PIECES = st.sampled_from(["", "a", '"', "\\", ":", '":', "\n", "é", SCID, SCID[:-1], "Qm"])
TEXTS = st.lists(PIECES, max_size=6).map("".join)
VALUES = st.recursive(
    TEXTS | st.integers(0, 9) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


def names_of(value):
    """Every member's name, however deep."""
    if isinstance(value, list):
        return [name for each in value for name in names_of(each)]
    if isinstance(value, dict):
        return [*value, *names_of([*value.values()])]
    return []


def says(value):
    return entry._stands_in_values_alone(SCID, jcs.encode(value).decode())


@given(VALUES)
def test_a_scid_is_found_in_a_name_wherever_a_plain_reading_finds_it(value):
    assert says(value) is not any(SCID in name for name in names_of(value))


class Counting:
    """A pattern that counts the characters it has gone over."""

    def __init__(self, pattern):
        self.pattern, self.seen = pattern, 0

    def match(self, text, at):
        found = self.pattern.match(text, at)
        self.seen += found.end() - at
        return found


def test_a_text_full_of_scids_is_gone_over_once(monkeypatch):
    """An entry of a megabyte that is nothing but its SCID would hold the one writer up."""
    for value in (
        SCID * 25_000,
        [SCID] * 25_000,
        {"a": SCID * 25_000, "b": [SCID + '\\"'] * 99},
    ):
        counting = Counting(entry._REST_OF_STRING)
        with monkeypatch.context() as patch:
            patch.setattr(entry, "_REST_OF_STRING", counting)
            assert says(value) is True
        assert counting.seen <= len(jcs.encode(value))


def test_what_is_no_scid_stands_nowhere_for_sure():
    assert entry._stands_in_values_alone("", '{"a":""}') is False
    assert entry._stands_in_values_alone('":"', '{"a":"b"}') is False


@given(VALUES, TEXTS, st.sampled_from([SCID, "{SCID}", f"1-{SCID}", 'a"\\b', "é", ""]))
def test_a_form_with_another_version_id_is_that_of_the_entry_with_it(state, name, other):
    unsecured = {
        "versionId": f"2-{SCID}",
        "versionTime": "2026-11-21T08:00:00Z",
        "parameters": {name: SCID},
        "state": {"a": state},
    }
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": "did:key:z#z",
        "proofPurpose": "assertionMethod",
        "proofValue": "z1",
    }
    found = entry.parse_entry({**unsecured, "proof": proof})
    text = entry._with_version_id(found, entry.written_form(found), other)
    assert text.encode() == jcs.encode({**unsecured, "versionId": other})
