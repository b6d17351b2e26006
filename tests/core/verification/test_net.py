"""The last net: a fault of ours in one step leaves that step undecided, and a report comes."""

import asyncio

import pytest

from did_service.core.verification import verify
from did_service.core.verification.codes import FAULTS as FAULT_CODES
from did_service.core.verification.report import Outcome
from tests.support.counter import all_codes, codes, request

pytestmark = pytest.mark.offline

# What a library in Rust raises when it panics; pyo3 gives nobody the class itself.
PANIC = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
FAULTS = [RuntimeError, RecursionError, MemoryError, KeyError, PANIC]
PARTS = {
    "parse_presented": 1,
    "summary_of": 1,
    "check_policy": 2,
    "verify_evidence": 3,
    "check_log": 3,
    "find_issuer": 4,
    "check_proof": 5,
    "find_authority": 6,
    "check_authority": 6,
    "check_schemas": 7,
    "check_time": 8,
    "check_status": 9,
    "check_holders": 10,
    "check_freshness": 13,
}


def broken(kind):
    def fail(*_given, **_named):
        raise kind("claims of 王芳")

    return fail


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("part", PARTS)
def test_fault_in_a_step_is_undecided_there_and_says_nothing_of_what_was_shown(
    scene, monkeypatch, part, fault
):
    data = scene.file()
    monkeypatch.setattr(verify, part, broken(fault))
    report = scene.check(data=data)
    named = [check for check in report.checks if check.code in FAULT_CODES]
    assert [(check.step, check.detail) for check in named] == [(PARTS[part], fault.__name__)]
    assert report.outcome is Outcome.UNDECIDED
    assert "王芳" not in report.to_bytes().decode()


@pytest.mark.parametrize("part", [part for part, step in PARTS.items() if step > 3])
def test_fault_in_a_step_hides_no_other(scene, monkeypatch, part):
    """Every other step has its say, a refusal too."""
    late = {"clock": scene.clock(400 * 86_400), "request": request(nonce="other")}
    data = scene.file()
    good = set(codes(scene.check(data=data, **late)))
    monkeypatch.setattr(verify, part, broken(RuntimeError))
    report = scene.check(data=data, **late)
    assert report.outcome is Outcome.REFUSED
    assert {"expired", "nonce_unknown"} <= good
    assert {"expired", "nonce_unknown"} & set(codes(report))
    assert {check.step for check in report.checks} == set(range(1, 14))


def test_what_was_found_before_a_fault_is_kept(scene, monkeypatch):
    def half(case, schemas):
        yield from found(case, schemas)
        raise RuntimeError

    found = verify.check_status
    monkeypatch.setattr(verify, "check_status", half)
    report = scene.check()
    assert "status_clear" in all_codes(report)
    assert codes(report) == ["status_fault"]


@pytest.mark.parametrize(
    "leaving", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError]
)
@pytest.mark.parametrize("part", PARTS)
def test_whoever_wants_to_leave_is_not_held(scene, monkeypatch, part, leaving):
    data = scene.file()
    monkeypatch.setattr(verify, part, broken(leaving))
    with pytest.raises(leaving):
        scene.check(data=data)
