"""Why an instance does not fit a schema, by jsonschema, in words without the values found.

Importing jsonschema costs 0.1 s and its checks are slow, so `schema_check` comes here only
when jsonschema-rs has already refused. Patterns still run on the linear engine of the latter:
Python's own can be made to run for years.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import jsonschema
import jsonschema_rs
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

from did_service.core.credentials.schema_rules import FORMATS, WARNINGS, Judge, Violation
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import MalformedError, quote
from did_service.core.limits import MAX_SCHEMA_VIOLATIONS

# Keywords about member names: their messages name members and show no values.
_NAMING = frozenset({"required", "dependentRequired", "additionalProperties"})


def explain(schema: JsonObject, instance: JsonValue) -> tuple[Violation, ...]:
    """Return the first 20 reasons for a refusal; at least one, whatever jsonschema thinks."""
    errors = _validator(schema, FORMATS).iter_errors(instance)
    found = tuple(_violation(error) for error in islice(errors, MAX_SCHEMA_VIOLATIONS))
    return found or (Violation("", "", "the instance does not fit the schema"),)


def warn(schema: JsonObject, instance: JsonValue) -> tuple[Violation, ...]:
    """Return the formats that are only warned about and that do not fit."""
    return tuple(
        _violation(error)
        for error in _validator(schema, WARNINGS).iter_errors(instance)
        if error.validator == "format" and error.validator_value in WARNINGS
    )


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
    options = jsonschema_rs.RegexOptions()
    if not jsonschema_rs.is_valid({"pattern": pattern}, instance, pattern_options=options):
        yield ValidationError("pattern")


_VALIDATOR: type[Validator] = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"pattern": _match_pattern}
)
