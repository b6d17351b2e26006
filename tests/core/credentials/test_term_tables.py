"""Tables of terms: what they write is what a JSON-LD processor would have written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.credentials import contexts, jsonld, rdfc, term_tables
from did_service.core.credentials import eddsa_rdfc_2022 as suite
from did_service.core.credentials.contexts import CREDENTIALS_V2, DIDSVC_1
from did_service.core.errors import DidServiceError, UnsupportedError
from tests.core.credentials.test_model import CREDENTIAL
from tests.support.optional import CHECKOUT

EXAMPLES = sorted((CHECKOUT / "schemas" / "examples" / "valid").glob("*.json"))
DOCUMENTS = [
    document
    for document in (json.loads(path.read_bytes()) for path in EXAMPLES)
    if isinstance(document, dict) and document.get("@context") == [CREDENTIALS_V2, DIDSVC_1]
]
PROOF = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-rdfc-2022",
    "created": "2026-11-21T02:00:00Z",
    "verificationMethod": "did:example:a#key",
    "proofPurpose": "assertionMethod",
    "challenge": "n",
}


def definitions_in(context):
    """Every name of a context with its definition, also of the contexts of its terms."""
    for name, definition in context.items():
        yield name, definition
        if isinstance(definition, dict):
            yield from definitions_in(definition.get("@context") or {})


DEFINED = dict(
    definition
    for url in (CREDENTIALS_V2, DIDSVC_1)
    for definition in definitions_in(contexts.load(url)["@context"])
)
TERMS = sorted(DEFINED)
OURS = sorted(contexts.load(DIDSVC_1)["@context"].keys() - {"@protected", "id", "type"})
SCOPES = [
    "BitstringStatusListEntry",
    "DataIntegrityProof",
    "JsonSchema",
    "VerifiableCredential",
]

iris = st.sampled_from(["urn:x", "did:example:a", "name:x", "https://a.example/../b?c#d"])
texts = st.sampled_from(["", "id", "2026-11-21", '王\n"\\\x00\x7f']) | st.text(max_size=5)
literals = texts | iris | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1)


@st.composite
def nodes(draw, depth=2):
    """An object that says something, in terms of ours and of the types that it has."""
    kinds = draw(st.lists(st.sampled_from([n for n in OURS if n[0].isupper()]), max_size=1))
    scope = draw(st.none() | st.sampled_from(SCOPES))
    inner = (
        [] if scope is None else [n for n in DEFINED[scope]["@context"] if n[0] not in "@it"]
    )
    names = st.sampled_from(OURS + inner * 4)
    node = {name: draw(members(name, depth)) for name in draw(st.sets(names, max_size=4))}
    if draw(st.booleans()) or not node:
        node["id"] = draw(iris)
    if kinds or scope:
        node["type"] = draw(st.permutations([*kinds, *([scope] if scope else [])]))
    return node


@st.composite
def members(draw, name, depth):
    """One or a few values for a name: objects, and what its definition has room for."""
    definition = DEFINED[name]
    kind = definition.get("@type") if isinstance(definition, dict) else None
    if name == "proofPurpose":
        return draw(st.sampled_from(["assertionMethod", "authentication", "keyAgreement"]))
    value = iris if kind == "@id" else texts if kind else literals
    value = value | nodes(depth - 1) if depth else value
    return draw(value | st.lists(value, min_size=1, max_size=3))


@st.composite
def documents(draw):
    """A document like ours; half of them with something in it that may be wrong."""
    made = draw(st.sampled_from([*DOCUMENTS, CREDENTIAL, PROOF]) | nodes())
    made = {name: value for name, value in made.items() if name != "proof"}
    subject = draw(st.sampled_from(["credentialSubject", "evidence", "name"]))
    made |= {subject: draw(nodes())} if "VerifiableCredential" in made.get("type", ()) else {}
    made = draw(changed_value(made)) if draw(st.booleans()) else made
    whole = made if isinstance(made, dict) else {"name": made}
    return whole | {"@context": draw(st.sampled_from(CONTEXTS))}


@st.composite
def changed_value(draw, value):
    """The value with one member, at any depth, put in, renamed or replaced."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 2)) == 0:
        return draw(odd)
    if isinstance(value, list):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], draw(changed_value(value[at])), *value[at + 1 :]]
    name = draw(st.sampled_from(sorted(value)))
    if draw(st.booleans()):
        return value | {draw(odd_names): draw(odd)}
    return value | {name: draw(changed_value(value[name]))}


