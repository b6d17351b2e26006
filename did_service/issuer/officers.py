"""Officers and their logins: a bearer token each, of which the agency keeps only the digest.

A token is 32 random bytes, made here and shown once, so one round of SHA-256 is enough. Two
entries with one name or one token would let one person act as two (threat rule 33): a name
belongs to one person for good. A token ends by itself at a stated time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from hmac import compare_digest

from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64
from did_service.core.errors import ConflictError, RuleError, UsageError, quote
from did_service.issuer.agency import Agency, Officer
from did_service.issuer.logins import PREFIX_CHARACTERS, LoginLimit
from did_service.issuer.officer_store import OfficerRecord, OfficerStore
from did_service.program.clock import ClockAndRandom

MIN_TOKEN_CHARACTERS = 22  # 128 bits in base64url

ROLES = frozenset({"accept", "approve", "revoke"})
MAX_TOKEN_TIME = timedelta(days=400)
_TOKEN_BYTES = 32
_NAME = re.compile(r"\w[\w .·'-]{0,63}")


def hash_token(token: str) -> bytes:
    """Return what an agency keeps of a token: its SHA-256.

    Raises:
        UsageError: `token_short`: somebody could guess it.
    """
    if len(token) < MIN_TOKEN_CHARACTERS:
        raise UsageError("token_short", f"fewer than {MIN_TOKEN_CHARACTERS} characters")
    return sha256(token.encode())


def check_officers(officers: Sequence[Officer]) -> None:
    """Check that no two officers share a name or a token, and that their roles exist.

    Raises:
        UsageError: `officers_ambiguous` or `role_unknown`.
    """
    names = {officer.name for officer in officers}
    digests = {officer.token_sha256 for officer in officers}
    if min(len(names), len(digests)) < len(officers):
        raise UsageError("officers_ambiguous", "two officers with one name or one token")
    if not all(officer.roles <= ROLES for officer in officers):
        raise UsageError("role_unknown", f"roles are {', '.join(sorted(ROLES))}")


def log_in(
    officers: Sequence[Officer], token: str, roles: frozenset[str], now: int | None = None
) -> Officer:
    """Return the officer with this token, who holds at least one of the roles.

    Args:
        officers: All of the agency.
        token: As it was shown.
        roles: One of them is needed.
        now: POSIX seconds; None where no token expires.

    Raises:
        RuleError: `officer_unknown`, `officer_expired` or `officer_role_missing`.
    """
    digest = sha256(token.encode())
    # all are compared, so that the time taken does not tell how far it came
    found = [each for each in officers if compare_digest(each.token_sha256, digest)]
    if not found:
        raise RuleError("officer_unknown", "a bearer token of an officer is needed")
    officer = found[0]
    if now is not None and officer.expires is not None and now >= officer.expires:
        raise RuleError("officer_expired", "this token has expired")
    if not roles & officer.roles:
        needed = " or ".join(sorted(roles))
        raise RuleError("officer_role_missing", f"this needs an officer who may {needed}")
    return officer


class Officers:
    """The officers of one agency: those of its set-up, and those in its database.

    Args:
        agency: Its set-up.
        store: The database's.
        edge: Makes tokens, and says when one has expired.
        limit: Counts wrong log-ins.
    """

    def __init__(
        self,
        agency: Agency,
        store: OfficerStore,
        edge: ClockAndRandom,
        limit: LoginLimit | None = None,
    ) -> None:
        check_officers(agency.officers)
        self._agency, self._store, self._edge = agency, store, edge
        self.limit = limit or LoginLimit(store.logins, lambda: edge.clock().timestamp())

    # --- keeping -----------------------------------------------------------------------------

    def add(self, name: str, roles: Iterable[str], valid_for: timedelta) -> str:
        """Add an officer; returns the token, which is shown this once and kept nowhere.

        Args:
            name: Stands beside what the officer decides; 1 to 64 letters, digits and ` .·'-`.
            roles: Of `ROLES`, at least one.
            valid_for: How long the token is good, at most 400 days.

        Raises:
            UsageError: `officer_name_invalid`, `role_unknown`, `token_time_invalid`.
            ConflictError: `officer_exists`.
        """
        held = frozenset(roles)
        if not _NAME.fullmatch(name):
            raise UsageError("officer_name_invalid", f"no name of an officer: {quote(name)}")
        if not held or not held <= ROLES:
            raise UsageError("role_unknown", f"roles are {', '.join(sorted(ROLES))}")
        if name in {each.name for each in self._agency.officers}:
            raise ConflictError("officer_exists", f"there is {quote(name)} already")
        token, now = self._new_token(), self._edge.posix()
        expires = now + _seconds(valid_for)
        prefix = token[:PREFIX_CHARACTERS]
        record = OfficerRecord(name, hash_token(token), prefix, held, now, expires, None)
        self._store.add(record)
        return token

    def renew(self, name: str, valid_for: timedelta) -> str:
        """Give an officer of the database another token; the one before is void at once.

        Raises:
            UsageError: `token_time_invalid`.
            NotFoundError: `officer_not_found`.
        """
        token = self._new_token()
        expires = self._edge.posix() + _seconds(valid_for)
        self._store.renew(name, hash_token(token), token[:PREFIX_CHARACTERS], expires)
        return token

    def revoke(self, name: str) -> None:
        """Let an officer do nothing any more, at once; raises `officer_not_found`."""
        self._store.revoke(name, self._edge.posix())

    def listed(self) -> list[OfficerRecord]:
        """Return the officers of the database, by name."""
        return self._store.listed()

    # --- logging in --------------------------------------------------------------------------

    def log_in(self, token: str, roles: frozenset[str], peer: str) -> Officer:
        """Return the officer with this token, who holds at least one of the roles.

        Args:
            token: As it was shown.
            roles: One of them is needed.
            peer: Who asks, as the server sees it.

        Raises:
            RuleError: as the function `log_in`.
            UnavailableError: `too_many_requests`: it is wrong, as too many before it.
        """
        if not token:
            raise RuleError("officer_unknown", "a bearer token of an officer is needed")
        try:
            return log_in(self._all(), token, roles, self._edge.posix())
        except RuleError as error:
            if error.code == "officer_unknown":
                self.limit.count_wrong(peer, token)
            raise

    def _all(self) -> list[Officer]:
        stored = (
            Officer(each.name, each.token_sha256, each.roles, each.expires)
            for each in self._store.listed()
            if each.revoked is None
        )
        return [*self._agency.officers, *stored]

    def _new_token(self) -> str:
        return b64.encode_url(self._edge.rng(_TOKEN_BYTES))


def _seconds(valid_for: timedelta) -> int:
    if not timedelta(0) < valid_for <= MAX_TOKEN_TIME:
        what = f"a token is good for at most {MAX_TOKEN_TIME.days} days"
        raise UsageError("token_time_invalid", what)
    return int(valid_for.total_seconds())
