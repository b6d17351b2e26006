"""The questions of a counter: given out once, found again by themselves in what is presented.

    give_out ─► request file ─► wallet ─► presentation ─► question_of: which one is answered

The nonce (核验码) is in the holder's signature, so the file itself says which question it
answers: nobody types it again. What the file says is a claim until step 10 has judged it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64
from did_service.core.errors import DidServiceError
from did_service.core.limits import (
    MAX_ASKED_CHARACTERS,
    MAX_CHALLENGES_SOUGHT,
    NONCE_LIFETIME_SECONDS,
)
from did_service.core.verification.request import NO_QUESTION, NonceState, Request
from did_service.program.environment import Environment
from did_service.verifier.directory import TrustDirectory, fresh_nonce
from did_service.verifier.memory import OPEN, Memory, Nonce

if TYPE_CHECKING:
    from did_service.core.openid.request_object import RequestObject

_STATE_LABEL = b"didsvc-state/1\0"
_STATE_BYTES = 8  # openid.md 6.2: 64 bits
_CHALLENGE = re.compile(rb'"challenge"\s*:\s*"([A-Za-z0-9._~-]{1,%d})"' % MAX_ASKED_CHARACTERS)


def request_for(nonce: str, audience: str, item: str | None, issued: datetime) -> RequestObject:
    """Return the request that a wallet reads, open for a day.

    Raises:
        MalformedError: `member_invalid`: no name of a counter, or of a service item.
    """
    from did_service.core.openid.request_object import (  # noqa: PLC0415 - to ask, not to check
        RequestObject,
        check_client_id,
        check_scope,
    )

    check_client_id(audience)
    if item is not None:
        check_scope(item)
    expires = issued + timedelta(seconds=NONCE_LIFETIME_SECONDS)
    return RequestObject(audience, nonce, issued, expires, state_of(nonce), item)


def state_of(nonce: str) -> str:
    """Return the name of a question that may stand outside a sealed answer.

    It follows from the nonce and does not tell it, so that nothing more must be remembered.
    """
    return b64.encode_url(sha256(_STATE_LABEL + nonce.encode())[:_STATE_BYTES])


def give_out(
    directory: TrustDirectory,
    env: Environment,
    audience: str,
    item: str | None = None,
    now: datetime | None = None,
) -> RequestObject:
    """Ask something that this directory takes one answer to, and remember it.

    Args:
        directory: Whose question it is.
        env: Clock and randomness.
        audience: The counter's name, which the answer must be made for.
        item: The service item that it is asked for.
        now: By which time, if not by the clock.

    Raises:
        MalformedError: `member_invalid`: no name of a counter, or of a service item.
        UnavailableError: `nonces_exhausted`.
    """
    request_for(NO_QUESTION, audience, item, env.clock)  # refuse the names before remembering
    with directory.locked():
        directory.change(lambda memory: replace(memory.in_boot(env.boot), audience=audience))
        # Never before the floor, or a clock set back would keep old questions open.
        instant = now or env.clock
        instant = max(instant, directory.memory().floor or instant)
        nonce = directory.new_challenge(instant, env.rng, audience, item)
    return request_for(nonce, audience, item, instant)


def unremembered(
    env: Environment, audience: str, item: str | None, now: datetime
) -> RequestObject:
    """Ask something without a directory: nobody will notice a second answer."""
    return request_for(fresh_nonce(env.rng), audience, item, now)


def claimed_by(presented: bytes) -> tuple[str, ...]:
    """Return the codes that a file says it answers; nothing of it is proven yet.

    They are read from the presentations' own proofs. Of a file that cannot be read nothing is
    decided: there the bytes are searched, so that its report can name the question.
    """
    from did_service.core.verification.presented import (  # noqa: PLC0415 - to check, not to ask
        challenges_in,
    )

    try:
        return challenges_in(presented)
    except DidServiceError:
        found = islice(_CHALLENGE.finditer(presented), MAX_CHALLENGES_SOUGHT)
        return tuple(dict.fromkeys(each[1].decode() for each in found))


def question_of(found: Sequence[str], request: Request, memory: Memory) -> Request:
    """Return the request with the question of ours that a file says it answers.

    A file that answers none is held to a question that nothing can answer. One for another
    counter is told by this counter's own name, the one that it asked under last. Of several
    that were asked here, it is the first that is still open.

    Args:
        found: As `claimed_by` returns it.
        request: What is wanted besides.
        memory: Of this counter.
    """
    asked = {text: each for text in found if (each := memory.nonce(text)) is not None}
    if asked:
        text = min(asked, key=lambda each: asked[each].state != OPEN)
        return remembering(_judged_by(request, text, asked[text]), memory)
    nonce = found[0] if found else NO_QUESTION
    return request._replace(
        nonce=nonce,
        audience=memory.audience,
        nonce_state=NonceState.UNKNOWN,
        item=None,
    )


def _judged_by(request: Request, nonce: str, asked: Nonce) -> Request:
    """Return the request with the counter and the item that a question was asked for.

    An item that the caller names decides nothing: it must be the same one (step 12).
    """
    return request._replace(
        nonce=nonce, audience=asked.audience, item=asked.item, errand=request.item
    )


def remembering(request: Request, memory: Memory) -> Request:
    """Add what is remembered of the question; whether its day is over, step 10 judges."""
    asked = None if request.nonce is None else memory.nonce(request.nonce)
    if request.nonce is None:
        return request
    if asked is None:
        return request._replace(nonce_state=NonceState.UNKNOWN)
    return request._replace(
        state=state_of(request.nonce),
        nonce_state=NonceState(asked.state),
        nonce_until=asked.expires,
    )