CONTEXTS = [[CREDENTIALS_V2, DIDSVC_1]] * 4 + [[CREDENTIALS_V2], CREDENTIALS_V2, [DIDSVC_1]]
odd_names = st.sampled_from(
    [*TERMS, "urn:x:y", "name:x", "@id", "@value", "@graph", "@context"]
)
odd_scalars = (
    st.none() | st.floats() | st.sampled_from([2**53, "_:b1", "a b", *TERMS]) | literals
)
odd = st.recursive(
    odd_scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(odd_names, inner, max_size=2),
    max_leaves=4,
)


def by_tables(document):
    return rdfc.canonicalize(term_tables.to_quads(document, contexts.load))


def by_processor(document):
    return rdfc.canonicalize(jsonld.to_quads(jsonld.expand(document, contexts.load)))


@given(documents())
def test_what_the_tables_write_a_processor_writes(document):
    try:
        written = by_tables(document)
    except UnsupportedError:
        return
    assert by_processor(document) == written


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["type"][-1])
def test_credentials_of_ours_and_their_proofs_need_no_processor(document):
    for each in (document, PROOF | {"@context": document["@context"]}):
        plain = {name: value for name, value in each.items() if name != "proof"}
        assert by_tables(plain) == by_processor(plain)


@st.composite
def proof_options(draw):
    """The usual options with other values, some of them of a kind that is not usual."""
    strange = st.sampled_from([None, 5, 1.5, [], ["authentication"], {}, {"id": "urn:x"}])
    written = st.sampled_from(
        ["TIME", "urn:METHOD", '"TIME"', "\ud800", "a:b", "authentication"]
    )
    value = texts | iris | written | strange
    changed = draw(
        st.dictionaries(st.sampled_from([*PROOF, "id", "domain"]), value, max_size=2)
    )
    usual = {name: member for name, member in PROOF.items() if name != "challenge"}
    times = {"created": draw(texts | written), "verificationMethod": draw(iris | written)}
    urls = draw(st.sampled_from([[CREDENTIALS_V2], [CREDENTIALS_V2, DIDSVC_1], CREDENTIALS_V2]))
    return {**usual, **times, **changed, "@context": urls}


@given(proof_options())
def test_options_are_written_as_the_general_path_writes_them(options):
    """Byte for byte, or refused with the same code, whatever stands in for time and method."""

    def outcome(write):
        try:
            return write()
        except DidServiceError as error:
            return error.code
        except UnicodeEncodeError:
            return UnicodeEncodeError

    general = outcome(lambda: suite._canonical(suite._plain(options)))
    assert outcome(lambda: suite._canonical_options(options)) == general


@pytest.mark.parametrize("purpose", ["assertionMethod", "authentication"])
def test_usual_options_need_no_table_a_second_time(purpose, monkeypatch):
    options = {**PROOF, "proofPurpose": purpose, "@context": [CREDENTIALS_V2, DIDSVC_1]}
    del options["challenge"]
    first = suite._canonical_options(options)

    def asked(_):
        raise LookupError("the general path")

    monkeypatch.setattr(suite, "_plain", asked)
    assert suite._canonical_options(options) == first
    with pytest.raises(LookupError):
        suite._canonical_options({**options, "challenge": "n"})


@pytest.mark.parametrize(
    "members",
    [
        {"@context": [CREDENTIALS_V2, DIDSVC_1, {"name": "urn:x"}]},
        {"@context": [DIDSVC_1, CREDENTIALS_V2]},
        {"name": None},
        {"name": []},
        {"name": {}},
        {"name": {"@value": "x", "@language": "en"}},
        {"name": 1.5},
        {"name": 2**53},
        {"id": "a"},
        {"id": "_:b1"},
        {"type": ["VerifiableCredential", "Nothing"]},
        {"type": ["VerifiableCredential", "DataIntegrityProof"]},
        {"type": ["VerifiableCredential", 5]},
        {"type": ["VerifiableCredential", "cnf"]},
        {"credentialSubject": {"type": "cnf", "familyName": "x"}},
        {"validFrom": 5},
        {"shoeSize": 43},
        {"proof": {**PROOF}},
        {"credentialSubject": {"@context": {}, "familyName": "x"}},
    ],
    ids=str,
)
def test_what_is_more_than_tables_know_is_left_to_the_processor(members):
    with pytest.raises(UnsupportedError) as left:
        by_tables({**CREDENTIAL, **members})
    assert left.value.code == "jsonld_needed"


def test_no_context_of_ours_redefines_a_term():
    """So the order in which tables are joined means nothing."""
    of_v2, of_ours = (term_tables._read(contexts.load(u)["@context"]) for u in CONTEXTS[0])
    for terms in (of_v2, *(term.scope for term in of_v2.values() if term)):
        shared = terms.keys() & of_ours.keys() - {"id", "type"}
        assert not shared, shared
