"""`wallet` as people and scripts start it, with no network."""

import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
from unittest import mock

import pytest

from tests.support import optional
from tests.support.purse import PASSPHRASE, Purse, cheap, finish, start, wallet
from wallet_cli.commands import ENTRIES
from wallet_cli.commands import wallet as group
from wallet_cli.holdings import identities
from wallet_cli.store import StoreDirectory
from wallet_cli.vault import Vault, open_vault

pytestmark = pytest.mark.clock


@pytest.fixture
def purse(tmp_path):
    return Purse(tmp_path)


# --- help ----------------------------------------


def leaves():
    """Every command that does something, by its words."""
    for noun in ENTRIES:
        command = group.get_command(None, noun)
        verbs = getattr(command, "_entries", None)
        yield from ([noun, verb] for verb in verbs) if verbs else ([noun],)


@pytest.mark.parametrize("words", list(leaves()), ids=" ".join)
def test_every_command_teaches_by_examples(words):
    run = wallet(*words, "--help")
    assert run.exit == 0
    assert f"\nExamples:\n\n  wallet {' '.join(words)}" in run.out
    assert "wallet --help" in run.out


@pytest.mark.parametrize("words", [[], *([noun] for noun in ENTRIES), *leaves()], ids=" ".join)
def test_help_is_in_chinese_for_those_who_read_it(words):
    told, english = (wallet(*words, "--help", "--lang", each).out for each in ("zh", "en"))
    assert told.startswith(f"用法: {' '.join(['wallet', *words])} ")
    for line in told.splitlines():  # what is English is a command, or names of options
        stands = line.startswith("  ") and ("wallet " in line or '"familyName"' in line)
        stands = stands or line.startswith("    --")  # the second line of a command
        assert stands or re.search("[\u4e00-\u9fff]|^$", line), line
    assert set(re.findall("--[a-z-]+", told)) == set(re.findall("--[a-z-]+", english))
    assert wallet(*words, "--help", LC_ALL="zh_CN.UTF-8").out == told


def test_help_names_every_command_and_global_option():
    run = wallet("--help")
    for word in (*ENTRIES, "--store", "--json", "--lang", "--quiet", "--no-input", "--yes"):
        assert f"  {word}" in run.out
    for word in ("--offline", "--passphrase-file", "--passphrase-fd", "Exit codes"):
        assert word in run.out


@pytest.mark.parametrize("words", [(), ("cred",)])
def test_a_group_without_a_command_shows_its_help_and_ends_as_usage(words):
    run = wallet(*words)
    assert (run.exit, run.out) == (2, "")
    assert "Commands:" in run.err


def test_the_version_is_told():
    assert wallet("--version").out.startswith("wallet")


# --- usage ----------------------------------------


@pytest.mark.parametrize(
    "words",
    [("nothing",), ("cred", "show"), ("cred", "list", "--nothing"), ("--lang", "fr", "status")],
)
def test_words_that_are_off_end_with_2_and_a_hint(words):
    run = wallet(*words)
    assert run.exit == 2
    assert run.err.startswith("wallet: error: ")
    assert re.search("wallet: hint: (see wallet|did you mean) ?", run.err)


def test_usage_errors_are_json_for_scripts():
    run = wallet("cred", "show", "--json")
    assert (run.exit, run.code, run.envelope["ok"]) == (2, "usage", False)


def test_global_options_may_stand_anywhere(purse):
    for words in (
        (*purse.options, "--json", "cred", "list"),
        ("cred", *purse.options, "list", "--json"),
        ("cred", "list", "--json", *purse.options),
    ):
        run = wallet(*words)
        assert (run.exit, run.data) == (0, {"credentials": []})


def test_the_environment_does_as_well(purse):
    run = wallet(
        "cred",
        "list",
        WALLET_STORE=str(purse.path),
        WALLET_PASSPHRASE_FILE=str(purse.passphrase),
        WALLET_LANG="zh",
    )
    assert (run.exit, run.out, run.err) == (0, "", "还没有证照\n")


def test_a_language_that_is_none_of_ours_is_refused_in_english():
    run = wallet("status", WALLET_LANG="fr")
    assert run.exit == 2
    assert "no such language" in run.err


# --- making and opening ----------------------------------------


