"""Two JSON Schema engines over the same odd schemas: one decides, neither falls through."""

import random

import pytest

from did_service.core.credentials import schema_check, schema_reasons
from did_service.core.encoding import strict_json
from did_service.core.errors import DidServiceError, MalformedError
from did_service.core.limits import MAX_SCHEMA_STEPS
from tests.support import optional
from tests.support.refusals import refused
from tests.support.schemas import (
    COSTLY,
    DRAFT,
    UNBOUNDED,
    random_document,
    random_value,
)

SEEDS = 1_500
REFUSALS = {"schema_unsupported", "schema_invalid", "too_large"}


def read(content):
    return schema_check.parse_schema(strict_json.dumps({**DRAFT, **content}))


def usable_schemas():
    """Each usable schema of the seeds, with the rest of its randomness."""
    for seed in range(SEEDS):
        rng = random.Random(seed)
        try:
            yield schema_check.parse_schema(strict_json.dumps(random_document(rng))), rng
        except DidServiceError as error:
            if error.code not in REFUSALS:
                raise


def test_engines_agree_on_random_schemas_wherever_both_answer():
    """Whatever else than a refusal of ours came out of either would end this test."""
    verdicts = []
    for schema, rng in usable_schemas():
        for _ in range(4):
            value = random_value(rng)
            fits = schema.check(value) == ()
            try:
                explained = schema_reasons.explain(schema.raw, value, {})
            except DidServiceError:
                continue
            assert (explained == ()) == fits, (schema.raw, value)
            verdicts.append(fits)
    assert verdicts.count(True) > 500
    assert verdicts.count(False) > 200


@pytest.mark.parametrize("name", UNBOUNDED)
def test_schema_without_bounds_is_never_compiled(name):
    content, code = UNBOUNDED[name]
    with refused(code, MalformedError):
        read(content)


@pytest.mark.parametrize("name", COSTLY)
def test_costly_instance_never_reaches_the_engine(name):
    content, instance = COSTLY[name]
    with refused("too_large", MalformedError):
        read(content).check(instance())


def test_bound_of_steps_is_the_callers():
    schema, value = read({"items": {"type": "string"}}), ["a"] * 10
    assert schema.check(value, 22) == ()
    with refused("too_large", MalformedError):
        schema.check(value, 21)
    assert schema.check(value, MAX_SCHEMA_STEPS) == ()


class Panic(BaseException):
    """As pyo3's: no `Exception`."""


@pytest.mark.parametrize("fault", [Panic, RecursionError, MemoryError, TypeError, ValueError])
def test_fault_of_the_deciding_engine_is_a_refusal_of_ours(fault):
    class Faulty:
        def is_valid(self, _):
            raise fault

    schema = read({"type": "object"})
    broken = schema_check.Schema(schema._bounded, Faulty())
    with refused("schema_fault", MalformedError):
        broken.check({})


@pytest.mark.parametrize("fault", [Panic, RecursionError, TypeError])
def test_fault_of_the_explaining_engine_changes_no_verdict(monkeypatch, fault):
    def falls_over(*_):
        raise fault

    monkeypatch.setattr(schema_reasons, "_validator", falls_over)
    assert read({"type": "object"}).check(5) == (schema_check.UNEXPLAINED,)
    assert read({"type": "object"}).check({}) == ()


def test_interruption_is_no_fault(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(schema_reasons, "_validator", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read({"type": "object"}).check(5)


def test_member_named_ref_in_a_const_is_data():
    schema = schema_check.parse_schema(
        (optional.case("48-schema-const-with-ref") / "schema.json").read_bytes()
    )
    assert schema.check({"$ref": "x"}) == ()
    assert schema.check({"$ref": "y"})


def test_format_is_an_annotation():
    folder = optional.case("49-schema-format-email")
    schema = schema_check.parse_schema((folder / "schema.json").read_bytes())
    instance = strict_json.loads((folder / "instance.json").read_bytes())
    assert schema.check(instance) == ()
    assert schema_reasons.explain(schema.raw, instance, {}) == ()
