"""Attacks on the wallet by what is handed to it: files, deliveries, mirrors, bundles.

The scene is a federation at a fixed time; nothing here needs a network.
"""

import gzip
import json
import os
import random
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace

import pytest
from nacl import bindings

from did_service.client.issuer import UnverifiedDelivery
from did_service.core.credentials import jsonld
from did_service.core.encoding import b64
from did_service.core.errors import NotFoundError, UnavailableError
from did_service.core.evidence import heads_files
from did_service.core.limits import MAX_COLLECTION_REQUESTS
from did_service.core.verification.request import Remembered
from tests.attacks.test_schemas import DESCRIBED, NAMED, OWN, forced
from tests.support.citizen import Citizen
from tests.support.counter import SCHEMA, items_of
from tests.support.refusals import refused
from tests.support.schemas import UNBOUNDED
from wallet_cli.holdings import HeldCredential, keep
from wallet_cli.sources import EvidenceSources, RequestBudget
from wallet_cli.staples import collect

pytestmark = pytest.mark.clock


# --- files of strangers ----------------------------------------------------------------------


def invented(citizen, **changes):
    """A file with an issuer of the federation that nobody knows, and a proof that is none."""
    issuer = f"did:webvh:{citizen.scene.agency.id}:gz.gd.example"
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "verificationMethod": f"{issuer}#k",
        "proofPurpose": "assertionMethod",
        "created": "2026-01-01T00:00:00Z",
        "proofValue": "z" + "1" * 88,
    }
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential", "urn:x:T"],
        "issuer": issuer,
        "credentialSubject": citizen.subject(),
        "proof": proof,
        **changes,
    }


def test_file_that_nothing_proves(citizen):
    """It was kept as a credential: whoever knew the holder's DID could fill the wallet."""
    run = citizen.receive(invented(citizen))
    assert (run.exit, run.code) == (5, "set_aside")
    assert citizen.counts() == (1, 0)
    assert citizen.receive(invented(citizen)).code == "set_aside"
    assert citizen.counts() == (1, 0)  # the same again is one
    assert (
        citizen.json(
            "present",
            "cred",
            "--nonce",
            "n",
            "--audience",
            "a",
            "--out",
            citizen.folder / "o",
            "--yes",
        ).code
        == "credential_unknown"
    )


@pytest.mark.parametrize("own_first", [True, False])
def test_file_about_two_persons(citizen, scene, own_first):
    """Another person's claims would stand beside the holder's own."""
    other = {"id": scene.fed.device("zhao").did, "jurisdiction": "440100", "familyName": "赵"}
    both = [citizen.subject(), other] if own_first else [other, citizen.subject()]
    assert citizen.receive(scene.issue(credentialSubject=both)).code == "subjects_several"
    assert citizen.counts() == (0, 0)


def contexts(named, terms):
    """Subjects that each bring a context, under a context of `terms` of its own."""
    nested = {"a": {"@id": "x:a", "@context": {f"t{n}": f"x:{n}" for n in range(terms)}}}
    own = {f"b{n}": "x:y" for n in range(terms)}
    return {**nested, "z": "x:z"}, [{"@context": own, "a": {"t1": "v"}}] * named


@pytest.mark.parametrize(("named", "terms"), [(800, 800), (100, 100)])
def test_contexts_that_cost_the_square_of_their_size(citizen, monkeypatch, named, terms):
    """Nine seconds at each look at 53 kB of them; now they are refused before one is read.

    The fewer are as many as may be named, of as many terms as may be defined inline: only the
    count of values stands before them.
    """
    expanded, expand = [], jsonld.expand

    def counted(*given):
        expanded.append(given)
        return expand(*given)

    monkeypatch.setattr(jsonld, "expand", counted)
    outer, inner = contexts(named, terms)
    document = invented(citizen, credentialSubject=citizen.subject(z=inner))
    document["@context"] = [document["@context"][0], outer]
    run = citizen.receive(document)
    assert (run.exit, run.code, citizen.counts()) == (2, "too_large", (0, 0))
    assert expanded == []


@pytest.mark.parametrize("name", ["not_itself", "doubled", "doubled_any", "pattern_too_long"])
def test_schema_that_falls_over_or_never_ends(tmp_path, scene, name):
    """`internal_fault`, or no end within 25 seconds, and every later receive as well.

    The schema is refused for what it is, so no engine has met it: the credential is kept, and
    its schema is as one that is not at hand.
    """
    content, code = UNBOUNDED[name]
    forced(scene, {**DESCRIBED, **content})
    scene.fed.tick()
    scene.publish()
    citizen = Citizen(tmp_path, scene)
    assert citizen.take(scene.staple(schemas=[SCHEMA, OWN])).exit == 0
    subject = citizen.subject()
    run = citizen.receive(scene.issue(credentialSchema=NAMED, credentialSubject=subject))
    assert (run.exit, run.data["failed"], citizen.counts()) == (0, [], (0, 1))
    assert citizen.json("receive", "--offline").exit == 0
    verdict = citizen.json("cred", "verify", "res")
    assert (verdict.exit, verdict.code) == (5, "credential_undecided")
    (check,) = [each for each in verdict.data["report"]["checks"] if each["step"] == 7]
    assert (check["code"], check["detail"]) == ("schema_missing", code)


# --- screens ---------------------------------------------------------------------------------


