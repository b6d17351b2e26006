"""Which entry may come next: one pure law for sequencer, witnesses and replay.

`check` judges one sequenced entry against the log so far. First its place, the same for all
types: the right log, a chain `(t, s, n, p)` without gaps or second children, times that never
fall and are at most 120 s ahead, and the region's daily quota. Then its content, by type; the
rules for DIDs, grants and ev entries have files of their own. Sources: docs/formats.md §2;
threat rules 2, 3, 6 to 11, 14, 15 and 22.
"""

from __future__ import annotations

from did_service.core.anchor import rules_authority, rules_did, rules_ev
from did_service.core.anchor.entry import Entry
from did_service.core.anchor.policy import Policy, check_successor, parse_policy
from did_service.core.anchor.rules_authority import publishes
from did_service.core.anchor.view import LogView, World, signers_of
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import OrderError, PolicyError, RuleError, UnavailableError, quote
from did_service.core.limits import MAX_CLOCK_AHEAD_SECONDS, MAX_SCHEMA_BYTES

_REG_TYPES = ("did", "schema", "authority", "policy", "heads")
_EV_TYPES = ("status", "evidence")
_DAY_SECONDS = 86_400
SCHEMA_KINDS = ("json-schema", "type-metadata", "context", "service-item", "code-list")


def check(entry: Entry, log: LogView, world: World) -> None:
    """Check that a sequenced entry may come next in a log.

    Raises:
        OrderError: `out_of_order`: not the next of its chain.
        RuleError, PolicyError, ProofError, MalformedError: the rule that is broken.
        UnavailableError: a log or content that the rule needs is not at hand.
    """
    _check_place(entry, log, world)
    _check_quota(entry, log, world)
    match entry.type:
        case "did":
            rules_did.check(entry, log, world)
        case "schema":
            _check_schema(entry, log, world)
        case "authority":
            rules_authority.check(entry, log, world)
        case "policy":
            _check_policy(entry, log, world.policy)
        case "heads":
            _check_heads(entry, log, world)
        case "status":
            rules_ev.check_status(entry, log, world)
        case "evidence":
            rules_ev.check_evidence(entry, log, world)


def _check_place(entry: Entry, log: LogView, world: World) -> None:
    allowed = _REG_TYPES if log.origin.endswith("/reg") else _EV_TYPES
    if entry.type not in allowed:
        raise RuleError("type_elsewhere", f"{entry.type} entries do not stand in {log.origin}")
    check_order(entry, log)
    if entry.at is None:
        raise RuleError("time_missing", "the entry has not been sequenced")
    if entry.at < log.last_at():
        raise RuleError("time_falls", f"a = {entry.at} is before the entry in front of it")
    if entry.at > world.now + MAX_CLOCK_AHEAD_SECONDS:
        raise RuleError("time_ahead", f"a = {entry.at} is more than 120 s ahead")


def check_order(entry: Entry, log: LogView) -> None:
    """Check that an entry is the next of its chain: number and hash of the one before.

    Raises:
        OrderError: `out_of_order`, with the newest number in `details`.
    """
    newest = log.newest(entry.type, entry.subject)
    number = newest.entry.number if newest else 0
    if entry.number != number + 1 or entry.previous != (newest.leaf if newest else None):
        raise OrderError(
            "out_of_order",
            f"{entry.type} entry {entry.number} does not follow entry {number}",
            newest=number,
            leaf=newest.leaf.hex() if newest else None,
        )


def _check_quota(entry: Entry, log: LogView, world: World) -> None:
    region = world.policy.region_of_log(log.origin)
    entries, size = log.written_since((entry.at or 0) - _DAY_SECONDS)
    if entries >= region.daily_entries or size >= region.daily_bytes:
        raise RuleError("quota_used_up", f"{log.origin} has used up its day's entries or bytes")


