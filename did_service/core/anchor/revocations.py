"""What was revoked stays revoked: a list for revocation keeps each bit that its last one had.

From rules 2 on (`rules_number`). The agency's key can be stolen and its database restored from
an old backup; neither makes a revoked credential good again, as no judge lets the entry into
the log (threat rule 22). A list for suspension may clear what it has set.
"""

from __future__ import annotations

from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.view import RuleContext
from did_service.core.encoding import strict_json
from did_service.core.encoding.bitstring import BitstringStatusList
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import DidServiceError, RuleError, UnavailableError
from did_service.core.limits import MAX_JSON_BYTES, MAX_STATUS_CONTENT_BYTES

_REVOCATION = "revocation"  # a `statusPurpose` of W3C Bitstring Status List 1.0
SINCE = 2  # the number of the rules that brought this


def check_kept(entry: Entry, former: LoggedEntry | None, world: RuleContext) -> None:
    """Check that a status entry clears no bit for revocation; `former` may be of last year.

    Args:
        entry: Its content has been checked against its digest (`status_content`).
        former: The entry before it in its chain.
        world: Under rules 1 nothing is asked of it.

    Raises:
        RuleError: `revocation_cleared`.
        UnavailableError: `content_missing`: the list before is not at hand.
        MalformedError, LimitError: bits that cannot be read.
    """
    if former is None or world.policy.rules < SINCE:
        return
    before = _revoked_before(former.entry, world)
    if before is None:
        return
    after = _revoked(_listed(entry, world))
    cleared = before.indices() if after is None else after.lacks(before)
    if cleared:
        what = f"revoked before and not any more: {len(cleared)} of the list"
        raise RuleError("revocation_cleared", what, count=len(cleared), index=cleared[0])


def _revoked_before(former: Entry, world: RuleContext) -> BitstringStatusList | None:
    listed = _listed(former, world)
    try:
        return _revoked(listed)
    except DidServiceError:  # rules 1 let it in unopened: no reader could read it either
        return None


def _revoked(listed: JsonObject) -> BitstringStatusList | None:
    """Return the bits of a list for revocation, None for one of another purpose."""
    subject = Fields(listed, "list").fields("credentialSubject")
    purpose = subject.value("statusPurpose")
    if _REVOCATION not in (purpose if isinstance(purpose, list) else [purpose]):
        return None
    return BitstringStatusList.decode(subject.text("encodedList", max_chars=MAX_JSON_BYTES))


def _listed(entry: Entry, world: RuleContext) -> JsonObject:
    content = world.content(entry.digest or b"")
    if content is None:
        raise UnavailableError("content_missing", "the list before this one is not at hand")
    return strict_json.load_object(content, max_bytes=MAX_STATUS_CONTENT_BYTES)
