"""docs/python.md: its blocks run in their order and print what stands below them."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from did_service import Outcome
from did_service.core.credentials.bitstring_status_list import CredentialStatus
from did_service.core.encoding.strict_json import Numbers
from tests.docs import pages

pytestmark = pytest.mark.clock

PAGE = pages.read("python.md")
ATTACKS = """
def came_of(check, *arguments):
    try:
        check(*arguments)
    except DidServiceError as error:
        return error.code
    return "taken"


def altered(document, **members):
    return {**document, **members}


print("attacks")
more = [*signed[JCS]["@context"], "https://w3id.org/security/multikey/v1"]
print(came_of(check_alone, altered(signed[JCS], **{"@context": more})))
listed = [signed[RDFC]["credentialSubject"]]
print(came_of(check_alone, altered(signed[RDFC], credentialSubject=listed)))
print(came_of(check_presentation, shown, challenge, "window-4"))
theirs = {**credential, "credentialSubject": {"id": did_key_of(new_key().public), "name": "x"}}
borrowed = present([sign_credential(theirs, JCS)], challenge, "window-3")
print(came_of(check_presentation, borrowed, challenge, "window-3"))
unsigned = {name: value for name, value in shown.items() if name != "proof"}
print(came_of(check_presentation, unsigned, challenge, "window-3"))
elsewhere = altered(revoked, id="https://agency.example/status/2")
print(came_of(standing, read, lambda url: elsewhere))
print(came_of(standing, read, lambda url: borrowed["verifiableCredential"][0]))
known[did] = read_did(did, write.encode_log([*entries, ended]))
print(came_of(check_alone, signed[JCS]))
"""
REFUSED = """attacks
context_mismatch
names_not_plain
domain_wrong
holder_mismatch
proof_missing
signature_invalid
status_list_mismatch
did_unknown
"""


def printed(language):
    return "".join(block.text for block in pages.blocks(PAGE) if block.language == language)


def run(program, story):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=story,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.xdist_group("demo")
def test_the_blocks_print_what_stands_below_them(story):
    done = run(printed("python"), story)
    assert (done.stdout, done.stderr) == (printed("text"), "")


@pytest.mark.xdist_group("demo")
def test_who_copies_the_checks_of_the_page_is_not_fooled(story):
    done = run(printed("python") + ATTACKS, story)
    assert (done.stdout, done.stderr) == (printed("text") + REFUSED, "")


def test_outcomes_results_and_modes_are_named_one_and_all():
    outcomes = pages.rows(pages.section(PAGE, "Verify in a federation"))
    told = [row[0].strip("`") for row in outcomes]
    assert sorted(told) == sorted(each.value for each in Outcome)
    told = " ".join(row[0] for row in pages.rows(pages.section(PAGE, "Status lists")))
    assert all(f"`CredentialStatus.{each.name}`" in told for each in CredentialStatus)
    told = pages.section(PAGE, "Numbers in JSON")
    assert all(f"`Numbers.{each.name}`" in told for each in Numbers)


def test_every_call_that_is_named_is_there():
    named = [
        name
        for row in pages.rows(pages.section(PAGE, "What stands where"))
        for name in pages.ticked(row[1])
    ]
    assert len(named) >= 9
    for name in named:
        assert resolved(f"did_service.{name}"), name


def resolved(name):
    """Return the module, class, function or method of a dotted name."""
    parts = name.split(".")
    for at in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:at]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[at:]:
            found = getattr(found, attribute)
        return found
    return None
