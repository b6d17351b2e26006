"""Rules of `didweb` entries: an observation, signed by somebody who may observe.

A did:web has no home among the logs and no history: its owner may serve anything at any time,
and two readers two things at once. An observation fixes what one office saw, when. It makes
the DID no signer in any log, and supports no answer of a verifier.
"""

from __future__ import annotations

from did_service.core.anchor.bodies.didweb import DidWebBody, parse_didweb_body
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.grants import ForeignGranter, Grants
from did_service.core.anchor.rules.streams import check_around
from did_service.core.anchor.view import (
    LogPrefix,
    LogView,
    RuleContext,
    at_home_in,
    signers_of,
)
from did_service.core.crypto.hashes import sha256
from did_service.core.did.web import check_web_document
from did_service.core.errors import LimitError, RuleError, UnavailableError, quote
from did_service.core.limits import (
    MAX_DID_WEB_BYTES,
    MAX_SUBMISSION_SECONDS,
)


def check(entry: Entry, former: LoggedEntry | None, log: LogView, world: RuleContext) -> None:
    """Check a `didweb` entry.

    Raises:
        RuleError: `observed_at_wrong`, `digest_wrong`, `signer_wrong`, `signer_unknown`,
            `role_missing`.
        UnavailableError: `content_missing`, `log_not_mirrored`.
        UnsupportedError, LimitError, ProofError, MalformedError: not a did:web, its document
            or a signature.
    """
    body = parse_didweb_body(entry.body)
    _check_document(entry, world)
    earliest = entry.at - MAX_SUBMISSION_SECONDS
    if former is not None:
        earliest = max(earliest, parse_didweb_body(former.entry.body).at + 1)
    if not earliest <= body.at <= entry.at:
        raise RuleError("observed_at_wrong", "at is no second between the last one and now")
    check_around(entry, log, world, lambda control: _observer(entry, body, control, world))


def _check_document(entry: Entry, world: RuleContext) -> None:
    content = world.content(entry.digest or b"")
    if content is None:
        raise UnavailableError("content_missing", "the document did not come with the entry")
    if len(content) > MAX_DID_WEB_BYTES:
        raise LimitError("too_large", f"a did.json of {len(content)} bytes")
    if sha256(content) != entry.digest:
        raise RuleError("digest_wrong", "d is not the digest of the document")
    check_web_document(entry.subject, content)


def _observer(entry: Entry, body: DidWebBody, control: LogPrefix, world: RuleContext) -> None:
    """The observer has signed, and is a root or holds any grant: strangers fill no log."""
    homes = at_home_in(control, world)
    if body.observer not in signers_of(entry, homes):
        raise RuleError("signer_wrong", "the observer has not signed")
    if world.policy.region_of_root(body.observer) is not None:
        return
    grants = Grants(world.policy, homes, ForeignGranter.ENOUGH, entry.at)
    if not any(grants.standing(body.observer)):
        raise RuleError("role_missing", f"{quote(body.observer)} holds no authority here")
