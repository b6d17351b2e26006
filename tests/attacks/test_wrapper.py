"""Attacks on what nobody signs: the file around the holder's presentation.

Whoever carries a file, or is asked to print it, can change its `state`, its query and its
staple, and can put more beside the answer. The answer itself stays as good as it was.
"""

import json

import pytest

from did_service.core.limits import MAX_CREDENTIALS_IN_PRESENTATION, MAX_PROOFS
from tests.support.counter import Scene
from tests.support.desk import COUNTER, Desk

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


# --- whose code is spent ----------------------------------------------------------------------


def _beside(file: dict, *more: dict) -> dict:
    return {**file, "vp_token": {"q": [*file["vp_token"]["q"], *more]}}


def _before(file: dict, *more: dict) -> dict:
    return {**file, "vp_token": {"q": [*more, *file["vp_token"]["q"]]}}


def _of_another(scene: Scene, nonce: str) -> dict:
    """What an accomplice signs: his own presentation of the same document."""
    return scene.present(holder=scene.fed.device("li"), nonce=nonce, audience=COUNTER)


def _signature_flipped(file: dict) -> dict:
    (shown,) = file["vp_token"]["q"]
    value = shown["proof"]["proofValue"]
    flipped = value[:-1] + ("2" if value[-1] != "2" else "3")
    return {"vp_token": {"q": [{**shown, "proof": {**shown["proof"], "proofValue": flipped}}]}}


CARRIED = {
    "another state": (lambda file, _: {**file, "state": "AAAAAAAAAAA"}, "undecided"),
    "another query": (
        lambda file, _: {**file, "vp_token": {"r": file["vp_token"]["q"]}},
        "undecided",
    ),
    "a copy": (lambda file, desk: _beside(file, desk.scene.credential), "refused"),
    "a copy before it": (lambda file, desk: _before(file, desk.scene.credential), "refused"),
    "a document that nobody signed": (
        lambda file, desk: _beside(file, desk.scene.unsigned()),
        "refused",
    ),
    "a copy in an unsigned presentation": (
        lambda file, desk: _beside(
            file, {**EMPTY, "verifiableCredential": [desk.scene.credential]}
        ),
        "refused",
    ),
    "another's answer to no code": (
        lambda file, desk: _beside(file, _of_another(desk.scene, "x" * 43)),
        "refused",
    ),
    "another's answer to an open code": (
        lambda file, desk: _before(file, _of_another(desk.scene, desk.challenge())),
        "refused",
    ),
    "another's answer to this code": (
        lambda file, desk: _before(
            file, _of_another(desk.scene, file["vp_token"]["q"][0]["proof"]["challenge"])
        ),
        "refused",
    ),
    "a flipped signature": (lambda file, _: _signature_flipped(file), "refused"),
}


@pytest.mark.parametrize("how", CARRIED)
def test_what_is_put_beside_an_answer_spends_no_code(desk, how):
    """What came out was no verdict on the answer; the true file is none that was used."""
    change, outcome = CARRIED[how]
    true = answer(desk)
    run = desk.check(saved(desk, change(true, desk)))
    assert run.report["outcome"] == outcome
    true_run = desk.check(saved(desk, true, "true.json"))
    assert (true_run.exit, true_run.codes) == (0, [])


@pytest.mark.parametrize("how", CARRIED)
def test_answer_is_accepted_once_whatever_stands_around_it(desk, how):
    change, _ = CARRIED[how]
    true = answer(desk)
    changed = saved(desk, change(true, desk))
    assert desk.check(saved(desk, true, "true.json")).exit == 0
    again = desk.check(changed)
    assert again.exit in (1, 5)
    assert again.report["outcome"] in ("refused", "undecided")
    spaced = desk.save("spaced.json", json.dumps(true, indent=1).encode())
    assert (desk.check(spaced).exit, desk.check(spaced).codes) == (1, ["nonce_used"])


def test_what_its_holder_signed_spends_its_code(desk):
    """A document that was changed and then signed by its holder, for this very code."""
    changed = {**desk.scene.credential, "validUntil": "2036-01-01T00:00:00Z"}
    shown = desk.scene.present(changed, nonce=desk.challenge(), audience=COUNTER)
    file = desk.save("signed.json", desk.scene.file(shown))
    assert desk.check(file).codes == ["proof_invalid"]
    assert desk.check(file).codes == ["answered_before"]
