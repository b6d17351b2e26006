"""Authority statements: who may do what, where, from when to when, on what basis.

A statement is the body of an `authority` entry. Its subject is

    hex(SHA-256(granter id || 0x00 || grantee id || 0x00 || scope))

with id = SCID, or the whole DID for a did:key, so two granters never overwrite each other. The
newest statement of a subject is the whole statement; an older one stays true for the time it
stood. Each hop must lie within the one above, up to a root of the policy (`rules` enforces that
for new entries, `verification` walks it again). Shapes: docs/formats.md §3.
"""

import re
from typing import NamedTuple

from did_service.core.anchor.bodies.other_log import OtherLog, read_other
from did_service.core.anchor.bodies.void import check_states
from did_service.core.anchor.territory import checked_codes, first_outside
from did_service.core.crypto.hashes import sha256
from did_service.core.did.syntax import did_id
from did_service.core.encoding import bilingual, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject, as_text
from did_service.core.errors import DidServiceError, MalformedError, RuleError, quote
from did_service.core.text import Bilingual

ROLES = ("granter", "issuer", "publisher", "counter", "custodian")
STATES = ("active", "suspended", "ended")
_SCOPE = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Authority(NamedTuple):
    """One authority statement; times are POSIX seconds, `until` is the first second after."""

    granter: str
    grantee: str
    scope: str
    name: Bilingual
    roles: tuple[str, ...]
    types: tuple[str, ...]
    items: tuple[str, ...]
    prefixes: tuple[str, ...]
    territory: tuple[str, ...]
    valid_from: int
    until: int
    state: str
    since: int | None
    status_lists: tuple[str, ...]
    status_custodian: str | None
    basis: Bilingual
    other: OtherLog | None

    @property
    def subject(self) -> str:
        """The subject of the statement's chain in the log."""
        return subject_of(self.granter, self.grantee, self.scope)

    def encode(self) -> JsonObject:
        """Return the entry body without its proof."""
        body: JsonObject = {
            "granter": self.granter,
            "grantee": self.grantee,
            "scope": self.scope,
            "name": bilingual.encode(self.name),
            "roles": list(self.roles),
            "types": list(self.types),
            "items": list(self.items),
            "prefixes": list(self.prefixes),
            "territory": list(self.territory),
            "from": self.valid_from,
            "until": self.until,
            "state": self.state,
            "since": self.since,
            "status_lists": list(self.status_lists),
            "status_custodian": self.status_custodian,
            "basis": bilingual.encode(self.basis),
        }
        return body if self.other is None else {**body, "x": self.other.encode()}


def subject_of(granter: str, grantee: str, scope: str) -> str:
    """Return the subject of the chain of statements of one granter, grantee and scope."""
    text = f"{did_id(granter)}\x00{did_id(grantee)}\x00{scope}"
    return sha256(text.encode()).hex()


def parse_authority(body: JsonObject) -> Authority:
    """Read the body of an `authority` entry; its proof is left to `rules`.

    Raises:
        RuleError: `entry_voided`.
        MalformedError: another shape, an unknown role, a territory that is not six digits.
    """
    check_states(body)
    fields = Fields(body, "authority")
    scope = fields.text("scope", max_chars=32)
    if _SCOPE.fullmatch(scope) is None:
        raise MalformedError("member_invalid", f"authority.scope {quote(scope)} is not a word")
    authority = Authority(
        granter=fields.text("granter"),
        grantee=fields.text("grantee"),
        scope=scope,
        name=bilingual.parse(fields.value("name"), "authority.name"),
        roles=_words(fields, "roles", ROLES),
        types=fields.texts("types"),
        items=fields.texts("items"),
        prefixes=_prefixes(fields.texts("prefixes")),
        territory=checked_codes(fields.texts("territory")),
        valid_from=fields.integer("from", most=timestamps.MAX_POSIX_SECONDS),
        until=fields.integer("until", most=timestamps.MAX_POSIX_SECONDS),
        state=fields.choice("state", STATES),
        since=_nullable_seconds(fields, "since"),
        status_lists=fields.texts("status_lists"),
        status_custodian=_nullable_text(fields, "status_custodian"),
        basis=bilingual.parse(fields.value("basis"), "authority.basis"),
        other=read_other(fields.fields("x")) if fields.has("x") else None,
    )
    if fields.has("proof"):
        fields.value("proof")
    fields.close()
    if authority.state == "active" and authority.since is not None:
        raise MalformedError(
            "member_invalid", "authority.since belongs to an end or suspension"
        )
    if authority.valid_from >= authority.until:
        raise MalformedError("member_invalid", "authority.until is not after authority.from")
    return authority


