"""docs/formats.md against what it speaks of: schemas, examples, codes, paths and files."""

import re
from pathlib import Path

import pytest
import yaml

from did_service.client.routes import parse_routes
from did_service.core import limits
from did_service.core.anchor import streams
from did_service.core.anchor.bodies.authority import ROLES, STATES
from did_service.core.anchor.bodies.schema import SCHEMA_KINDS
from did_service.core.anchor.rules import authority
from did_service.core.anchor.types import TYPES
from did_service.core.crypto.hashes import sha256
from did_service.core.did.syntax import did_id
from did_service.core.encoding import b64, strict_json
from did_service.core.encoding.strict_json import Numbers
from did_service.core.log.policy import parse_log_policy
from did_service.core.verification.codes import CHECKS, UNSAFE
from did_service.verifier import challenges
from did_service.verifier.former import parse_memory
from tests.docs import pages

PAGE = pages.read("formats.md")
BLOCKS = pages.blocks(PAGE)
ENTRY = strict_json.load_object(Path("schemas/entry.json").read_bytes())
MEMBERS = re.findall(
    r"Members of \[(schemas/[a-z-]+\.json)\]\([^)]*\): ((?:`\S+`\s?)+)\.", PAGE
)


def json_blocks(*marks):
    return [b for b in BLOCKS if b.language == "json" and (not marks or b.mark in marks)]


def read(path):
    return strict_json.load_object(Path(path).read_bytes(), numbers=Numbers.FINITE)


def parsed(block):
    return strict_json.loads(block.text, numbers=Numbers.FINITE)


def test_every_example_parses_and_says_where_it_is_from():
    assert len(json_blocks()) >= 7
    for block in json_blocks():
        assert parsed(block)
        assert block.mark


@pytest.mark.parametrize(
    "block",
    [pytest.param(b, id=b.mark) for b in json_blocks() if b.mark.startswith("schemas/")],
)
def test_example_is_the_published_one_that_fits_its_schema(block):
    assert block.mark.startswith("schemas/examples/valid/")
    assert parsed(block) == read(block.mark)


def test_example_of_a_former_memory_is_read_by_its_parser():
    (block,) = json_blocks("memory")
    memory = parse_memory(block.text.encode())
    assert (memory.logs.keys(), memory.boot) == (
        parsed(block)["logs"].keys(),
        parsed(block)["boot"],
    )


def test_example_of_routes_is_read_by_its_parser():
    (block,) = json_blocks("routes")
    assert parse_routes(block.text.encode()).places.keys() == parsed(block).keys()


def test_example_of_a_log_policy_is_the_one_of_the_example_policy():
    (block,) = [b for b in BLOCKS if b.language == "tlog-policy"]
    regions = read("schemas/examples/valid/policy.json")["regions"]
    assert block.text in [text for region in regions for text in region["logs"].values()]
    assert parse_log_policy(block.text.encode()).encode().decode() == block.text


@pytest.mark.parametrize(("schema", "names"), MEMBERS)
def test_members_of_a_published_object_are_those_of_its_schema(schema, names):
    assert set(pages.ticked(names)) == read(schema)["properties"].keys()


def test_every_published_object_has_its_members_named():
    described = {path for path, _ in MEMBERS}
    outputs = {"schemas/demo-output.json", "schemas/bench-output.json"}
    assert described == {f"schemas/{p.name}" for p in Path("schemas").glob("*.json")} - outputs


@pytest.mark.parametrize(
    ("names", "schema", "place"),
    [
        ("regions[]", "policy", ("regions", "items")),
        ("items[]", "evidence", ("items", "items")),
        ("batches[]", "evidence", ("batches", "items")),
    ],
)
def test_members_of_parts_are_those_of_the_schema(names, schema, place):
    line = re.search(rf"`{re.escape(names)}`: ((?:`\S+`\s?)+)\.", PAGE)
    whole = read(f"schemas/{schema}.json")
    part = whole["properties"][place[0]][place[1]]
    name = part.get("$ref", "").removeprefix("#/$defs/")
    described = whole["$defs"][name] if name else part
    assert set(pages.ticked(line[1])) == described["properties"].keys()


def test_bodies_of_entries_have_the_members_of_their_schemas():
    table = {row[0]: row for row in pages.rows(pages.section(PAGE, "2. Log entries"))}
    assert set(table) == set(TYPES)
    for kind in set(TYPES) - {"authority"}:
        body = ENTRY["$defs"][f"{kind}-body"]["properties"]
        assert set(pages.ticked(table[kind][2])) == body.keys(), kind


