"""Whose word is believed about what a log has signed: that of its key, of a quorum, of many."""

import pytest

from did_service.client.answers import HttpAnswer
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.errors import NotFoundError, UnavailableError
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.note import NoteSigner, parse_note
from did_service.core.log.policy import LogPolicy, PolicyLog
from did_service.registry.shown import heads_shown, silent_witnesses
from tests.support.founding import log_policy, log_signer, witness

REG = "gd.example/reg"
FORMER = NoteSigner(REG, SigningKey(b"f" * 32))
STRANGER = NoteSigner(REG, SigningKey(b"x" * 32))
HERE = log_policy(REG)
POLICY = LogPolicy(
    (*HERE.logs, PolicyLog(FORMER.verifier_key, None)), HERE.witnesses, HERE.quorum
)
HEAD, TRUE = Checkpoint(REG, 2**40, b"r" * 32), Checkpoint(REG, 7, b"t" * 32)


def signed(head, key, *cosigners):
    note = sign_checkpoint(head, key)
    lines = [witness(each).cosign(parse_note(note).text, 1) for each in cosigners]
    return parse_note(note).with_lines([*parse_note(note).signatures, *lines]).encode()


class Witnesses:
    """What each witness answers, by its region: a note, or why there is none."""

    def __init__(self, **notes):
        self.notes = notes

    def get(self, url, **_):
        said = self.notes.get(url.removeprefix("https://").partition(".")[0])
        if isinstance(said, Exception):
            raise said
        if said is None or not url.endswith("/held"):
            raise NotFoundError("nothing_held", "")
        return HttpAnswer(200, {}, said)


LOG_KEY = signed(HEAD, log_signer(REG))
STOLEN = signed(HEAD, FORMER)
PUBLISHED = signed(TRUE, FORMER, "hn", "zj", "sc")


@pytest.mark.parametrize(
    ("notes", "believed"),
    [
        ({"hn": LOG_KEY}, {"hn": HEAD}),
        ({"hn": STOLEN}, {}),
        ({"hn": STOLEN, "zj": STOLEN}, {"hn": HEAD, "zj": HEAD}),
        ({"hn": STOLEN, "zj": signed(TRUE, FORMER)}, {}),
        ({"hn": PUBLISHED, "zj": STOLEN}, {"hn": TRUE}),
        ({"hn": signed(TRUE, FORMER, "hn")}, {}),
        ({"hn": signed(HEAD, STRANGER), "zj": signed(HEAD, STRANGER)}, {}),
    ],
    ids=["log", "stolen", "two", "two heads", "quorum", "no quorum", "stranger"],
)
def test_one_liar_with_a_former_key_is_not_believed(notes, believed):
    shown = heads_shown(POLICY, POLICY.witnesses, Witnesses(**notes), REG, faults=1)
    assert shown == believed


@pytest.mark.parametrize(
    ("answer", "silent"),
    [
        (NotFoundError("nothing_held", ""), 1),
        (NotFoundError("path_unknown", ""), 0),
        (NotFoundError("peer_refused", ""), 0),
        (UnavailableError("guard_differs", ""), 0),
        (LOG_KEY, 0),
    ],
    ids=str,
)
def test_only_a_witness_that_says_so_has_signed_nothing(answer, silent):
    asked = [each for each in POLICY.witnesses if each.name == "hn"]
    assert silent_witnesses(asked, Witnesses(hn=answer), REG) == silent
