"""Attacks by a JSON Schema that somebody may publish, and anybody may name.

One publisher anywhere in the federation suffices; who presents need not sign. Each was tried
for real against the verdict and runs again with no network.
"""

import pytest

from did_service.core.credentials import schema_check
from did_service.core.credentials.schema_check import Schema
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64, strict_json
from did_service.core.limits import MAX_CHECKED_MEMBERS, MAX_SCHEMA_STEPS
from did_service.core.verification.report import Outcome
from tests.support.counter import SCHEMA, Scene, codes
from tests.support.federation import RESIDENCE
from tests.support.refusals import refused
from tests.support.schemas import DRAFT, UNBOUNDED, doubled

pytestmark = pytest.mark.offline

OWN = "https://hn.example/schemas/own"
NAMED = {"id": OWN, "type": "JsonSchema"}
DESCRIBED = {**DRAFT, "x-didsvc": {"type": RESIDENCE, "status": "none"}}


def forced(scene: Scene, content: object) -> None:
    """What a log of an older release holds, or one whose quorum lies."""
    fed, text = scene.fed, strict_json.dumps(content)
    body = {
        "kind": "json-schema",
        "media_type": "application/schema+json",
        "content": text,
        "sha256": b64.encode_url(sha256(text.encode())),
        "owner": fed.root("hn").did,
        "state": "active",
    }
    entry = fed.sign(fed.compose("hn.example/reg", "schema", OWN, body), fed.root("hn"))
    fed.logs["hn.example/reg"].force(entry.sequenced(fed.now))


def shown_by_a_stranger(scene: Scene, **changes: object):
    """Somebody presents a credential that nobody signed and that names the schema."""
    scene.fed.tick()
    scene.publish()
    unsigned = scene.unsigned(credentialSchema=NAMED, **changes)
    return scene.check(unsigned, staple=scene.staple(schemas=[SCHEMA, OWN]))


def step_7(report):
    return [(check.code, check.detail) for check in report.checks if check.step == 7]


@pytest.mark.parametrize(
    "name",
    [
        *("not_itself", "each_other", "doubled", "doubled_any", "dynamic", "named_inside"),
        "pattern_too_long",
    ],
)
def test_logged_schema_without_bounds(scene, name):
    """It hung or crashed each counter: 2^40 looks in three kilobytes, a circle, a panic."""
    content, code = UNBOUNDED[name]
    with refused(code):
        scene.fed.schema(scene.fed.root("hn"), OWN, {**DESCRIBED, **content})
    forced(scene, {**DESCRIBED, **content})
    report = shown_by_a_stranger(scene)
    assert step_7(report) == [("schema_missing", code)]
    assert report.outcome is not Outcome.ACCEPTED


def test_schema_that_costs_more_the_deeper_the_claims(scene):
    """Bounded as a schema, and taken by the log: what one instance costs is counted too."""
    down = {"$ref": "#/$defs/a"}
    below = {"additionalProperties": down, "items": down}
    content = {**DESCRIBED, "$defs": {"a": {"allOf": [below, below]}}, **down}
    claims: object = 1
    for _ in range(24):
        claims = [claims]
    subject = {"id": scene.holder.did, "jurisdiction": "440100", "deep": claims}
    scene.fed.schema(scene.fed.root("hn"), OWN, content)
    report = shown_by_a_stranger(scene, credentialSubject=subject)
    assert step_7(report) == [("schema_missing", "too_large")]


def test_many_schemas_share_the_work_of_one(scene, monkeypatch):
    """Sixteen schemas of one credential cost no more steps together than one may."""
    shares = []

    def counted(self, instance, most_steps=MAX_SCHEMA_STEPS):
        shares.append(most_steps)
        return check(self, instance, most_steps)

    scene.publish()
    check = Schema.check
    monkeypatch.setattr(Schema, "check", counted)
    report = scene.check(
        scene.present(
            scene.issue(
                credentialSchema=[{"id": SCHEMA, "type": "JsonSchema"}] * MAX_CHECKED_MEMBERS
            )
        )
    )
    assert report.outcome is Outcome.ACCEPTED
    assert sum(shares) <= MAX_SCHEMA_STEPS
    assert len(shares) == MAX_CHECKED_MEMBERS


def test_schema_that_makes_an_engine_panic(scene, monkeypatch):
    """A panic of the engine that decides decides nothing; pyo3's is no `Exception`."""

    class Panic(BaseException):
        pass

    class Panics:
        def is_valid(self, _):
            raise Panic

    scene.publish()
    real = schema_check.parse_schema
    monkeypatch.setattr(
        "did_service.core.verification.steps.schema.parse_schema",
        lambda text: Schema(real(text)._bounded, Panics()),
    )
    report = scene.check()
    assert (codes(report), report.outcome) == (["schema_missing"], Outcome.UNDECIDED)
    assert step_7(report) == [("schema_missing", "schema_fault")]


def test_wide_schema_within_bounds_is_still_judged(scene):
    scene.fed.schema(scene.fed.root("hn"), OWN, {**DESCRIBED, **doubled(9)})
    report = shown_by_a_stranger(scene)
    assert ("schema_met", None) in step_7(report)