def test_words_of_entries_are_those_of_the_rules():
    assert f"`{'`, `'.join(STATES)}`" in PAGE
    assert all(f"`{role}` (" in PAGE or f"`{role}`." in PAGE for role in ROLES)
    kinds = re.search(r"`kind` of a schema: (.*?);", PAGE)[1]
    assert tuple(pages.ticked(kinds)) == SCHEMA_KINDS
    evidence = pages.ticked(re.search(r"`kind` of evidence: (.*?)\. The last", PAGE)[1])
    assert set(streams.STREAM_ROLES) <= set(evidence)
    assert set(streams.STREAM_ROLES.values()) - {""} <= set(evidence)
    assert authority.MAX_SUBMISSION_SECONDS == 3_600
    assert "not older than an hour" in PAGE


def test_stream_name_is_the_one_that_the_rules_make():
    entry = read("schemas/examples/valid/entry.evidence.json")
    owner = entry["b"]["owner"]
    shape = re.search(r"s = `(urn:didsvc:stream:KIND:ID)`", PAGE)[1]
    made = shape.replace("KIND", "issuance").replace("ID", did_id(owner))
    assert made == streams.stream_id(owner, "issuance") == entry["s"]


def test_codes_of_each_step_are_those_of_the_report():
    told = {}
    for step, codes in (row for row in pages.rows(pages.section(PAGE, "7. Report"))):
        told[int(step.split()[0])] = pages.ticked(codes)
    known = {}
    for code, sentence in CHECKS.items():
        known.setdefault(sentence.step, []).append(code)
    assert told == known


def test_words_of_unsafe_are_those_of_the_report():
    line = re.search(r"^- `unsafe`: (.*?)\.", PAGE, re.MULTILINE)[1]
    assert set(pages.ticked(line)) == set(UNSAFE)


def test_bounds_of_what_a_directory_keeps_are_those_of_the_code():
    told = pages.section(PAGE, "8. On disk")
    assert f"{limits.MAX_NONCES_DOUBTED:,} that expired last are kept" in told
    assert f"{limits.MAX_NONCES_REMEMBERED:,} are remembered" in told
    whole = f"{limits.MAX_CHAINS_WHOLE:,} chains, {limits.MAX_BYTES_WHOLE >> 20} MiB of lines"
    assert f"at most {whole} and {limits.MAX_EVIDENCE_CHECKPOINTS:,} pieces that all" in told
    assert f"more than {limits.MAX_BUNDLE_BYTES >> 20} MiB of lines" in told
    assert f"more than {limits.MAX_CHAINS_AT_ONCE:,} of them are `too_much_to_check`" in told
    nonce = "n4Wq0JcV9mTzE2bX7yLkR5sUaHdGfPoIiYtCwQeZxBM"
    assert "first 8 bytes of SHA-256(`didsvc-state/1` ‖ 0 ‖ nonce)" in PAGE
    state = b64.encode_url(sha256(b"didsvc-state/1\0" + nonce.encode())[:8])
    assert challenges.state_of(nonce) == state
    assert len(state) == 11


def test_every_path_of_the_apps_is_named_and_no_other():
    told = set()
    for row in pages.rows(pages.section(PAGE, "9. HTTP")):
        told |= {tuple(call.split(" ")) for call in pages.ticked(row[1])}
    document = yaml.safe_load(Path("openapi.yaml").read_text())
    served = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert told == served


@pytest.mark.clock
@pytest.mark.xdist_group("demo")
def test_the_kept_story_has_the_files_that_are_named(story):
    (block,) = [b for b in BLOCKS if b.mark == "demo layout"]
    named = [_alternatives(line.split(None, 1)[0]) for line in block.text.splitlines()]
    patterns = [each for group in named for each in group]
    for pattern in patterns:
        assert list(story.glob(pattern.rstrip("/"))), pattern
    found = {path for path in story.rglob("*") if path.is_file()}
    covered = {path for pattern in patterns for path in _below(story, pattern)}
    left = {str(path.relative_to(story)) for path in found - covered}
    assert not {name for name in left if not _is_beside(name)}


def _alternatives(pattern):
    match = re.search(r"\{([^}]*)\}", pattern)
    if not match:
        return [pattern]
    return [pattern.replace(match[0], word) for word in match[1].split(",")]


def _below(story, pattern):
    for path in story.glob(pattern.rstrip("/")):
        yield from (path.rglob("*") if path.is_dir() else [path])


_LEFT = ("ask.json", "shown.vp.json")


def _is_beside(name):
    """Say whether a file is named elsewhere: a wallet's, SQLite's own, those of README."""
    return name.startswith("wallets/wang/") or ".sqlite-" in name or name in _LEFT
