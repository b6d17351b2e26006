"""Literals that can be written in one way only: the leaves of `spelling`.

A text, a truth or a number stands as itself. Only a text with a language or a direction needs
an object; and only numbers that every implementation writes alike are taken (docs/adr/0021).
"""

from __future__ import annotations

from decimal import Decimal
from typing import NoReturn

from did_service.core.credentials.nquads import XSD_STRING
from did_service.core.credentials.term_tables import NUMERIC, Term
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import UnsupportedError, quote
from did_service.core.limits import MAX_SAFE_INTEGER

_OF_LITERALS = frozenset({"@value", "@language", "@direction"})


def refuse(why: str) -> NoReturn:
    """Refuse a spelling that is not the only one of its statements."""
    raise UnsupportedError("names_not_plain", why)


def check_literal(term: Term, literal: JsonObject) -> None:
    """Check an object that stands for a text with a language or direction."""
    value, language = literal["@value"], literal.get("@language", "")
    if (
        not literal.keys() <= _OF_LITERALS
        or len(literal) == 1
        or term.coercion != XSD_STRING
        or not all(isinstance(each, str) for each in literal.values())
        or not isinstance(value, str)
    ):
        refuse("a literal that could be written otherwise")
    if language != _as_written(str(language)):
        refuse(f"language {quote(language)} could be written otherwise")


def _as_written(tag: str) -> str:
    """Write a language tag as RFC 5646 §2.1.1 recommends: `zh-Hans-CN`; case is not signed."""
    first, *others = tag.split("-")
    parts, singleton = [first.lower()], False
    for part in others:
        singleton = singleton or len(parts[-1]) == 1
        forms = {2: part.upper(), 4: part.title()}
        parts.append(part.lower() if singleton else forms.get(len(part), part.lower()))
    return "-".join(parts)


def check_number(term: Term, value: float) -> None:
    """Check a number or truth: one that all implementations write alike, and only so."""
    if not isinstance(value, bool):
        if abs(value) > MAX_SAFE_INTEGER or not _has_one_text(value):
            raise UnsupportedError(
                "number_refused", "a number that others might sign otherwise"
            )
        if type(value) is float and value.is_integer():
            refuse("a whole number with a fraction")
    whole = isinstance(value, int) and not isinstance(value, bool)
    if term.coercion != XSD_STRING and not (whole and term.coercion in NUMERIC):
        refuse("a number where a text would do")


def _has_one_text(value: float) -> bool:
    """Say whether the canonical xsd:double of a fraction is that fraction (JSON-LD 1.1 §8.6).

    It has 16 digits. Some fractions need 17, and then two of them are signed alike; where the
    sixteenth digit is a toss-up, programs in other languages round the other way.
    """
    if isinstance(value, int):
        return True
    text = f"{value:.15e}"
    written = Decimal(text)
    half = Decimal(5).scaleb(written.adjusted() - 16)
    return float(text) == value and abs(Decimal(value) - written) != half
