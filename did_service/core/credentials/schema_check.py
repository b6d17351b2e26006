"""JSON Schema (draft 2020-12) over credentials and files: accepted fast, refused with reasons.

jsonschema-rs alone says whether an instance fits; when it does not, jsonschema may say why
(`schema_reasons`), and no fault of either changes a verdict. Schemas are foreign text: what
they may hold and cost is counted first (`core.encoding.json_schema`), and patterns run in
linear time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import jsonschema_rs

from did_service.core.credentials.schema_rules import (
    FORMATS,
    UNEXPLAINED,
    Engine,
    Judge,
    Violation,
)
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.json_schema import BoundedSchema, bounded
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import DidServiceError, MalformedError, quote
from did_service.core.limits import (
    EXPLAINED_SHARE,
    MAX_SCHEMA_BYTES,
    MAX_SCHEMA_STEPS,
    MAX_SCHEMAS_CACHED,
)


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema that may be used, ready for use."""

    _bounded: BoundedSchema
    _validator: jsonschema_rs.Draft202012Validator

    @property
    def raw(self) -> JsonObject:
        """The schema itself; it is shared, so nobody may change it."""
        return self._bounded.raw

    def check(
        self, instance: JsonValue, most_steps: int = MAX_SCHEMA_STEPS
    ) -> tuple[Violation, ...]:
        """Say how an instance fails the schema; empty when it fits.

        The only violation is `UNEXPLAINED` where its reason would cost too much, or where
        jsonschema sees none or falls over.

        Raises:
            LimitError: `too_large`: the schema costs more than `most_steps` for this instance.
            UnsupportedError: `schema_fault`: the deciding engine fell over.
        """
        self._bounded.check_steps(instance, most_steps)
        with Engine():
            fits = self._validator.is_valid(instance)
        if fits:
            return ()
        if self._bounded.steps(instance, most_steps) > most_steps // EXPLAINED_SHARE:
            return (UNEXPLAINED,)
        try:
            return _explain(self.raw, instance, {}) or (UNEXPLAINED,)
        except DidServiceError:
            return (UNEXPLAINED,)


@lru_cache(maxsize=MAX_SCHEMAS_CACHED)
def parse_schema(content: bytes | str) -> Schema:
    """Read and compile a schema; the most recently used texts are remembered.

    Raises:
        MalformedError: `schema_invalid`, or not JSON.
        UnsupportedError: `schema_unsupported` for another dialect, a reference to elsewhere, or
            a keyword or a pattern that is not taken; `schema_fault` where the engine fell over.
        LimitError: `too_large`.
    """
    schema = bounded(
        strict_json.load_object(
            content, max_bytes=MAX_SCHEMA_BYTES, numbers=strict_json.Numbers.FINITE
        )
    )
    with Engine():
        try:
            jsonschema_rs.meta.validate(schema.raw)
            validator = jsonschema_rs.Draft202012Validator(
                schema.raw,
                validate_formats=False,
                offline=True,
                pattern_options=jsonschema_rs.RegexOptions(),
            )
        except (
            jsonschema_rs.ValidationError,
            jsonschema_rs.ReferencingError,
            ValueError,
        ) as error:
            invalid = MalformedError("schema_invalid", f"not a JSON Schema: {quote(error)}")
            raise invalid from error
    return Schema(schema, validator)


def check(schema: JsonObject, instance: JsonValue) -> tuple[Violation, ...]:
    """Say how an instance fails a schema that is at hand as an object.

    Raises:
        MalformedError, UnsupportedError, LimitError: as `parse_schema`.
    """
    return parse_schema(jcs.encode(schema)).check(instance)


def check_to_issue(schema: JsonObject, instance: JsonValue) -> tuple[Violation, ...]:
    """Say how an instance fails what we sign: both engines and the formats of ours must agree.

    Raises:
        MalformedError, UnsupportedError, LimitError: as `parse_schema` and `Schema.check`.
    """
    violations = check(schema, instance)
    return _explain(schema, instance, FORMATS) or violations


def warn(schema: JsonObject, instance: JsonValue) -> tuple[Violation, ...]:
    """Say what is odd about an instance that fits: credit codes with a wrong check character.

    Raises:
        MalformedError, UnsupportedError, LimitError: as `parse_schema`.
    """
    check_schema(schema)
    from did_service.core.credentials import schema_reasons  # noqa: PLC0415 - 0.1 s, rarely

    return schema_reasons.warn(schema, instance)


def check_schema(schema: JsonObject) -> None:
    """Check that a schema may be used at all; errors as `parse_schema`."""
    parse_schema(jcs.encode(schema))


def check_to_publish(schema: JsonObject) -> None:
    """Check that a schema may be published: both engines take it; errors as `parse_schema`."""
    check_schema(schema)
    from did_service.core.credentials import schema_reasons  # noqa: PLC0415 - 0.1 s, rarely

    schema_reasons.cross_check(schema)


def _explain(
    schema: JsonObject, instance: JsonValue, formats: Mapping[str, Judge]
) -> tuple[Violation, ...]:
    from did_service.core.credentials import schema_reasons  # noqa: PLC0415 - 0.1 s, rarely

    return schema_reasons.explain(schema, instance, formats)
