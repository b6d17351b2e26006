"""The front door for programs of others: bytes in, a report out.

    report = verify(presented, policy=…, bundles=[…], nonce=…, audience=…)
    if report: …            # only what is accepted without limits is true

It reads no file, reaches no network and remembers nothing. What a counter has to remember (that
a nonce was answered, which trees and policies it has seen) is kept by `did_service.verifier`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from did_service.core.anchor.bodies.policy import Policy, check_signed, parse_policy
from did_service.core.encoding import strict_json
from did_service.core.encoding.timestamps import MAX_POSIX_SECONDS, to_posix
from did_service.core.errors import DidServiceError, UsageError
from did_service.core.evidence.bundle import parse_bundle
from did_service.core.verification.report import NowFrom, Outcome, Report
from did_service.core.verification.request import Clock, Request
from did_service.core.verification.verify import verify as judge
from did_service.program.clock import SYSTEM

__all__ = ["DidServiceError", "Outcome", "Report", "verify"]


def verify(
    presented: bytes,
    *,
    policy: bytes,
    nonce: str,
    audience: str,
    bundles: Iterable[bytes] = (),
    now: datetime | None = None,
) -> Report:
    """Verify what a holder presents in answer to a challenge of the caller's.

    Evidence may be as old as the policy's tier `day` allows. For another tier, a service item,
    a document without its holder, or a memory, call `core.verification.verify` itself.

    Args:
        presented: The file or answer as it came: a presentation, with its staple or without.
        policy: The pinned policy file, the one thing that is believed. It must come from a
            place that no holder can write to; its fingerprint was compared when it came in.
        nonce: The challenge that this holder was given. The caller draws a fresh one for each
            holder and accepts it once: nothing is remembered here.
        audience: Whom the answer must be meant for: the caller's own name, as the holder was
            shown it.
        bundles: Trust bundles or evidence sets that the caller was given beforehand. Of each
            statement the newest that is proven counts, the staple's or theirs.
        now: The time to judge by, aware; the machine's clock where it is not given. The report
            says which.

    Returns:
        The report, true only where everything is accepted without limits. Nothing in
        `presented`, whatever it is, makes this raise.

    Raises:
        MalformedError: `policy` or one of `bundles` is not what its format says, or is larger
            or newer than this release takes.
        PolicyError: The policy is unsound, or bears too few signatures of its own governance.
        UsageError: `nonce_absent`, `audience_absent` or `now_invalid`.
    """
    _check_words(nonce, audience, now)
    pinned = _pinned(policy)
    evidence = [(f"bundle {at}", parse_bundle(data)) for at, data in enumerate(bundles, 1)]
    report = judge(
        presented,
        policy=pinned,
        evidence=evidence,
        request=Request(nonce=nonce, audience=audience),
        clock=Clock(SYSTEM.clock()) if now is None else Clock(now, NowFrom.GIVEN),
    )
    return replace(report, unsafe=(*report.unsafe, "nothing_remembered"))


def _check_words(nonce: str, audience: str, now: datetime | None) -> None:
    """Refuse a question that would prove no holder, or is asked at no certain time."""
    if not nonce:
        raise UsageError("nonce_absent", "without a nonce nothing shows who presents")
    if not audience:
        raise UsageError("audience_absent", "without an audience an answer to others would do")
    if now is not None and (now.tzinfo is None or to_posix(now) > MAX_POSIX_SECONDS):
        raise UsageError("now_invalid", "`now` has no time zone, or lies beyond the year 9999")


def _pinned(policy: bytes) -> Policy:
    pinned = parse_policy(strict_json.loads(policy))
    check_signed(pinned, pinned)
    return pinned