def test_init_makes_a_wallet_with_the_real_costs(tmp_path):
    file = tmp_path / "pw"
    file.write_text(f"{PASSPHRASE}\nsecond line\n")
    file.chmod(0o600)
    words = ("--store", tmp_path / "w", "--passphrase-file", file)
    run = wallet("init", *words)
    assert run.exit == 0
    assert str(tmp_path / "w") in run.out
    (slot,) = json.loads((tmp_path / "w/wallet.json").read_bytes())["slots"]
    assert (slot["kdf"]["passes"], slot["kdf"]["memory_bytes"]) == (3, 268_435_456)
    assert wallet("init", *words, "--json").code == "store_exists"


@pytest.mark.parametrize("text", ["short", "\n", "x" * 2000])
def test_a_passphrase_that_is_none_makes_no_wallet(tmp_path, text):
    (tmp_path / "pw").write_text(text)
    run = wallet("init", "--store", tmp_path / "w", "--passphrase-file", tmp_path / "pw")
    assert run.exit == 2
    assert not (tmp_path / "w").exists()


def test_a_passphrase_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "pw").write_bytes(b"\xff\xfe not utf-8\n")
    run = wallet(
        "init", "--json", "--store", tmp_path / "w", "--passphrase-file", tmp_path / "pw"
    )
    assert run.code == "passphrase_unreadable"


def test_a_wrong_passphrase_ends_with_4_and_changes_nothing(purse):
    before = purse.file.read_bytes()
    purse.passphrase.write_text("something else\n")
    run = purse.json("cred", "list")
    assert (run.exit, run.code) == (4, "passphrase_wrong")
    assert purse.file.read_bytes() == before


def test_a_missing_store_ends_with_7_before_a_passphrase_is_asked_for(tmp_path):
    run = wallet("cred", "list", "--json", "--store", tmp_path)
    assert (run.exit, run.code) == (7, "store_missing")
    assert "wallet init" in run.envelope["error"]["next"]["en"]


def test_a_missing_passphrase_file_is_named(purse):
    run = wallet("status", "--json", "--store", purse.path, "--passphrase-file", "/nowhere/pw")
    assert (run.exit, run.code) == (7, "file_missing")


def test_a_passphrase_file_that_is_a_directory_cannot_be_read(purse):
    run = wallet(
        "status", "--json", "--store", purse.path, WALLET_PASSPHRASE_FILE=str(purse.folder)
    )
    assert run.code == "file_not_read"


def test_nobody_is_asked_without_a_terminal(purse):
    run = wallet("status", "--json", "--store", purse.path)
    assert (run.exit, run.code) == (10, "input_needed")


def test_an_exposed_passphrase_file_is_pointed_at(purse):
    purse.passphrase.chmod(0o644)
    assert "passphrase_exposed" in purse.json("status").warnings


def test_a_passphrase_comes_through_a_descriptor(purse):
    reading, writing = os.pipe()
    os.write(writing, PASSPHRASE.encode())
    os.close(writing)
    run = wallet("status", "--store", purse.path, "--passphrase-fd", reading, "--json")
    assert run.exit == 0


@pytest.mark.parametrize(
    ("case", "made", "opened"),
    [
        ("33-passphrase-forms", "nfc.txt", "nfd.txt"),
        ("33-passphrase-forms", "nfd.txt", "nfc.txt"),
        ("46-passphrase-file-with-bom", "bom.txt", "plain.txt"),
        ("46-passphrase-file-with-bom", "plain.txt", "bom.txt"),
    ],
)
def test_one_passphrase_opens_however_it_was_written(tmp_path, case, made, opened):
    folder, store = optional.case(case), tmp_path / "w"
    first = (folder / made).read_text("utf-8").splitlines()[0]
    StoreDirectory(store).create(Vault.create(first, os.urandom, cheap), os.urandom)
    run = wallet("status", "--store", store, "--passphrase-file", folder / opened, "--json")
    assert run.exit == 0


def test_a_descriptor_that_is_not_open_is_refused(purse):
    run = wallet("status", "--store", purse.path, "--passphrase-fd", 987, "--json")
    assert run.code == "passphrase_unreadable"