def test_hostile_type_in_a_list(citizen, scene):
    """One type of many blank cells padded every row: 343 screen rows for eight credentials."""
    blank = "\u2800" * 2_400 + "通过 ACCEPTED"
    for kind in (blank, "ResidencePermit", "urn:x:--help"):
        credential = scene.issue(credentialSubject=citizen.subject())
        held = HeldCredential(
            id=kind[:8] + str(len(kind)),
            alias=f"card-{len(kind)}",
            holder=citizen.did,
            delivery=UnverifiedDelivery(
                {**credential, "type": ["VerifiableCredential", kind]}, None, (), ()
            ).encode(),
            issuer_url="",
            received="2026-01-01T00:00:00Z",
        )
        citizen.open().commit(lambda vault, held=held: keep(vault, held, os.urandom))
    lines = citizen.run("cred", "list").out.splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) < 160
    assert "\u2800" not in "".join(lines)


# --- mirrors that cost time --------------------------------------------------


class Silent:
    """Places that are slow, or have nothing: only counts what is asked of them."""

    def __init__(self, error):
        self.error, self.asked = error, []

    def get(self, url, **_):
        self.asked.append(url)
        raise self.error

    def within(self, _seconds):
        return nullcontext()


def greedy(citizen, scene):
    """A delivery that names as many mirrors and statements as it may."""
    credential = scene.issue(credentialSubject=citizen.subject())
    subjects = [f"{n:064x}" for n in range(64)]
    delivery = UnverifiedDelivery(credential, None, (), tuple(subjects)).encode()
    held = HeldCredential("1", "a", citizen.did, delivery, "", "2026-01-01T00:00:00Z")
    return held, [f"https://m{n}.example/witness" for n in range(64)]


def test_delivery_that_names_places_without_end(citizen, scene):
    """64 x 64 x 5 requests of ten seconds each were two days; one budget holds for all."""
    held, bases = greedy(citizen, scene)
    empty = Silent(NotFoundError("subject_unknown", "nothing here"))
    sources = EvidenceSources(empty, bases)
    collect(held, scene.fed.policy, sources, Remembered())
    assert len(empty.asked) == MAX_COLLECTION_REQUESTS


def test_places_that_never_answer_are_asked_once(citizen, scene):
    held, bases = greedy(citizen, scene)
    hanging = Silent(UnavailableError("peer_timeout", "no answer"))
    collect(held, scene.fed.policy, EvidenceSources(hanging, bases), Remembered())
    hosts = [url.split("/")[2] for url in hanging.asked]
    assert len(hosts) == len(set(hosts))


def test_what_is_held_is_checked_once_in_a_collection(citizen, scene, monkeypatch):
    """All evidence is judged again with each entry that is asked for."""
    scene.publish()
    held, bases = greedy(citizen, scene)
    file = gzip.compress(random.Random(7).randbytes(84), mtime=0)
    staple = scene.staple()
    heads = [each["entry"]["b"]["root"] for each in items_of(staple, "heads")]
    held = replace(held, staple={**staple, "heads_files": {heads[0]: b64.encode_url(file)}})
    signatures, unpacked = Counter(), Counter()
    verify, gunzip = bindings.crypto_sign_open, heads_files.gunzip

    def counted_signature(signed, public):
        signatures[signed, public] += 1
        return verify(signed, public)

    def counted_file(data, most):
        unpacked[data] += 1
        return gunzip(data, most)

    monkeypatch.setattr(bindings, "crypto_sign_open", counted_signature)
    monkeypatch.setattr(heads_files, "gunzip", counted_file)
    empty = Silent(NotFoundError("subject_unknown", "nothing here"))
    found = collect(held, scene.fed.policy, EvidenceSources(empty, bases), Remembered())
    assert found.proves_no_less(held)
    assert unpacked == {file: 1}
    assert {*signatures.values()} == {1}


def test_budget_is_shared_by_all_that_one_collection_asks():
    budget = RequestBudget(left=2)
    assert [budget.spend("https://a.example", lambda: 1) for _ in range(2)] == [1, 1]
    with refused("collection_ended"):
        budget.spend("https://a.example", lambda: 3)


# --- files of the wallet, and policies --------------------------------------------------


@pytest.mark.parametrize("name", ["wallet.json", "trust/policy.json", "new.json"])
def test_export_over_the_wallets_own_files(citizen, scene, name):
    """`--force` replaced the wallet itself by one of its credentials."""
    assert citizen.take(scene.staple()).exit == 0
    assert citizen.receive(scene.issue(credentialSubject=citizen.subject())).exit == 0
    before = {p: p.read_bytes() for p in citizen.path.rglob("*.json")}
    (citizen.folder / "link").symlink_to(citizen.path)
    present = ("present", "res", "--nonce", "n", "--audience", "a", "--yes")
    for command in (("cred", "export", "res"), present):
        for place in (citizen.path, citizen.folder / "link"):
            run = citizen.json(*command, "--force", "--out", place / name)
            assert run.code == "file_in_store"
    assert {p: p.read_bytes() for p in citizen.path.rglob("*.json")} == before


def test_policy_is_known_by_its_format_wherever_it_stands(citizen):
    """Within the first 200 bytes alone, and never from a pipe, which was read twice."""
    members = dict(citizen.scene.fed.policy.members)
    last = {**{n: v for n, v in members.items() if n != "format"}, "format": members["format"]}
    data = json.dumps(last).encode()
    assert data.index(b'"format"') > 200
    run = citizen.json("trust", "import", "-", stdin=data)
    assert (run.exit, run.data["seq"]) == (0, 1)


def test_bundle_that_unpacks_to_gigabytes(citizen):
    """16 kB were 647 MB: blanks cost nothing before they are read."""
    bomb = citizen.folder / "bomb.gz"
    bomb.write_bytes(gzip.compress(b" " * 300_000_000))
    run = citizen.json("trust", "import", bomb)
    assert (run.exit, run.code) == (2, "too_large")
