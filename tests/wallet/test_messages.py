"""Every code that the wallet raises or warns with has its sentence, in both languages."""

import ast
import re
from pathlib import Path

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
from did_service.program.failure import WORDS
from wallet_cli.messages import MESSAGES

SOURCES = [*Path("wallet_cli").rglob("*.py"), Path("did_service/client/issuer.py")]
CODE = re.compile("[a-z][a-z0-9_]+")


def codes_of(path: Path) -> set[str]:
    """The codes that stand first in an `XxxError(…)` or a `.warn(…)`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name.endswith(("Error", ".warn")) and node.args:
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                found.add(argument.value)
    return found


CODES = sorted(set().union(*map(codes_of, SOURCES)))


def test_the_codes_are_found():
    assert {"store_missing", "staple_old", "not_yet", "pickup_invalid"} <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_its_sentence(code):
    assert code in MESSAGES or code in WORDS


@pytest.mark.parametrize("code", MESSAGES)
def test_every_sentence_stands_in_both_languages(code):
    told = MESSAGES[code]
    assert CODE.fullmatch(code)
    assert told.text.en.isascii()
    assert re.search("[\u4e00-\u9fff]", told.text.zh)
    assert told.hint.zh
    assert told.hint.en
    assert told.text.en == told.text.en.strip().removesuffix(".")
    assert told.text.zh.endswith("：") == told.text.en.endswith(":")


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