def test_a_person_types_the_passphrase_unseen(purse):
    """At a real terminal: the prompt shows, the passphrase does not."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(
            sys.executable,
            [sys.executable, "-m", "wallet_cli", "id", "new", "--store", str(purse.path)],
        )
    seen = b""
    while b"passphrase" not in seen and "口令".encode() not in seen:
        seen += os.read(terminal, 1000)
    os.write(terminal, f"{PASSPHRASE}\n".encode())
    try:
        while chunk := os.read(terminal, 1000):
            seen += chunk
    except OSError:
        pass
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"did:key:z6Mk" in seen
    assert PASSPHRASE.encode() not in seen


def test_a_damaged_store_ends_with_11(purse):
    purse.file.write_bytes(purse.file.read_bytes()[:-10])
    run = purse.json("status")
    assert (run.exit, run.code) == (11, "store_damaged")


def test_a_store_of_a_later_release_ends_with_11(purse):
    text = purse.file.read_text().replace("didsvc-wallet/1", "didsvc-wallet/2")
    purse.file.write_text(text)
    run = purse.json("status")
    assert (run.exit, run.code) == (11, "store_newer")


# --- another passphrase ----------------------------------------


def test_the_passphrase_is_replaced(purse):
    fresh = purse.save("new.pw", "an entirely different sentence\n")
    fresh.chmod(0o600)
    run = purse.json("passphrase", "change", "--new-passphrase-file", fresh)
    assert (run.exit, run.data) == (0, {"changed": True})
    assert purse.json("status").exit == 4
    assert open_vault(purse.file.read_bytes(), "an entirely different sentence").records == {}
    assert not (purse.path / "wallet.json.1").exists()


def test_the_wallet_is_sealed_anew(purse):
    purse.run("id", "new")
    before = open_vault(purse.file.read_bytes(), PASSPHRASE)
    run = purse.json("rekey")
    assert (run.exit, run.data) == (0, {"rekeyed": True})
    after = open_vault(purse.file.read_bytes(), PASSPHRASE)
    assert after.key != before.key
    assert identities(after) == identities(before)
    assert not (purse.path / "wallet.json.1").exists()
    purse.passphrase.write_text("not this one\n")
    assert purse.json("rekey").exit == 4


def typed(purse, *answers):
    """Change the passphrase as a person who types these."""
    with mock.patch("wallet_cli.terminal.getpass", side_effect=answers):
        return purse.run("passphrase", "change", stdin="")


def test_a_person_types_a_new_passphrase_twice(purse):
    fresh = "an entirely different sentence"
    assert typed(purse, fresh, fresh).exit == 0
    assert open_vault(purse.file.read_bytes(), fresh).records == {}


def test_a_mistyped_passphrase_changes_nothing(purse):
    run = typed(purse, "an entirely different sentence", "an entirely different sentense")
    assert run.exit == 2
    assert "[passphrase_mistyped]" in run.err
    assert purse.json("status").exit == 0


def test_a_short_new_passphrase_changes_nothing(purse):
    short = purse.save("new.pw", "short\n")
    run = purse.json("passphrase", "change", "--new-passphrase-file", short)
    assert run.code == "passphrase_short"
    assert purse.json("status").exit == 0


# --- identifiers ----------------------------------------


def test_identifiers_are_made_listed_and_shown(purse):
    made = purse.json("id", "new", "--label", "work").data
    other = purse.json("id", "new").data
    assert made["did"].startswith("did:key:z6Mk")
    assert purse.json("id", "list").data["identities"] == [made, other]
    for name in ("work", "wo", made["did"], made["did"][:20]):
        assert purse.json("id", "show", name).data == {**made, "credentials": []}
    assert made["did"] in purse.run("id", "list").out
    assert "work" in purse.run("id", "show", "work").out


@pytest.mark.parametrize(
    ("name", "exit_code", "code"),
    [("nothing", 7, "identity_unknown"), ("did:key:", 2, "identity_ambiguous")],
)
def test_an_identifier_is_named_well_enough(purse, name, exit_code, code):
    purse.json("id", "new")
    purse.json("id", "new")
    run = purse.json("id", "show", name)
    assert (run.exit, run.code) == (exit_code, code)


def test_a_label_has_an_end(purse):
    assert purse.json("id", "new", "--label", "x" * 81).code == "label_long"


# --- the store as a whole ----------------------------------------


def test_status_says_what_is_there_and_what_is_due(purse):
    purse.json("id", "new")
    run = purse.json("status")
    assert (run.data["identities"], run.data["credentials"], run.data["policy"]) == (1, 0, None)
    assert run.warnings == ["policy_missing"]
    assert str(purse.path) in purse.run("status").out


def test_doctor_finds_nothing_wrong_but_the_missing_policy(purse):
    run = purse.json("doctor")
    assert (run.exit, run.data) == (0, {"findings": ["policy_missing"]})


def test_doctor_sees_that_others_may_read(purse):
    purse.file.chmod(0o644)
    assert "store_exposed" in purse.json("doctor").data["findings"]


def test_doctor_puts_the_version_before_in_the_place_of_a_damaged_store(purse):
    purse.json("id", "new")
    before = purse.file.read_bytes()
    purse.json("id", "new")
    purse.file.write_bytes(b"damaged")
    run = purse.json("doctor")
    assert (run.exit, run.code) == (11, "previous_usable")
    assert purse.json("doctor", "--restore").code == "input_needed"
    assert purse.json("doctor", "--restore", "--yes").exit == 0
    assert purse.file.read_bytes() == before
    assert (purse.path / "wallet.json.damaged").read_bytes() == b"damaged"
    assert len(purse.json("id", "list").data["identities"]) == 1


def test_doctor_cannot_help_without_a_version_before(purse):
    purse.file.write_bytes(b"damaged")
    run = purse.json("doctor")
    assert (run.exit, run.code) == (11, "store_damaged")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.mkdir(), "folder_given"),
        (lambda path: path.write_bytes(b" " * 8_388_609), "too_large"),
    ],
)
def test_a_file_that_cannot_be_taken_is_named(purse, make, code):
    make(purse.folder / "claims.json")
    run = purse.json("receive", purse.folder / "claims.json")
    assert run.code == code


def test_doctor_cannot_help_where_the_version_before_is_damaged_as_well(purse):
    purse.json("id", "new")
    purse.file.write_bytes(b"damaged")
    (purse.path / "wallet.json.1").write_bytes(b"damaged")
    assert purse.json("doctor").exit == 11


# --- how a run ends ----------------------------------------


def test_a_fault_of_ours_ends_with_70_and_without_a_traceback(purse, monkeypatch):
    def broken(self):
        raise ZeroDivisionError(PASSPHRASE)

    monkeypatch.setattr(StoreDirectory, "read", broken)
    run = purse.json("status")
    assert (run.exit, run.code) == (70, "internal_fault")
    assert "Traceback" not in run.err
    assert PASSPHRASE not in run.out + run.err


def test_an_interrupted_run_ends_with_3(purse, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(StoreDirectory, "read", interrupted)
    assert (purse.json("status").exit, purse.json("status").code) == (3, "declined")


def test_a_reader_who_leaves_ends_the_run_quietly(purse):
    command = [sys.executable, "-m", "wallet_cli", "cred", "list", "--json"]
    reading, writing = os.pipe()
    os.close(reading)
    child = subprocess.run(
        [*command, *map(str, purse.options)],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (child.returncode, child.stderr) == (3, b"")


def test_data_go_to_stdout_and_people_are_told_on_stderr(purse):
    run = purse.start("id", "new", "--lang", "zh")
    assert run.exit == 0
    assert run.out.startswith("did:key:z6Mk")
    assert run.out.count("\n") == 1
    assert run.err == ""


def test_a_killed_wallet_leaves_the_store_whole(purse):
    child = start("id", "new", *purse.options)
    child.send_signal(signal.SIGKILL)
    finish(child)
    assert open_vault(purse.file.read_bytes(), PASSPHRASE).wallet_id


def test_nothing_of_the_store_is_left_readable_for_others(purse):
    purse.json("id", "new")
    for path in (purse.path, *purse.path.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_help_and_lists_load_neither_network_nor_json_ld():
    program = """
import sys
from wallet_cli.__main__ import run
run(["cred", "list", "--help"])
run(["cred", "list", "--store", "/nowhere"])
heavy = {"httpx", "pyld", "jsonschema", "rich", "asyncio", "fastapi"}
print(*sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert child.stderr.splitlines()[-1] == ""


def test_help_does_not_load_the_store():
    program = """
import sys
from wallet_cli.__main__ import run
run(["--help"])
print(*sorted({"nacl", "orjson"} & set(sys.modules)), file=sys.stderr)
"""
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert child.stderr == "\n"
