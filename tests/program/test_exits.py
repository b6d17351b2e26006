"""One table of exit codes for all programs."""

import pytest

from did_service.core.errors import (
    DecryptionError,
    LimitError,
    MalformedError,
    NotFoundError,
    PolicyError,
    ProofError,
    RuleError,
    UnavailableError,
    UnsupportedError,
    UsageError,
)
from did_service.program.exits import Exit, exit_of


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UsageError("usage", ""), 2),
        (UsageError("declined", ""), 3),
        (UsageError("input_needed", ""), 10),
        (MalformedError("json_invalid", ""), 2),
        (MalformedError("store_damaged", ""), 11),
        (UnsupportedError("store_newer", ""), 11),
        (LimitError("kdf_too_costly", ""), 11),
        (DecryptionError("passphrase_wrong", ""), 4),
        (ProofError("signature_invalid", ""), 1),
        (PolicyError("fingerprint_wrong", ""), 1),
        (PolicyError("policy_missing", ""), 5),
        (RuleError("issuer_unlisted", ""), 6),
        (NotFoundError("credential_unknown", ""), 7),
        (UnavailableError("peer_unreachable", ""), 8),
    ],
    ids=lambda value: getattr(value, "code", str(value)),
)
def test_exit_codes_are_those_of_the_table(error, expected):
    assert exit_of(error) is Exit(expected)


@pytest.mark.parametrize("command", ["check", "cred verify"])
def test_an_error_is_never_taken_for_the_verdict_refused(command):
    assert exit_of(ProofError("signature_invalid", ""), command) is Exit.UNDECIDED
    assert exit_of(PolicyError("policy_lifetime", ""), command) is Exit.UNDECIDED
    assert exit_of(RuleError("credential_refused", ""), command) is Exit.REFUSED
    assert exit_of(MalformedError("json_invalid", ""), command) is Exit.USAGE
