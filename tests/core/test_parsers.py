"""Every parser of the core: any input gives a value that can be written, or one of our errors.

The list is held to the source: a parser that is new and not listed here fails a test. What each
of them takes and refuses, and why, is asked in the tests of its own room.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import did_service.core
from did_service.core.anchor import entry, freshness, hosts, region, snapshot
from did_service.core.anchor.bodies import (
    authority,
    did,
    didweb,
    evidence,
    heads,
    policy,
    schema,
    status,
    void,
)
from did_service.core.credentials import (
    bitstring_status_list,
    contexts,
    model,
    nquads,
    schema_check,
)
from did_service.core.crypto import jwk, key_file, keyring, multikey
from did_service.core.did import document, location, syntax
from did_service.core.did.key import did_key_of
from did_service.core.did.webvh import entry as webvh_entry
from did_service.core.did.webvh import parameters, witness, write
from did_service.core.encoding import (
    b64,
    base58,
    bilingual,
    jcs,
    json_parser,
    multiformats,
    strict_json,
    timestamps,
    xsd_datetime,
)
from did_service.core.encoding.strict_json import Fields, JsonObject, Numbers
from did_service.core.errors import DidServiceError
from did_service.core.evidence import bundle, pieces, sets
from did_service.core.integrity import data_integrity
from did_service.core.limits import MAX_JSON_VALUES
from did_service.core.log import checkpoint, note, proof, tiles, witnessing
from did_service.core.log import policy as log_policy
from did_service.core.openid import request_object
from did_service.core.verification import presented
from tests.support.cosigners import NOON, WitnessPool, signer
from tests.support.dids import Controller, rule_of
from tests.support.json_values import changed_value, spellings, values
from tests.support.optional import CHECKOUT

SCHEMAS = CHECKOUT / "schemas"
EXAMPLES = SCHEMAS / "examples" / "valid"
HASH = bytes(range(32))
NOTE = WitnessPool(count=3, k=2).note(9, HASH, {0: NOON, 1: NOON})
RECORDS = [snapshot.HeadRecord(bytes([i]) * 32, i + 1, i, NOON, HASH) for i in range(3)]


def example(name):
    return strict_json.load_object((EXAMPLES / f"{name}.json").read_bytes())


def body_of(kind):
    """The body of a published entry, without the proofs of whoever handed it in."""
    body = example(f"entry.{kind}")["b"]
    return {name: value for name, value in body.items() if name != "proof"}


def made():
    controller = Controller.create(witness=rule_of(1, "w").encode())
    controller.witness("w")
    return controller


WEBVH = made()
POLICY = example("policy")
EVIDENCE = {k: v for k, v in example("evidence").items() if v}
BATCH = {
    "log": "gd.example/ev/2026",
    "index": 1,
    "record": "A" * 43,
    "salt": "A" * 43,
    "position": 0,
    "path": ["A" * 43],
}
AUTHORITY = {k: v for k, v in example("authority").items() if k != "proof"}
CREDENTIAL = example("residence-permit")
PRESENTED = example("presentation-file")
STATUS = CREDENTIAL["credentialStatus"]


@dataclass(frozen=True)
class Parser:
    """One parser, inputs that it takes, and the way back where there is one."""

    parse: Callable[[Any], Any]
    taken: tuple[Any, ...]
    format: Callable[[Any], Any] | None = None

    @property
    def objects_only(self):
        """Whether callers have made sure that the value is an object."""
        parameters = inspect.signature(self.parse).parameters.values()
        # An alias that is evaluated equals the type behind it; in a module that leaves its
        # annotations alone it is a name.
        return any(taken.annotation in (JsonObject, "JsonObject") for taken in parameters)


def written(value):
    return value.encode()


def of(parse, *taken, back=None):
    name = f"{parse.__module__.removeprefix('did_service.core.')}.{parse.__name__}"
    return name, Parser(parse, taken, back)


def with_fields(value):
    return freshness.parse_tiers(Fields(strict_json.as_object(value, "tiers"), "tiers"))


def with_hosts(value):
    return hosts.parse_retired(Fields(strict_json.as_object(value, "policy"), "policy"))


def named(parser, call):
    """The parser called with its further arguments, under its own name."""
    call.__module__, call.__name__ = parser.__module__, parser.__name__
    return call


PARSERS = dict(
    [
        of(authority.parse_authority, AUTHORITY, back=written),
        of(
            entry.parse_entry,
            jcs.encode(example("entry.did")),
            jcs.encode(example("entry.heads")),
            back=written,
        ),
        of(
            entry.parse_carried,
            jcs.encode(example("entry.did")),
            jcs.encode({**example("entry.heads"), "t": "asset", "d": "A" * 43}),
            back=written,
        ),
        of(
            entry.parse_sequenced,
            *(example(path.stem) for path in EXAMPLES.glob("entry.*")),
            back=lambda value: value.members,
        ),
        of(
            entry.parse_submission,
            {name: value for name, value in example("entry.schema").items() if name != "a"},
            back=lambda value: value.members,
        ),
        of(
            named(freshness.parse_tiers, with_fields),
            {"online": 300, "day": 86_400, "field": 604_800},
            back=dict,
        ),
        of(named(hosts.parse_retired, with_hosts), {"retired": ["hn.example"]}, {}),
        of(
            freshness.parse_waiver,
            {"item": "any", "code": "status_stale", "max_seconds": 60},
        ),
        of(snapshot.parse_record, RECORDS[0].encode(), back=written),
        of(
            snapshot.parse_snapshot,
            snapshot.HeadsSnapshot.of(RECORDS).encode(),
            b"",
            back=written,
        ),
        of(did.parse_did_body, body_of("did"), back=written),
        of(didweb.parse_didweb_body, body_of("didweb"), back=written),
        of(
            named(void.parse_void, lambda body: void.parse_void("did", body)),
            body_of("did-void"),
            back=written,
        ),
        of(evidence.parse_evidence_body, body_of("evidence"), back=written),
        of(heads.parse_heads_body, body_of("heads"), back=written),
        of(policy.parse_policy_body, body_of("policy"), back=written),
        of(schema.parse_schema_body, body_of("schema"), back=written),
        of(status.parse_status_body, body_of("status"), back=written),
        of(policy.parse_policy, POLICY, back=lambda value: value.members),
        of(region.parse_region, POLICY["regions"][0]),
        of(bitstring_status_list.parse_status_entry, STATUS),
        of(contexts.load, contexts.CREDENTIALS_V2),
        of(model.parse_credential, CREDENTIAL, back=lambda value: value.raw),
        of(model.parse_presentation, PRESENTED["vp_token"]["q"][0], back=lambda v: v.raw),
        of(
            nquads.parse,
            '_:a <urn:p> "A"@en <urn:g> .\n',
            back=lambda quads: "".join(nquads.lines(quads)),
        ),
        of(schema_check.parse_schema, (SCHEMAS / "service-item.json").read_bytes()),
        of(jwk.decode_ed25519, jwk.encode_ed25519(HASH), back=jwk.encode_ed25519),
        of(
            multikey.decode_ed25519, multikey.encode_ed25519(HASH), back=multikey.encode_ed25519
        ),
        of(
            key_file.parse_key_file,
            (EXAMPLES / "key-file.json").read_bytes(),
            back=written,
        ),
        of(
            keyring.parse_keyring,
            (EXAMPLES / "keyring.json").read_bytes(),
            back=written,
        ),
        of(
            named(
                document.parse_document,
                lambda value: document.parse_document(value, WEBVH.did),
            ),
            WEBVH.entries[0]["state"],
            back=lambda value: value.raw,
        ),
        of(location.parse_location, "gd.example%3A8443:a:%E5%B1%85", back=str),
        of(location.percent_decode, "a%2Fb", "%E5%B1%85"),
        of(syntax.parse_did, WEBVH.did, did_key_of(HASH), back=str),
        of(syntax.parse_did_url, f"{WEBVH.did}/a?versionId=1-Q#k", back=str),
        of(syntax.parse_webvh, WEBVH.did, back=str),
        of(webvh_entry.parse_entry, *WEBVH.entries, write.encode_log(WEBVH.entries)[:-1]),
        of(
            webvh_entry.split_version_id,
            WEBVH.entries[0]["versionId"],
            back=lambda parts: f"{parts[0]}-{parts[1]}",
        ),
        of(webvh_entry.parse_version_time, "2026-11-21T08:00:00Z"),
        of(
            parameters.parse_witness_rule,
            rule_of(2, "a", "b").encode(),
            {},
            back=lambda rule: {} if rule is None else rule.encode(),
        ),
        of(witness.parse_witness_file, WEBVH.witness_file),
        of(b64.decode_url, b64.encode_url(HASH), back=b64.encode_url),
        of(b64.decode_std, b64.encode_std(HASH), back=b64.encode_std),
        of(
            named(
                json_parser.parse,
                lambda data: json_parser.parse(data, Numbers.FINITE, MAX_JSON_VALUES),
            ),
            b'{"a":[1,2.5,null,"\\u00e9"]}',
        ),
        of(base58.decode, base58.encode(HASH), back=base58.encode),
        of(
            named(bilingual.parse, lambda value: bilingual.parse(value, "name")),
            {"zh": "广东", "en": "Guangdong"},
            back=bilingual.encode,
        ),
        of(
            multiformats.multibase_decode,
            multiformats.multibase_encode(HASH),
            back=multiformats.multibase_encode,
        ),
        of(strict_json.loads, b'["x",1,{}]', back=jcs.encode),
        of(
            strict_json.load_object,
            b'{"x":[1,{}]}',
            back=jcs.encode,
        ),
        of(timestamps.parse, "2026-11-21T16:00:00.5+08:00"),
        of(timestamps.parse_utc, "2026-11-21T08:00:00Z"),
        of(xsd_datetime.parse_datetime, "2026-11-21T24:00:00"),
        of(data_integrity.parse_proof, CREDENTIAL["proof"], back=lambda value: value.members),
        of(data_integrity.split, CREDENTIAL),
        of(data_integrity.split_unread, CREDENTIAL),
        of(checkpoint.parse_checkpoint, note.parse_note(NOTE).text, back=written),
        of(checkpoint.parse_number, "0", "1795608000", back=str),
        of(note.parse_note, NOTE, back=written),
        of(
            note.parse_signature_lines,
            b"".join(line.encode() for line in note.parse_note(NOTE).signatures),
            back=lambda lines: b"".join(line.encode() for line in lines),
        ),
        of(note.parse_verifier_key, signer().verifier_key.encode(), back=written),
        of(
            log_policy.parse_log_policy, WitnessPool(count=3, k=2).policy.encode(), back=written
        ),
        of(
            proof.parse_tlog_proof,
            proof.UnverifiedTlogProof(8, (HASH,), NOTE, None).encode(),
            back=written,
        ),
        of(
            named(proof.parse_hashes, lambda text: proof.parse_hashes(text.split("\n"))),
            b64.encode_std(HASH),
            back=lambda hashes: "\n".join(map(b64.encode_std, hashes)),
        ),
        of(
            named(tiles.parse_bundle, lambda data: tiles.parse_bundle(data, 1)),
            b"\0\1x",
            back=tiles.encode_bundle,
        ),
        of(tiles.parse_tile_path, "tile/0/x001/234.p/7", back=lambda tile: tile.path()),
        of(
            witnessing.parse_add_checkpoint,
            b"old 0\n\n" + NOTE,
            back=written,
        ),
        of(bundle.parse_bundle, bundle.encode_bundle(sets.UnverifiedEvidence())),
        of(
            named(bundle.parse_pieces, lambda data: bundle.parse_pieces(data.split(b"\n"))),
            b"\n".join(bundle.encode_pieces(sets.parse_evidence(EVIDENCE))),
        ),
        of(sets.parse_evidence, EVIDENCE, back=written),
        of(pieces.parse_item, EVIDENCE["items"][0], back=written),
        of(pieces.parse_batch, BATCH, back=written),
        of(pieces.parse_checkpoint, EVIDENCE["checkpoints"][0], back=bytes.decode),
        of(pieces.parse_content, "{}", back=bytes.decode),
        of(
            request_object.parse_request_object,
            (EXAMPLES / "request-object.json").read_bytes(),
            back=written,
        ),
        of(presented.parse_presented, (EXAMPLES / "presentation-file.json").read_bytes()),
    ]
)
READERS = re.compile(r"(parse|decode|split|load).*|[a-z].*_decode")


def readers():
    """Every public function of the core that reads something by its name."""
    for found in pkgutil.walk_packages(did_service.core.__path__, "did_service.core."):
        module = importlib.import_module(found.name)
        for name, member in vars(module).items():
            function = inspect.unwrap(member) if callable(member) else None
            own = inspect.isfunction(function) and function.__module__ == found.name
            if own and READERS.fullmatch(name):
                yield f"{found.name.removeprefix('did_service.core.')}.{name}"


@st.composite
def changed_text(draw, text):
    """The text with a few characters or bytes put in, left out or replaced."""
    at = draw(st.integers(0, len(text)))
    inserted = draw(st.text(max_size=3) if isinstance(text, str) else st.binary(max_size=3))
    return text[:at] + inserted + text[at + draw(st.integers(0, 3)) :]


def inputs(parser):
    """Anything of the kind that a parser takes, and what looks very much like what it takes."""
    taken = parser.taken
    any_text = st.text(st.characters(categories=None), max_size=80)
    anything = {str: any_text, bytes: st.binary(max_size=120) | spellings()}
    kinds = [anything.get(type(one), values) for one in taken]
    near = [
        (changed_text if isinstance(one, str | bytes) else changed_value)(one) for one in taken
    ]
    drawn = st.one_of(*kinds, *near)
    return drawn.filter(lambda value: isinstance(value, dict)) if parser.objects_only else drawn


def test_every_parser_is_listed():
    assert set(readers()) == PARSERS.keys()


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_taken_is_written_as_it_was(name):
    parser = PARSERS[name]
    for one in parser.taken:
        value = parser.parse(one)
        if parser.format is not None:
            assert parser.format(value) == one


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_input_gives_a_value_or_one_of_our_errors(name, data):
    parser = PARSERS[name]
    given_input = data.draw(inputs(parser))
    try:
        value = parser.parse(given_input)
    except DidServiceError:
        return
    if parser.format is not None:
        assert parser.parse(parser.format(value)) == value