def _check_schema(entry: Entry, log: LogView, world: World) -> None:
    if world.policy.home_of_schema(entry.subject) is not world.policy.region_of_log(log.origin):
        raise RuleError("not_at_home", f"{quote(entry.subject)} is not at home in {log.origin}")
    fields = Fields(entry.body, "schema")
    fields.choice("kind", SCHEMA_KINDS)
    fields.text("media_type", max_chars=128)
    content = fields.text("content", max_chars=MAX_SCHEMA_BYTES).encode()
    digest = fields.data("sha256", size=32)
    owner = fields.text("owner")
    fields.choice("state", ("active", "deprecated"))
    fields.value("proof")
    fields.close()
    if sha256(content) != digest:
        raise RuleError("digest_wrong", "sha256 is not that of the content")
    strict_json.load_object(content, max_bytes=MAX_SCHEMA_BYTES)
    if owner not in signers_of(entry, log):
        raise RuleError("signer_wrong", "the owner has not signed")
    former = log.newest("schema", entry.subject)
    if former is not None and former.entry.body.get("owner") != owner:
        raise RuleError("signer_wrong", "another owner published this id")
    if not publishes(owner, entry.subject, log, world, entry.at or 0):
        raise RuleError("role_missing", f"{quote(owner)} may not publish {quote(entry.subject)}")


def _check_policy(entry: Entry, log: LogView, current: Policy) -> None:
    fields = Fields(entry.body, "policy entry")
    offered = parse_policy(fields.value("policy"))
    fields.close()
    if entry.subject != offered.federation or offered.federation != current.federation:
        raise RuleError("policy_elsewhere", "the policy is of another federation")
    former = log.newest("policy", entry.subject)
    if former is None:
        if offered.sequence > current.sequence or (
            offered.sequence == current.sequence and offered.digest != current.digest
        ):
            raise PolicyError("policy_forked", "the log does not begin with the pinned policy")
        return
    check_successor(parse_policy(former.entry.body.get("policy")), offered)


def _check_heads(entry: Entry, log: LogView, world: World) -> None:
    """Judge a heads entry about this log or about an ev log of the same region (rule 2)."""
    about_itself = entry.subject == log.origin
    fields = Fields(entry.body, "heads")
    size, count = fields.integer("size"), fields.integer("count")
    root, at = fields.data("root", size=32), fields.integer("at")
    tree = None if about_itself else fields.data("tree", size=32)
    fields.close()
    if at != entry.at:
        raise RuleError("heads_time_wrong", "at is not the second of sequencing")
    subject = log if about_itself else _ev_beside(entry.subject, log, world)
    _check_heads_size(entry, log, subject, size)
    if tree is not None and tree != subject.root(size):
        raise RuleError("heads_root_wrong", "tree is not the root at that size")
    snapshot = subject.snapshot(size)
    if count != len(snapshot.records) or root != snapshot.root:
        raise RuleError("heads_root_wrong", "the heads do not match the log")


def _check_heads_size(entry: Entry, log: LogView, subject: LogView, size: int) -> None:
    if subject is log and size != log.size():
        raise RuleError("heads_size_wrong", "heads must cover the log up to the entry itself")
    former = log.newest("heads", entry.subject)
    if former is not None and size < Fields(former.entry.body, "heads").integer("size"):
        raise RuleError("heads_size_wrong", "heads never cover less than before")
    if size > subject.size():
        raise UnavailableError("log_behind", f"no copy of {subject.origin} up to {size}")
    if size < subject.cosigned_before((entry.at or 0) - MAX_CLOCK_AHEAD_SECONDS):
        raise RuleError("heads_size_wrong", "heads leave out what was cosigned before")


def _ev_beside(origin: str, log: LogView, world: World) -> LogView:
    if origin not in world.policy.region_of_log(log.origin).logs or origin == log.origin:
        raise RuleError("not_at_home", f"{quote(origin)} is not an ev log of this region")
    return world.log(origin)
