"""JSON Schema (draft 2020-12) over credentials and files: accepted fast, refused with reasons.

jsonschema-rs says whether an instance fits; only when it does not, jsonschema says why. Schemas
are foreign text: they are bounded, may refer to themselves alone, and their patterns run in
linear time. Formats that matter are judged by code of ours, the same for both engines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import jsonschema
import jsonschema_rs
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

from did_service.core.credentials import identifiers
from did_service.core.credentials.members import is_url
from did_service.core.encoding import jcs, strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import LimitError, MalformedError, UnsupportedError, quote
from did_service.core.limits import MAX_SCHEMA_BYTES, MAX_SCHEMA_VIOLATIONS, MAX_SCHEMAS_CACHED

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# A failing credit code warns: real codes with a wrong check character are in use.
WARNING_FORMAT = "credit-code"
# Keywords about member names: their messages name members and show no values.
_NAMING = frozenset({"required", "dependentRequired", "additionalProperties"})


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which an instance does not fit.

    Attributes:
        path: JSON Pointer into the instance.
        keyword: The schema keyword that was not met.
        message: What was expected, never the value found: it may be personal data.
    """

    path: str
    keyword: str
    message: str


def check(schema: JsonObject, instance: JsonValue) -> tuple[Violation, ...]:
    """Say how an instance fails a schema; empty when it fits.

    Raises:
        MalformedError: `schema_invalid`.
        UnsupportedError: `schema_unsupported` for another dialect, a reference to elsewhere, or
            a keyword that is not taken.
        LimitError: `too_large`.
    """
    accepts, explain = _compiled(_canonical(schema))
    if accepts.is_valid(instance):
        return ()
    found = tuple(_violations(explain, instance))
    return found or (Violation("", "", "the instance does not fit the schema"),)


def warn(schema: JsonObject, instance: JsonValue) -> tuple[Violation, ...]:
    """Say which credit codes have a wrong check character; errors as `check`."""
    _, explain = _compiled(_canonical(schema))
    warner = explain.evolve(format_checker=_WARNINGS)
    return tuple(
        violation
        for error, violation in _explained(warner, instance)
        if error.validator == "format" and error.validator_value == WARNING_FORMAT
    )


def check_schema(schema: JsonObject) -> None:
    """Check that a schema may be used at all; errors as `check`."""
    _compiled(_canonical(schema))


def _canonical(schema: JsonObject) -> bytes:
    data = jcs.encode(schema)
    if len(data) > MAX_SCHEMA_BYTES:
        raise LimitError("too_large", f"a schema of {len(data)} bytes")
    return data


@lru_cache(maxsize=MAX_SCHEMAS_CACHED)
def _compiled(canonical: bytes) -> tuple[jsonschema_rs.Draft202012Validator, Validator]:
    schema = strict_json.load_object(canonical, numbers=strict_json.Numbers.FINITE)
    if schema.get("$schema") != DIALECT:
        raise UnsupportedError("schema_unsupported", f"$schema is not {DIALECT}")
    _check_keywords(schema)
    try:
        jsonschema_rs.meta.validate(schema)
        accepts = jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            formats={name: _passes(judge) for name, judge in _FORMATS.items()},
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(),
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise MalformedError("schema_invalid", f"not a JSON Schema: {quote(error)}") from error
    return accepts, _EXPLAINER(schema, format_checker=_REFUSALS)


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


def _violations(explain: Validator, instance: JsonValue) -> Iterator[Violation]:
    for count, (_, violation) in enumerate(_explained(explain, instance)):
        if count == MAX_SCHEMA_VIOLATIONS:
            return
        yield violation


def _explained(
    explain: Validator, instance: JsonValue
) -> Iterator[tuple[ValidationError, Violation]]:
    for error in explain.iter_errors(instance):
        path = "".join(f"/{_pointer(part)}" for part in error.absolute_path)
        yield error, Violation(path, str(error.validator or "false"), _expectation(error))


def _expectation(error: ValidationError) -> str:
    if isinstance(error.cause, MalformedError):
        return error.cause.message
    if error.validator in _NAMING:
        return quote(error.message)
    return f"{error.validator} {quote(error.validator_value)}"


def _pointer(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _check_date(text: str) -> None:
    _check_time(f"{text}T00:00:00Z")


def _check_time(text: str) -> None:
    try:
        timestamps.parse(text)
    except MalformedError as error:
        raise MalformedError(error.code, "not a date or time of the calendar") from error


def _check_url(text: str) -> None:
    if not is_url(text):
        raise MalformedError("member_invalid", "not an absolute URL")


def _check_did(text: str) -> None:
    if not is_url(text) or not text.startswith("did:") or set("/?#") & {*text}:
        raise MalformedError("member_invalid", "not a DID")


def _check_licence(text: str) -> None:
    identifiers.check_licence_identifier(text)


_Judge = Callable[[str], None]

_FORMATS: Mapping[str, _Judge] = {
    "date": _check_date,
    "date-time": _check_time,
    "uri": _check_url,
    "did": _check_did,
    "citizen-number": identifiers.check_citizen_number,
    "organisation-code": identifiers.check_organisation_code,
    "licence-identifier": _check_licence,
}


def _passes(judge: _Judge) -> Callable[[str], bool]:
    def passes(text: str) -> bool:
        try:
            judge(text)
        except MalformedError:
            return False
        return True

    return passes


def _format_checker(judges: Mapping[str, _Judge]) -> jsonschema.FormatChecker:
    checker = jsonschema.FormatChecker(formats=())
    for name, judge in judges.items():
        checker.checkers[name] = (_judged(judge), MalformedError)
    return checker


def _judged(judge: _Judge) -> Callable[[object], bool]:
    def judged(value: object) -> bool:
        if isinstance(value, str):
            judge(value)
        return True

    return judged


def _match_pattern(
    _: object, pattern: str, instance: JsonValue, __: JsonObject
) -> Iterator[ValidationError]:
    """Explain `pattern` by the linear engine: Python's own can be made to run for years."""
    options = jsonschema_rs.RegexOptions()
    if not jsonschema_rs.is_valid({"pattern": pattern}, instance, pattern_options=options):
        yield ValidationError("pattern")


_EXPLAINER: type[Validator] = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"pattern": _match_pattern}
)
_REFUSALS = _format_checker(_FORMATS)
_WARNINGS = _format_checker({WARNING_FORMAT: identifiers.check_credit_code})
