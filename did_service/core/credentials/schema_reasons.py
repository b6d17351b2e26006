"""What jsonschema says of an instance, in words without the values found.

jsonschema-rs decides; jsonschema explains a refusal, judges formats where we issue, and
cross-checks what is published. Importing it costs 0.1 s and its checks are slow, so
`schema_check` comes here only then. Patterns still run on the linear engine of the other:
Python's own can be made to run for years.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice

import jsonschema
import jsonschema_rs
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

from did_service.core.credentials.schema_rules import WARNINGS, Engine, Judge, Violation
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import MalformedError, quote
from did_service.core.limits import MAX_PATTERNS_CACHED, MAX_SCHEMA_VIOLATIONS

# Keywords about member names: their messages name members and show no values.
_NAMING = frozenset({"required", "dependentRequired", "additionalProperties"})


def explain(
    schema: JsonObject, instance: JsonValue, formats: Mapping[str, Judge]
) -> tuple[Violation, ...]:
    """Return the first 20 reasons against an instance; none where jsonschema finds none.

    Args:
        schema: Bounded and valid.
        instance: What is judged.
        formats: Formats that are asserted; all others are annotations.

    Raises:
        UnsupportedError: `schema_fault`.
    """
    with Engine():
        errors = _validator(schema, formats).iter_errors(instance)
        return tuple(_violation(error) for error in islice(errors, MAX_SCHEMA_VIOLATIONS))


def warn(schema: JsonObject, instance: JsonValue) -> tuple[Violation, ...]:
    """Return the formats that only warn and do not fit; errors as `explain`."""
    with Engine():
        return tuple(
            _violation(error)
            for error in _validator(schema, WARNINGS).iter_errors(instance)
            if error.validator == "format" and error.validator_value in WARNINGS
        )


def cross_check(schema: JsonObject) -> None:
    """Check that jsonschema, too, takes a schema as one.

    Raises:
        UnsupportedError: `schema_fault`: it does not, or falls over.
    """
    with Engine():
        jsonschema.Draft202012Validator.check_schema(schema)


def _validator(schema: JsonObject, judges: Mapping[str, Judge]) -> Validator:
    checker = jsonschema.FormatChecker(formats=())
    for name, judge in judges.items():
        checker.checkers[name] = (_judged(judge), MalformedError)
    return _VALIDATOR(schema, format_checker=checker)


def _judged(judge: Judge) -> Callable[[object], bool]:
    def judged(value: object) -> bool:
        if isinstance(value, str):
            judge(value)
        return True

    return judged


def _violation(error: ValidationError) -> Violation:
    path = "".join(f"/{_pointer(part)}" for part in error.absolute_path)
    return Violation(path, str(error.validator or "false"), _expectation(error))


def _expectation(error: ValidationError) -> str:
    if isinstance(error.cause, MalformedError):
        return error.cause.message
    if error.validator in _NAMING:
        return quote(error.message)
    return f"{error.validator} {quote(error.validator_value)}"


def _pointer(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _match_pattern(
    _: object, pattern: str, instance: JsonValue, __: JsonObject
) -> Iterator[ValidationError]:
    if not _compiled(pattern).is_valid(instance):
        yield ValidationError("pattern")


@lru_cache(maxsize=MAX_PATTERNS_CACHED)
def _compiled(pattern: str) -> jsonschema_rs.Draft202012Validator:
    options = jsonschema_rs.RegexOptions()
    return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options)


_VALIDATOR: type[Validator] = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"pattern": _match_pattern}
)