def parties_of(body: JsonObject, subject: str) -> tuple[str, str] | None:
    """Name granter and grantee's id of a statement, whatever else it says (docs/adr/0029).

    Its subject is a hash over both, so they are what it says or the statement is about nobody
    knows whom: None.
    """
    fields = Fields(body, "authority")
    try:
        granter, grantee = fields.text("granter"), fields.text("grantee")
        named = subject_of(granter, grantee, fields.text("scope"))
        return (granter, did_id(grantee)) if named == subject else None
    except (DidServiceError, UnicodeEncodeError):
        return None


def grantee_id(body: JsonObject) -> str:
    """Return the id of a statement's grantee, by which logs find what is said about somebody.

    Raises:
        MalformedError: it names none.
    """
    return did_id(grantee_in(body))


def grantee_in(body: JsonObject) -> str:
    """Return whom a statement is about, whatever else it says; a void of one names it too.

    Raises:
        MalformedError: it names none.
    """
    return as_text(body.get("grantee"), "authority.grantee")


def custodian_of(body: JsonObject, now: int) -> str:
    """Name who keeps the lists of an authority statement that is over at a POSIX second.

    Empty where it still stands, names nobody, or says what this release cannot read.
    """
    try:
        statement = parse_authority(body)
    except DidServiceError:
        return ""
    is_over = statement.state == "ended" or statement.until <= now
    return statement.status_custodian or "" if is_over else ""


def may_name_list(body: JsonObject, url: str) -> bool:
    """Say whether a statement that cannot be read may be about a status list."""
    lists = body.get("status_lists", [])
    return not isinstance(lists, list) or url in lists


def check_within(lower: Authority, upper: Authority) -> None:
    """Check that a hop lies within the one above it (threat rule 11).

    Raises:
        RuleError: `grant_too_wide`, naming the part that sticks out.
    """
    if "granter" not in upper.roles:
        raise RuleError("grant_too_wide", "the granter may not hand on authority")
    _check_parts(lower, upper, "grant_too_wide")
    if lower.valid_from < upper.valid_from or lower.until > upper.until:
        raise RuleError("grant_too_wide", "the period is not within the granter's")


def check_no_wider(later: Authority, former: Authority) -> None:
    """Check that a statement which keeps its `from` grants nothing that was not granted before.

    Otherwise what was issued earlier would become right afterwards. More is granted with a
    new `from`, or under another scope.

    Raises:
        RuleError: `grant_retroactive`, naming the part that is new.
    """
    _check_parts(later, former, "grant_retroactive")


def _check_parts(inner: Authority, outer: Authority, code: str) -> None:
    for part, few, many in (
        ("roles", inner.roles, outer.roles),
        ("types", inner.types, outer.types),
        ("items", inner.items, outer.items),
    ):
        outside = sorted(set(few) - set(many))
        if outside:
            raise RuleError(code, f"{part} {quote(outside[0])} is not in the wider statement")
    for prefix in inner.prefixes:
        if not any(prefix.startswith(held) for held in outer.prefixes):
            raise RuleError(code, f"prefix {quote(prefix)} is not in the wider statement")
    territory = first_outside(inner.territory, outer.territory)
    if territory is not None:
        raise RuleError(code, f"territory {territory} is not in the wider statement")


def _prefixes(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """An open end would reach into the neighbour's names: `…/gz` also begins `…/gz-evil`."""
    for prefix in prefixes:
        if not prefix.endswith(("/", ":")):
            raise MalformedError("member_invalid", f"prefix {quote(prefix)} has an open end")
    return prefixes


def _words(fields: Fields, name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    words = fields.texts(name)
    for word in words:
        if word not in allowed:
            raise MalformedError("member_invalid", f"{fields.path(name)} has {quote(word)}")
    if not words or len(set(words)) != len(words):
        raise MalformedError(
            "member_invalid", f"{fields.path(name)} is empty or repeats itself"
        )
    return words


def _nullable_seconds(fields: Fields, name: str) -> int | None:
    if fields.value(name) is None:
        return None
    return fields.integer(name, most=timestamps.MAX_POSIX_SECONDS)


def _nullable_text(fields: Fields, name: str) -> str | None:
    return None if fields.value(name) is None else fields.text(name)
