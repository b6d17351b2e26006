"""JSON Schema (draft 2020-12) over credentials and files: accepted fast, refused with reasons.

jsonschema-rs says whether an instance fits; only when it does not, jsonschema says why
(`schema_reasons`). Schemas are foreign text: they are bounded, may refer to themselves alone,
and their patterns run in linear time. What formats mean is in `schema_rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import jsonschema_rs

from did_service.core.credentials.schema_rules import DIALECT, FORMATS, Judge, Violation
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import MalformedError, UnsupportedError, quote
from did_service.core.limits import MAX_SCHEMA_BYTES, MAX_SCHEMAS_CACHED


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema that may be used, ready for use; `raw` is shared, so nobody may change it."""

    raw: JsonObject
    _validator: jsonschema_rs.Draft202012Validator

    def check(self, instance: JsonValue) -> tuple[Violation, ...]:
        """Say how an instance fails the schema; empty when it fits."""
        if self._validator.is_valid(instance):
            return ()
        from did_service.core.credentials import schema_reasons  # noqa: PLC0415 - 0.1 s, rarely

        return schema_reasons.explain(self.raw, instance)


@lru_cache(maxsize=MAX_SCHEMAS_CACHED)
def parse_schema(content: bytes | str) -> Schema:
    """Read and compile a schema; the most recently used texts are remembered.

    Raises:
        MalformedError: `schema_invalid`, or not JSON.
        UnsupportedError: `schema_unsupported` for another dialect, a reference to elsewhere, or
            a keyword that is not taken.
        LimitError: `too_large`.
    """
    schema = strict_json.load_object(
        content, max_bytes=MAX_SCHEMA_BYTES, numbers=strict_json.Numbers.FINITE
    )
    if schema.get("$schema") != DIALECT:
        raise UnsupportedError("schema_unsupported", f"$schema is not {DIALECT}")
    _check_keywords(schema)
    try:
        jsonschema_rs.meta.validate(schema)
        validator = jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            formats={name: _passes(judge) for name, judge in FORMATS.items()},
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(),
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise MalformedError("schema_invalid", f"not a JSON Schema: {quote(error)}") from error
    return Schema(schema, validator)


def check(schema: JsonObject, instance: JsonValue) -> tuple[Violation, ...]:
    """Say how an instance fails a schema that is at hand as an object.

    Raises:
        MalformedError, UnsupportedError, LimitError: as `parse_schema`.
    """
    return parse_schema(jcs.encode(schema)).check(instance)


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


def _check_keywords(value: JsonValue) -> None:
    """Refuse references to elsewhere and keywords that Python's matcher would run."""
    if isinstance(value, list):
        for item in value:
            _check_keywords(item)
    elif isinstance(value, dict):
        for name, member in value.items():
            away = isinstance(member, str) and not member.startswith("#")
            if (name in {"$ref", "$dynamicRef"} and away) or name == "patternProperties":
                raise UnsupportedError("schema_unsupported", f"{name} is not taken here")
            _check_keywords(member)


def _passes(judge: Judge) -> Callable[[str], bool]:
    def passes(text: str) -> bool:
        try:
            judge(text)
        except MalformedError:
            return False
        return True

    return passes
