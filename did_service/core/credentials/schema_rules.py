"""What both JSON Schema engines share: formats of ours, a violation, the end of a fault.

A format is judged by a function that raises `MalformedError` with the rule in its message, so
that a person reads which rule and position it was. Formats are judged where we issue; to
whoever verifies they are annotations (JSON Schema 2020-12 validation §7.2.1).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from did_service.core.credentials import identifiers
from did_service.core.credentials.members import is_url
from did_service.core.encoding import timestamps
from did_service.core.errors import (
    DidServiceError,
    MalformedError,
    UnsupportedError,
    kind_and_place,
)

Judge: TypeAlias = Callable[[str], None]


class Violation(NamedTuple):
    """One way in which an instance does not fit.

    Attributes:
        path: JSON Pointer into the instance.
        keyword: The schema keyword that was not met; empty when only the deciding engine knows.
        message: What was expected, never the value found: it may be personal data.
    """

    path: str
    keyword: str
    message: str


_PASSED_ON = (DidServiceError, KeyboardInterrupt, SystemExit)
UNEXPLAINED = Violation("", "", "the instance does not fit the schema")


class Engine:
    """Run an engine of others in it: whatever falls over there is a refusal of ours.

    A panic of jsonschema-rs arrives as pyo3's PanicException, which is no `Exception`.

    Raises:
        UnsupportedError: `schema_fault`.
    """

    __slots__ = ()

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, fault: BaseException | None, traceback: object) -> None:
        if fault is not None and not isinstance(fault, _PASSED_ON):
            raise UnsupportedError("schema_fault", kind_and_place(fault)) from fault


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


FORMATS: Mapping[str, Judge] = {
    "date": _check_date,
    "date-time": _check_time,
    "uri": _check_url,
    "did": _check_did,
    "citizen-number": identifiers.check_citizen_number,
    "disability-card-number": identifiers.check_disability_card_number,
    "organisation-code": identifiers.check_organisation_code,
    "licence-identifier": _check_licence,
}
# A failing credit code warns: real codes with a wrong check character are in use.
WARNINGS: Mapping[str, Judge] = {"credit-code": identifiers.check_credit_code}
