"""The last net: a fault of ours in one step leaves that step undecided, and a report comes."""

import asyncio

import pytest

from did_service.core.verification import verify
from did_service.core.verification.codes import FAULTS as FAULT_CODES
from did_service.core.verification.codes import STEPS as STEP_NAMES
from did_service.core.verification.report import Outcome
from tests.support.counter import all_codes, codes, request

pytestmark = pytest.mark.offline

# What a library in Rust raises when it panics; pyo3 gives nobody the class itself.
PANIC = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
FAULTS = [RuntimeError, RecursionError, MemoryError, KeyError, PANIC]
PARTS = {
    "shape": ("shape.check", 1),
    "summary": ("summary_of", 1),
    "evidence": ("Verified.prove", 3),
    "tier": ("demand_of_item", 13),
    **{
        name: (name, STEP_NAMES.index(name) + 1)
        for name in (*verify.STEPS, *verify.STEPS_OF_ALL)
    },
}


def broken(kind):
    def fail(*_given, **_named):
        raise kind("claims of 王芳")

    return fail


def break_part(monkeypatch, part, fault):
    """Let a step raise; "time" is the one of each credential."""
    place, _ = PARTS[part]
    for table in (verify.STEPS, verify.STEPS_OF_ALL):
        if place in table:
            monkeypatch.setitem(table, place, broken(fault))
            return
    monkeypatch.setattr(f"{verify.__name__}.{place}", broken(fault))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("part", PARTS)
def test_fault_in_a_step_is_undecided_there_and_says_nothing_of_what_was_shown(
    scene, monkeypatch, part, fault
):
    data = scene.file()
    break_part(monkeypatch, part, fault)
    report = scene.check(data=data)
    named = [check for check in report.checks if check.code in FAULT_CODES.values()]
    assert [(check.step, check.detail) for check in named] == [(PARTS[part][1], fault.__name__)]
    assert report.outcome is Outcome.UNDECIDED
    assert "王芳" not in report.to_bytes().decode()


@pytest.mark.parametrize("part", [part for part, (_, step) in PARTS.items() if step > 3])
def test_fault_in_a_step_hides_no_other(scene, monkeypatch, part):
    """Every other step has its say, a refusal too."""
    late = {"clock": scene.clock(400 * 86_400), "request": request(nonce="other")}
    data = scene.file()
    good = set(codes(scene.check(data=data, **late)))
    break_part(monkeypatch, part, RuntimeError)
    report = scene.check(data=data, **late)
    assert report.outcome is Outcome.REFUSED
    assert {"expired", "nonce_unknown"} <= good
    assert {"expired", "nonce_unknown"} & set(codes(report))
    assert {check.step for check in report.checks} == set(range(1, 14))


def test_what_was_found_before_a_fault_is_kept(scene, monkeypatch):
    def half(context):
        yield from found(context)
        raise RuntimeError

    found = verify.STEPS["status"]
    monkeypatch.setitem(verify.STEPS, "status", half)
    report = scene.check()
    assert "status_clear" in all_codes(report)
    assert codes(report) == ["status_fault"]


@pytest.mark.parametrize(
    "leaving", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError]
)
@pytest.mark.parametrize("part", PARTS)
def test_whoever_wants_to_leave_is_not_held(scene, monkeypatch, part, leaving):
    data = scene.file()
    break_part(monkeypatch, part, leaving)
    with pytest.raises(leaving):
        scene.check(data=data)
