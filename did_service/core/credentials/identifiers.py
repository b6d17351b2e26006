"""Chinese administrative identifiers and their check characters (ISO 7064 and older rules).

GB 32100 credit code, GB 11714 organisation code, GB 11643 citizen number, GB/T 36904 licence
identifier (its rule inferred from published identifiers).

Each check returns nothing or raises with the rule and the position that do not fit, never the
identifier itself: a citizen number in an error is a citizen number in a log.
"""

from __future__ import annotations

import re
from datetime import date
from enum import Enum
from typing import NoReturn

from did_service.core.errors import MalformedError

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, Z, S, V
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS = "10X98765432"  # ISO 7064 MOD 11-2, by the weighted sum modulo 11
_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LICENCE_ROOT = "1.2.156.3005.2."

_CREDIT = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_ORGANISATION = re.compile(r"[0-9A-Z]{8}[0-9X]")
_CITIZEN = re.compile(r"[1-9][0-9]{16}[0-9X]")
_DISABILITY_CARD = re.compile(r"[0-9X]{18}[1-7][1-4](?:B[0-9])?")
_LICENCE = re.compile(
    r"1\.2\.156\.3005\.2\.([0-9A-Z]{21})\.([0-9A-Z]{6,18})\.([0-9A-Z]+(?:\.[0-9A-Z]+)?)"
    r"\.([0-9]{3})\.([0-9A-Z])"
)


class LicenceCheck(Enum):
    """Which rule the check character of a licence identifier follows."""

    STANDARD = "iso7064-mod37-36"
    OFF_BY_ONE = "letters-from-11"  # seen in the field: A counts 11, not 10


def check_credit_code(code: str) -> None:
    """Check a unified social credit code (GB 32100-2015): 18 characters, two check characters.

    Real codes with a wrong check character exist, so callers treat `credit_code_check` as a
    warning; `credit_code_form` is always an error.

    Raises:
        MalformedError: `credit_code_form`, `credit_code_check` or `organisation_code_check`.
    """
    if not _CREDIT.fullmatch(code):
        _refuse("credit_code_form", "18 characters without I, O, Z, S, V; digits at 3 to 8")
    total = sum(map(_product, _CREDIT_WEIGHTS, map(_CREDIT_ALPHABET.index, code)))
    wanted = _CREDIT_ALPHABET[-total % 31]
    if code[17] != wanted:
        _refuse("credit_code_check", f"position 18 must be {wanted} (GB 32100, modulo 31)")
    check_organisation_code(code[8:17])


def check_organisation_code(code: str) -> None:
    """Check an organisation code without hyphen (GB 11714-1997): 9 characters.

    Raises:
        MalformedError: `organisation_code_form` or `organisation_code_check`.
    """
    if not _ORGANISATION.fullmatch(code):
        _refuse("organisation_code_form", "8 digits or capital letters and a check character")
    total = sum(map(_product, _ORGANISATION_WEIGHTS, map(_ALPHANUMERIC.index, code)))
    wanted = "0123456789X"[-total % 11]
    if code[8] != wanted:
        _refuse("organisation_code_check", f"position 9 must be {wanted} (GB 11714, modulo 11)")


def check_citizen_number(number: str) -> None:
    """Check a citizen number (GB 11643-1999): 18 characters.

    The division is that of registration and often no longer exists, so no table is asked;
    81, 82, 83 are permits of Hong Kong, Macao and Taiwan residents, 9 foreigners' cards.

    Raises:
        MalformedError: `citizen_number_form`, `citizen_number_birth_date` or
            `citizen_number_check`.
    """
    if not _CITIZEN.fullmatch(number):
        _refuse("citizen_number_form", "17 digits and a check character; position 1 is not 0")
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    try:
        born = date(year, month, day)
    except ValueError:
        born = date.min
    if born.year < 1800:
        _refuse("citizen_number_birth_date", "positions 7 to 14 are no date of birth")
    total = sum(map(_product, _CITIZEN_WEIGHTS, map(int, number[:17])))
    wanted = _CITIZEN_CHECKS[total % 11]
    if number[17] != wanted:
        _refuse("citizen_number_check", f"position 18 must be {wanted} (ISO 7064 MOD 11-2)")


def check_disability_card_number(number: str) -> None:
    """Check the number of a disability card: citizen number, category, grade, reissue.

    Raises:
        MalformedError: `disability_card_form`, or as `check_citizen_number`.
    """
    if not _DISABILITY_CARD.fullmatch(number):
        _refuse("disability_card_form", "18 characters, category 1 to 7, grade 1 to 4, B and n")
    check_citizen_number(number[:18])


def check_licence_identifier(identifier: str) -> LicenceCheck:
    """Check an electronic licence identifier (GB/T 36904) and say which rule it follows.

    Layout: root, licence type (21), issuing body, serial, version (3 digits), check character;
    the check covers all but root, dots and itself.

    Raises:
        MalformedError: `licence_identifier_form` or `licence_identifier_check`.
    """
    match = _LICENCE.fullmatch(identifier)
    if match is None:
        _refuse("licence_identifier_form", f"{_LICENCE_ROOT}TYPE.BODY.SERIAL.VERSION.CHECK")
    covered = "".join(match.groups()[:4]).replace(".", "")
    standard = _mod_37_36(covered)
    if match[5] == standard:
        return LicenceCheck.STANDARD
    if match[5] != _letters_from_11(covered):
        _refuse("licence_identifier_check", f"the last one must be {standard} (MOD 37,36)")
    return LicenceCheck.OFF_BY_ONE


def _mod_37_36(text: str) -> str:
    """Return the check character of ISO 7064 MOD 37,36 (hybrid system)."""
    product = 36
    for value in map(_ALPHANUMERIC.index, text):
        product = ((product + value) % 36 or 36) * 2 % 37
    return _ALPHANUMERIC[(37 - product) % 36]


def _letters_from_11(text: str) -> str:
    """Return the check character that a widespread faulty implementation writes.

    Letters count one too many, sums with a letter are first reduced by 37, and the result is
    read one place too early.
    """
    product = 36
    for character in text:
        value = _ALPHANUMERIC.index(character) + character.isalpha()
        total = product + value
        if value > 10 and total > 37:
            total -= 37
        product = (total % 36 or 36) * 2 % 37
    return _ALPHANUMERIC[36 - product]


def _product(weight: int, value: int) -> int:
    return weight * value


def _refuse(code: str, rule: str) -> NoReturn:
    raise MalformedError(code, rule)
