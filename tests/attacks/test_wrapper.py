"""Attacks on what nobody signs: the file around the holder's presentation.

Whoever carries a file, or is asked to print it, can change its `state`, its query and its
staple, and can put more beside the answer. The answer itself stays as good as it was.
"""

import json

import pytest

from did_service.core.limits import MAX_CREDENTIALS_IN_PRESENTATION, MAX_PROOFS
from tests.support.counter import Scene
from tests.support.desk import Desk

pytestmark = pytest.mark.offline

MANY = MAX_CREDENTIALS_IN_PRESENTATION * MAX_PROOFS + 1
CODES = [{"challenge": f"code-of-nobody-{number}"} for number in range(MANY)]
EMPTY = {"type": ["VerifiablePresentation"], "@context": "https://www.w3.org/ns/credentials/v2"}


@pytest.fixture
def desk(tmp_path):
    scene = Scene()
    scene.publish()
    made = Desk(tmp_path, scene)
    made.pin()
    return made


def answer(desk: Desk) -> dict:
    """A new answer to a new code of this desk."""
    return json.loads(desk.shown(desk.challenge()).read_bytes())


def saved(desk: Desk, members: object, name: str = "changed.json"):
    return desk.save(name, json.dumps(members).encode())


# --- which code is answered -------------------------------------------------------------------


def _codes_in_the_staple(file: dict) -> dict:
    staple = {**file["staple"], "items": [*CODES, *file["staple"]["items"]]}
    return {"staple": staple, "vp_token": file["vp_token"]}


def _codes_beside_the_answer(file: dict) -> dict:
    others = {str(number): [{**EMPTY, "proof": code}] for number, code in enumerate(CODES)}
    return {**file, "vp_token": {**others, **file["vp_token"]}}


@pytest.mark.parametrize("changed", [_codes_in_the_staple, _codes_beside_the_answer])
def test_code_is_found_among_any_number_of_others(desk, changed):
    """More codes than are looked up stand before the holder's own, where nobody signs."""
    run = desk.check(saved(desk, changed(answer(desk))))
    assert (run.exit, run.codes) == (0, [])


def test_code_that_is_spelled_with_escapes_is_the_same(desk):
    nonce = desk.challenge()
    spelled = "".join(f"\\u{ord(character):04x}" for character in nonce)
    data = desk.shown(nonce).read_bytes().replace(nonce.encode(), spelled.encode())
    assert nonce.encode() not in data
    assert desk.check(desk.save("spelled.json", data)).exit == 0


def test_code_that_is_no_text_or_too_long_is_none(desk):
    for code in ("n" * 513, 7, None, ["n"], "\u0000'; DROP TABLE nonces"):
        file = answer(desk)
        file["vp_token"]["q"][0]["proof"]["challenge"] = code
        assert desk.check(saved(desk, file)).exit in (1, 5)
