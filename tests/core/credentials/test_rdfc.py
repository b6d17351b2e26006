"""RDFC-1.0 against the W3C vectors, and against graphs made to hurt."""

import hashlib
import json
import time
from pathlib import Path

import pyoxigraph
import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.credentials import nquads, rdfc
from did_service.core.errors import LimitError, MalformedError
from tests.support.optional import vectors

VECTORS = vectors("rdf-canon")
TESTS = json.loads((VECTORS / "manifest.jsonld").read_text())["entries"]


def read(reference):
    return (VECTORS / Path(reference).name).read_bytes().decode()


def digest_of(test):
    name = test.get("hashAlgorithm", "SHA256").lower()
    return lambda data: hashlib.new(name, data).digest()


def of_kind(kind):
    return [pytest.param(t, id=t["id"]) for t in TESTS if t["type"] == f"rdfc:RDFC10{kind}Test"]


def test_the_whole_suite_is_there():
    kinds = [len(of_kind(kind)) for kind in ("Eval", "Map", "NegativeEval")]
    assert (kinds, len(TESTS)) == ([64, 21, 1], 86)


@pytest.mark.parametrize("test", of_kind("Eval"))
def test_canonical_form_is_the_published_one(test):
    quads = nquads.parse(read(test["action"]))
    assert rdfc.canonicalize(quads, digest_of(test)) == read(test["result"])


@pytest.mark.parametrize("test", of_kind("Map"))
def test_blank_node_names_are_the_published_ones(test):
    names = rdfc.label(nquads.parse(read(test["action"])), digest_of(test))
    assert {a[2:]: b[2:] for a, b in names.items()} == json.loads(read(test["result"]))


@pytest.mark.parametrize("test", of_kind("NegativeEval"))
def test_poison_graph_is_refused_before_it_hurts(test):
    quads = nquads.parse(read(test["action"]))
    began = time.process_time()
    with pytest.raises(LimitError) as refused:
        rdfc.canonicalize(quads)
    assert refused.value.code == "graph_too_complex"
    assert time.process_time() - began < 1


def test_canonical_text_is_its_own_canonical_form():
    for test in TESTS:
        if test["type"] == "rdfc:RDFC10EvalTest" and "hashAlgorithm" not in test:
            text = read(test["result"])
            assert rdfc.canonicalize(nquads.parse(text)) == text


@given(st.randoms(use_true_random=False))
def test_order_and_labels_of_the_input_do_not_matter(random):
    quads = nquads.parse(read("test054-in.nq"))
    nodes = sorted({term for quad in quads for term in quad if term.startswith("_:")})
    renamed = dict(
        zip(nodes, random.sample([f"_:x{i}" for i in nodes], len(nodes)), strict=True)
    )
    shuffled = [tuple(renamed.get(term, term) for term in quad) for quad in quads]
    random.shuffle(shuffled)
    assert rdfc.canonicalize(shuffled) == rdfc.canonicalize(quads)


def test_too_many_statements_are_refused():
    quads = [("<urn:s>", "<urn:p>", f'"{i}"', "") for i in range(5_000)]
    with pytest.raises(LimitError, match="statements"):
        rdfc.canonicalize(quads)
    with pytest.raises(LimitError, match="statements"):
        nquads.parse("".join(nquads.lines(quads)))


def test_too_many_blank_nodes_are_refused():
    with pytest.raises(LimitError, match="blank nodes"):
        rdfc.canonicalize([(f"_:b{i}", "<urn:p>", '"x"', "") for i in range(300)])


@pytest.mark.parametrize(
    ("character", "written"),
    [
        ("\x00", "\\u0000"),
        ("\b", "\\b"),
        ("\t", "\\t"),
        ("\f", "\\f"),
        ("\x7f", "\\u007F"),
        ('"', '\\"'),
        ("\\", "\\\\"),
        ("\n", "\\n"),
        ("é", "é"),
        ("'", "'"),
    ],
)
def test_literals_are_escaped_as_rdfc_says(character, written):
    assert nquads.literal(character) == f'"{written}"'


@given(st.text(st.characters(categories=None)) | st.text('a"\\\n\x7f\xa0证'))
def test_what_needs_no_escape_is_written_as_it_would_be_with_the_table(value):
    assert nquads.literal(value) == f'"{value.translate(nquads._TO_WRITE)}"'


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_literal_survives_writing_and_reading(value):
    quad = ("<urn:s>", "<urn:p>", nquads.literal(value), "<urn:g>")
    assert nquads.parse("".join(nquads.lines([quad]))) == [quad]


def test_escaped_spellings_have_one_meaning():
    spelled = '<urn:s> <urn:\\u0070> "\\u0041\\U00000042"^^<urn:\\u0074> . # comment\n\n'
    assert nquads.parse(spelled) == [("<urn:s>", "<urn:p>", '"AB"^^<urn:t>', "")]


def test_string_datatype_is_not_written():
    text = f'_:a <urn:p> "x"^^<{nquads.XSD_STRING}> .'
    assert nquads.parse(text) == [("_:a", "<urn:p>", '"x"', "")]


@pytest.mark.parametrize(
    "line",
    [
        "<urn:s> <urn:p> .",
        "<urn:s> _:p <urn:o> .",
        '"x" <urn:p> <urn:o> .',
        "<urn:s> <urn:p> <urn:o>",
        '<urn:s> <urn:p> "\\x" .',
        '<urn:s> <urn:p> "\\uD800" .',
        '<urn:s> <urn:p> "\\UFFFFFFFF" .',
        "<urn: s> <urn:p> <urn:o> .",
    ],
)
def test_broken_statement_is_refused(line):
    with pytest.raises(MalformedError) as refused:
        nquads.parse(line)
    assert refused.value.code == "nquads_invalid"


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text):
    try:
        quads = nquads.parse(text)
    except MalformedError:
        return
    assert nquads.parse("".join(nquads.lines(quads))) == quads


def small_graphs():
    node = st.sampled_from([f"_:n{number}" for number in range(5)])
    place = node | st.sampled_from(["<urn:a>", "<urn:b>"])
    predicate = st.sampled_from(["<urn:p>", "<urn:q>"])
    value = place | st.sampled_from(['"x"', '"x"@en', '"1"^^<urn:t>'])
    quad = st.tuples(place, predicate, value, place | st.just(""))
    return st.lists(quad, max_size=12, unique=True)


@given(small_graphs())
def test_another_implementation_writes_the_same(quads):
    text = "".join(nquads.lines(quads))
    dataset = pyoxigraph.Dataset(pyoxigraph.parse(text, pyoxigraph.RdfFormat.N_QUADS))
    dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    written = pyoxigraph.serialize(dataset, format=pyoxigraph.RdfFormat.N_QUADS).decode()
    assert rdfc.canonicalize(quads) == "".join(sorted(written.splitlines(keepends=True)))
