"""Check characters of Chinese administrative identifiers, from published examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.credentials import identifiers
from did_service.core.credentials.identifiers import LicenceCheck
from did_service.core.errors import MalformedError

ROOT = "1.2.156.3005.2."
CREDIT = ["91350100M000100Y43", "91512081MA62K0260E"]
CITIZEN = ["11010519491231002X", "440524188001010014"]
LICENCES = {
    "11100000000013338W011.11430000006122244L.20230000403.001.U": LicenceCheck.STANDARD,
    "11100000000013338W009.11330105002500287C.2025052201.002.0": LicenceCheck.STANDARD,
    "11100000MB03271699022.340100.000000016.001.9": LicenceCheck.STANDARD,
    "11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M": (
        LicenceCheck.OFF_BY_ONE
    ),
}


def refusal(check, text):
    with pytest.raises(MalformedError) as refused:
        check(text)
    assert text not in refused.value.message
    return refused.value.code


@pytest.mark.parametrize("code", CREDIT)
def test_published_credit_code_passes(code):
    identifiers.check_credit_code(code)
    identifiers.check_organisation_code(code[8:17])


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("91350100M000100Y44", "credit_code_check"),
        ("91350100M000100Y4", "credit_code_form"),
        ("9135010OM000100Y43", "credit_code_form"),
        ("91350100M000100Y43\n", "credit_code_form"),
        ("91350100M000100y43", "credit_code_form"),
    ],
)
def test_broken_credit_code_is_explained(code, why):
    assert refusal(identifiers.check_credit_code, code) == why


def test_organisation_code_inside_a_credit_code_is_checked_as_well():
    # The whole code's check character fits; that of the organisation code inside does not.
    assert refusal(identifiers.check_credit_code, "91350100M000100Y56") == (
        "organisation_code_check"
    )


def test_organisation_code_has_a_form():
    assert refusal(identifiers.check_organisation_code, "M000100Y") == "organisation_code_form"


@pytest.mark.parametrize("number", CITIZEN)
def test_published_citizen_number_passes_also_from_1880(number):
    identifiers.check_citizen_number(number)


@pytest.mark.parametrize("division", ["810000", "820000", "830000", "911156"])
def test_number_of_a_resident_from_elsewhere_passes(division):
    stem = division + "19900101001"
    fitting = [check for check in "0123456789X" if passes(stem + check)]
    assert len(fitting) == 1


def passes(number):
    try:
        identifiers.check_citizen_number(number)
    except MalformedError:
        return False
    return True


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("110105194912310021", "citizen_number_check"),
        ("11010519491231002x", "citizen_number_form"),
        ("01010519491231002X", "citizen_number_form"),
        ("11010519491331002X", "citizen_number_birth_date"),
        ("11010500001231002X", "citizen_number_birth_date"),
        ("11010517991231002X", "citizen_number_birth_date"),
        ("１1010519491231002X", "citizen_number_form"),
    ],
)
def test_broken_citizen_number_is_explained(number, why):
    assert refusal(identifiers.check_citizen_number, number) == why


@pytest.mark.parametrize("tail", ["42", "11", "74B1"])
def test_a_disability_card_number_begins_with_a_citizen_number(tail):
    identifiers.check_disability_card_number(CITIZEN[0] + tail)
    wrong = CITIZEN[0][:-1] + "1"
    found = refusal(identifiers.check_disability_card_number, wrong + tail)
    assert found == "citizen_number_check"


@pytest.mark.parametrize("tail", ["", "4", "82", "45", "42B", "42\n", "42b1", "422"])
def test_category_and_grade_of_a_disability_card_are_known(tail):
    found = refusal(identifiers.check_disability_card_number, CITIZEN[0] + tail)
    assert found == "disability_card_form"


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(position, shift):
    number = CITIZEN[0]
    wrong = str((int(number[position]) + shift) % 10)
    assert not passes(number[:position] + wrong + number[position + 1 :])


@pytest.mark.parametrize(("identifier", "rule"), LICENCES.items())
def test_published_licence_identifier_names_its_rule(identifier, rule):
    assert identifiers.check_licence_identifier(ROOT + identifier) is rule


@pytest.mark.parametrize(
    ("identifier", "why"),
    [
        (ROOT + "11100000000013338W011.11430000006122244L.20230000403.001.V", "check"),
        (ROOT + "11100000000013338W011.11430000006122244L.20230000403.01.U", "form"),
        ("1.2.3.11100000000013338W011.11430000006122244L.20230000403.001.U", "form"),
    ],
)
def test_broken_licence_identifier_is_explained(identifier, why):
    found = refusal(identifiers.check_licence_identifier, identifier)
    assert found == f"licence_identifier_{why}"
