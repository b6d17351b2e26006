"""Officers and their logins: a bearer token each, of which the agency keeps only the digest.

A token is random and long, made by the operator, so one round of SHA-256 is enough. Two
entries with one name or one token would let one person act as two (threat rule 33).
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest

from did_service.core.crypto.hashes import sha256
from did_service.core.errors import RuleError, UsageError
from did_service.issuer.agency import Officer

MIN_TOKEN_CHARACTERS = 22  # 128 bits in base64url

ROLES = frozenset({"accept", "approve", "revoke"})


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


def log_in(officers: Sequence[Officer], token: str, roles: frozenset[str]) -> Officer:
    """Return the officer with this token, who holds at least one of the roles.

    Raises:
        RuleError: `officer_unknown` or `officer_role_missing`.
    """
    digest = sha256(token.encode())
    # all are compared, so that the time taken does not tell how far it came
    found = [each for each in officers if compare_digest(each.token_sha256, digest)]
    if not found:
        raise RuleError("officer_unknown", "a bearer token of an officer is needed")
    officer = found[0]
    if not roles & officer.roles:
        needed = " or ".join(sorted(roles))
        raise RuleError("officer_role_missing", f"this needs an officer who may {needed}")
    return officer
