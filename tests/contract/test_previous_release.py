"""What we make today, judged by the releases that are in use: each wheel of tests/data.

A release accepts what it knows, whatever stands beside it, and says of the rest that it cannot
tell, and which part that is. It never refuses what is sound, and nothing makes it fail.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from tests.support import questions as q
from tests.support.counter import Scene
from tests.support.desk import SECOND, Run
from tests.support.dids import Controller
from tests.support.optional import CHECKOUT
from tests.support.released import WHEELS, Release

pytestmark = [pytest.mark.clock, pytest.mark.offline]

ACCEPTED, REFUSED, UNDECIDED = 0, 1, 5
FIRST_KEPT = (0, 2, 0)
LATER = 60  # seconds after a scene was made, when all of them are judged


@dataclass(frozen=True)
class Right:
    """The right answer: exit code, and a code that stands in the report, with its detail.

    Attributes:
        in_0_2: The code that release 0.2.0 had instead.
    """

    exit: int
    code: str
    detail: str = ""
    in_0_2: str = ""

    def code_of(self, release: Release) -> str:
        return self.in_0_2 if self.in_0_2 and release.number < (0, 3, 0) else self.code


Cases = Mapping[str, tuple[Callable[[Scene], q.Question], Right]]

KNOWN: Cases = {
    "a permit with eddsa-jcs-2022": (q.answered, Right(ACCEPTED, "holder_proven")),
    "a permit with eddsa-rdfc-2022": (q.with_rdfc, Right(ACCEPTED, "holder_proven")),
    "presented with eddsa-rdfc-2022": (
        q.presented_with_rdfc,
        Right(ACCEPTED, "holder_proven"),
    ),
    "evidence in a bundle": (q.from_bundle, Right(ACCEPTED, "holder_not_asked")),
    "an ended agency": (
        q.issued_while_authorised,
        Right(ACCEPTED, "issued_while_authorised"),
    ),
    "the next policy": (q.by_next_policy, Right(ACCEPTED, "policy_current")),
    "revoked": (q.revoked, Right(REFUSED, "revoked")),
    "expired": (q.expired, Right(REFUSED, "expired")),
    "an old staple": (q.stale, Right(UNDECIDED, "status_stale")),
}
# What no release knows yet. Where it stands beside what is known, that counts all the same.
FUTURE: Cases = {
    "a piece of a bundle": (
        lambda scene: q.from_bundle(scene, b'{"later":{"n":1}}'),
        Right(ACCEPTED, "evidence_left_out", "piece_unknown"),
    ),
    "a member of an item": (
        q.items_say_more,
        Right(ACCEPTED, "evidence_left_out", "member_unknown"),
    ),
    "a cosignature": (q.cosigned_by_more, Right(ACCEPTED, "log_witnessed")),
    "a member of a staple": (
        q.staple_says_more,
        Right(UNDECIDED, "evidence_dropped", "member_unknown"),
    ),
    "a member of a file": (q.file_says_more, Right(UNDECIDED, "malformed", "member_unknown")),
    "a suite": (
        lambda scene: q.with_proof(scene, cryptosuite="later-jcs"),
        Right(UNDECIDED, "proof_unsupported", "cryptosuite_not_accepted", in_0_2="unsupported"),
    ),
    "a type of proof": (
        lambda scene: q.with_proof(scene, type="LaterProof"),
        Right(UNDECIDED, "proof_unsupported", "proof_type_unknown", in_0_2="unsupported"),
    ),
    "a DID method": (
        lambda scene: q.held_by(scene, "did:later:1"),
        Right(
            UNDECIDED, "holder_proof_unsupported", "did_method_unknown", in_0_2="unsupported"
        ),
    ),
    "a context": (q.another_context, Right(UNDECIDED, "unsupported", "context_unknown")),
    "a form of status": (
        q.another_status,
        Right(UNDECIDED, "status_unsupported", "status_type_unknown"),
    ),
}
# The same in what logs hold, which a release answers so from docs/adr/0029 on.
READ_FORWARD: Cases = {
    "a type of entry": (
        q.of_another_type,
        Right(ACCEPTED, "evidence_of_other_type", "later"),
    ),
    "a member of a heads entry": (q.heads_say_more, Right(ACCEPTED, "status_clear")),
    "rules of a policy": (
        lambda scene: q.by_next_policy(scene, rules=2),
        Right(ACCEPTED, "policy_current"),
    ),
    "a member of the newest statement": (
        q.next_statement,
        Right(UNDECIDED, "authority_missing", "member_unknown"),
    ),
    "a kind of the newest schema": (
        q.next_schema,
        Right(UNDECIDED, "schema_missing", "kind_unknown"),
    ),
    "an operation on a DID": (
        q.next_did,
        Right(UNDECIDED, "issuer_evidence_missing", "op_not_supported"),
    ),
    "a kind of status list": (
        q.next_list,
        Right(UNDECIDED, "status_missing", "kind_unknown"),
    ),
}
CASES: Cases = {**KNOWN, **FUTURE, **READ_FORWARD}


@pytest.fixture(scope="module", params=WHEELS, ids=lambda wheel: wheel.stem.split("-")[1])
def release(request, tmp_path_factory) -> Release:
    return Release.unpacked(request.param, tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def answers(release, tmp_path_factory) -> Mapping[str, Run]:
    """How the release ended with each case: all are made, and then judged in one process."""
    folder = tmp_path_factory.mktemp("questions")
    lines = []
    for number, (ask, _) in enumerate(CASES.values()):
        scene = Scene()
        scene.fed.tick()
        scene.publish()
        question = ask(scene)
        alone = [] if question.asked else release.document_alone
        lines.append([*question.words(folder / str(number)), *alone])
    return dict(zip(CASES, release.did_verify(lines, SECOND + LATER), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_a_release_in_use_gives_the_right_answer(release, answers, name):
    right, run = CASES[name][1], answers[name]
    code = right.code_of(release)
    assert run.exit == right.exit, run.out + run.err
    checks = run.report["checks"]
    assert any(each["code"] == code and right.detail in told(each) for each in checks)
    assert not [each["code"] for each in checks if each["code"].endswith("_fault")]
    refused = [each["code"] for each in checks if each["result"] == "failed"]
    assert refused == ([code] if right.exit == REFUSED else [])


def test_a_counter_in_use_takes_policies_bundles_and_did_logs(release, tmp_path):
    scene = Scene()
    scene.fed.tick()
    scene.publish()
    policies = {"first": scene.fed.policy, "next": scene.fed.next_policy()}
    for name, policy in policies.items():
        (tmp_path / name).write_text(json.dumps(policy.members))
    question = q.from_bundle(scene, b'{"later":{"n":1}}')
    (tmp_path / "shown").write_bytes(question.shown)
    (tmp_path / "bundle").write_bytes(question.bundle)
    (tmp_path / "did.jsonl").write_bytes(Controller.create().log)
    trust = ("--trust", tmp_path / "trust")
    fingerprint = ("--fingerprint", scene.fed.policy.fingerprint)
    lines = [
        ("trust", "pin", tmp_path / "first", *fingerprint, *trust),
        ("trust", "import", tmp_path / "bundle", *trust),
        ("check", tmp_path / "shown", *release.document_alone, *trust),
        ("trust", "pin", tmp_path / "next", *trust),
        ("check", tmp_path / "shown", *release.document_alone, *trust),
        ("trust", "show", *trust),
        ("did", tmp_path / "did.jsonl"),
    ]
    runs = release.did_verify(lines, SECOND + LATER)
    assert [run.exit for run in runs] == [0] * len(lines), [run.err for run in runs]


def test_the_wheel_of_each_release_is_kept():
    page = (CHECKOUT / "CHANGELOG.md").read_text()
    numbers = re.findall(r"^## \[(\d+)\.(\d+)\.(\d+)\]", page, re.MULTILINE)
    releases = [number for number in numbers if tuple(map(int, number)) >= FIRST_KEPT]
    kept = {wheel.name for wheel in WHEELS}
    assert {f"did_service-{'.'.join(each)}-py3-none-any.whl" for each in releases} == kept


def told(check: dict) -> str:
    """The detail of a finding; in 0.2.0 it has no member of its own and closes the sentence."""
    if "message" not in check:
        return check.get("detail") or ""
    found = re.search(r"\((.*)\)$", check["message"]["en"])
    return "" if found is None else found[1]
