"""A release folder: made by a script, installed without a network, refused if altered."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.key_file import seal_key
from scripts import release
from tests.support import optional
from tests.support.keyrings import CHEAP, counting_rng

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("release")]

CHECKOUT = optional.CHECKOUT
PASSPHRASE = "tiger-7-lantern-42"
KEY = SigningKey(bytes(range(32)))
BUILD = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d"]
PATIENCE = 300


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Our wheel, as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("own")
    dated = {**os.environ, "SOURCE_DATE_EPOCH": "315532800"}
    subprocess.run([*BUILD, folder], cwd=CHECKOUT, check=True, env=dated)
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    file = tmp_path_factory.mktemp("key") / "release.pem"
    file.write_bytes(release.public_pem(KEY.public))
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory, own):
    out = tmp_path_factory.mktemp("made") / "release"
    release.make_folder(out, own, optional.run_wheels(), KEY)
    return out


@pytest.fixture
def copy(tmp_path, folder):
    return shutil.copytree(folder, tmp_path / "copy")


def install(folder, *words):
    """Run the folder's own script where not even loopback is up."""
    optional.program("openssl")
    apart = [optional.program("unshare"), "-n" if os.geteuid() == 0 else "-rn"]
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE", "PIP", "PYTHON"))
    }
    return subprocess.run(
        [*apart, folder / "install", *map(str, words)],
        env=kept,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


# --- installed ----------------------------------------------


def test_a_release_installs_without_a_network_and_its_programs_run(folder, public, tmp_path):
    prefix = tmp_path / "opt"
    done = install(folder, public, prefix)
    assert done.returncode == 0, done.stderr
    version = (folder / "VERSION").read_text().strip()
    assert (prefix / "current").readlink() == Path(version)
    programs = prefix / "current" / "bin"
    passphrase = tmp_path / "pass"
    passphrase.touch(0o600)
    passphrase.write_text(f"{PASSPHRASE}\n")
    words = ("region", "init", tmp_path / "gd", "--region", "gd", "--host", "gd.example",
             "--passphrase-file", passphrase)  # fmt: skip
    for line in (("did-service", "--help"), ("did-verify", "--help"), ("did-service", *words)):
        environment = {"PATH": os.defpath, "DIDSVC_LANG": "en"}
        subprocess.run(
            [programs / line[0], *line[1:]], env=environment, check=True, cwd=tmp_path
        )
    assert (tmp_path / "gd" / "did-service.toml").is_file()
    shared = prefix / "current" / "share" / "did-service"
    assert (shared / "deploy/systemd/did-service.target").is_file()
    assert {each.name for each in shared.iterdir()} == {"deploy", "docs", "sbom.cdx.json"}
    again = install(folder, public, prefix)
    assert again.returncode == 1
    assert "there already" in again.stderr
    assert (programs / "did-service").is_file()  # and what was there stays


def test_a_folder_that_is_whole_passes_the_check(folder, public, tmp_path):
    done = install(folder, "--check", public)
    assert (done.returncode, done.stderr) == (0, "")


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def any_wheel(folder):
    return next((folder / "wheels").glob("did_service-*.whl"))


def resummed(folder):
    """Change a wheel, and the sums so that they fit; the signature is as it was."""
    (folder / "SHA256SUMS").unlink()
    signature = (folder / "SHA256SUMS.sig").rename(folder.with_name("signature"))
    flip(any_wheel(folder))
    (folder / "SHA256SUMS").write_text(release.sums_of(folder))
    signature.rename(folder / "SHA256SUMS.sig")


ALTERED = {
    "a wheel": lambda folder: flip(any_wheel(folder)),
    "the lock": lambda folder: flip(folder / "requirements.lock"),
    "a unit": lambda folder: flip(folder / "deploy/systemd/did-service.target"),
    "the sums": lambda folder: flip(folder / "SHA256SUMS"),
    "the signature": lambda folder: flip(folder / "SHA256SUMS.sig"),
    "a wheel and its sum": resummed,
    "a file that is gone": lambda folder: (folder / "VERSION").unlink(),
    "a file that was added": lambda folder: (folder / "wheels/pip-99-py3-none-any.whl").touch(),
    "a link that was added": lambda folder: (folder / "wheels/x").symlink_to("/etc/passwd"),
    "no signature": lambda folder: (folder / "SHA256SUMS.sig").unlink(),
}


@pytest.mark.parametrize("what", ALTERED)
def test_an_altered_folder_is_refused_before_anything_is_installed(
    copy, public, tmp_path, what
):
    ALTERED[what](copy)
    done = install(copy, public, tmp_path / "opt")
    assert done.returncode == 1
    assert "sent again" in done.stderr
    assert not (tmp_path / "opt").exists()


def test_another_key_vouches_for_nothing(folder, tmp_path):
    other = tmp_path / "other.pem"
    other.write_bytes(release.public_pem(SigningKey(bytes(32)).public))
    assert install(folder, "--check", other).returncode == 1


# --- made ----------------------------------------------


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_tree_gives_the_same_folder(folder, own, tmp_path):
    release.make_folder(tmp_path / "again", own, optional.run_wheels(), KEY)
    assert contents(tmp_path / "again") == contents(folder)
    assert (tmp_path / "again/install").stat().st_mode & 0o111


def test_the_bill_names_every_wheel_with_digest_and_licence(folder):
    told = json.loads((folder / "sbom.cdx.json").read_text())
    assert (told["bomFormat"], told["specVersion"], told["version"]) == ("CycloneDX", "1.5", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", told["serialNumber"])
    parts = [told["metadata"]["component"], *told["components"]]
    digests = {part["hashes"][0]["content"] for part in parts}
    sums = (folder / "SHA256SUMS").read_text()
    wheels = {line[:64] for line in sums.splitlines() if line.endswith(".whl")}
    assert digests == wheels
    for part in parts:
        assert part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}" == part["bom-ref"]
        assert part["licenses"][0]["license"]["name"] not in {"", "not stated", "UNKNOWN"}
    known = {part["bom-ref"] for part in parts}
    assert {row["ref"] for row in told["dependencies"]} == known
    assert all(set(row["dependsOn"]) <= known for row in told["dependencies"])


def test_what_is_needed_is_in_the_bill(folder):
    """Nothing is installed for no reason: each wheel is reached from ours."""
    told = json.loads((folder / "sbom.cdx.json").read_text())
    needs = {row["ref"]: row["dependsOn"] for row in told["dependencies"]}
    reached, left = set(), [told["metadata"]["component"]["bom-ref"]]
    while left:
        reached.add(ref := left.pop())
        left += set(needs[ref]) - reached
    assert reached == set(needs)


def test_wheels_that_are_not_those_of_the_lock_make_no_release(own, tmp_path):
    wheels = shutil.copytree(optional.run_wheels(), tmp_path / "wheels")
    victim = next(wheels.glob("click-*.whl"))
    with victim.open("ab") as file:
        file.write(b"x")  # a zip reader passes it over
    with pytest.raises(release.ReleaseError, match="not in"):
        release.make_folder(tmp_path / "out", own, wheels, KEY)
    victim.unlink()
    with pytest.raises(release.ReleaseError, match="click"):
        release.make_folder(tmp_path / "out", own, wheels, KEY)
    assert not (tmp_path / "out").exists()


# --- keys, by command ----------------------------------------------


@pytest.fixture
def place(tmp_path):
    file = tmp_path / "pass"
    file.touch(0o600)
    file.write_text(f"{PASSPHRASE}\n")
    return f"file:{file}"


def test_a_release_key_is_made_outside_the_checkout_and_never_twice(tmp_path, place):
    out = tmp_path / "keys.key"
    assert release.main(["key", "--out", str(out), "--passphrase", place]) == 0
    assert out.stat().st_mode & 0o777 == 0o600
    key = release.open_key(out.read_bytes(), PASSPHRASE)
    assert out.with_suffix(".pem").read_bytes() == release.public_pem(key.public)
    assert release.main(["key", "--out", str(out), "--passphrase", place]) == 1
    inside = CHECKOUT / "dist" / "release.key"
    assert release.main(["key", "--out", str(inside), "--passphrase", place]) == 1
    assert not inside.exists()


def test_a_release_is_made_by_command(tmp_path, place, own, capsys):
    file = tmp_path / "release.key"
    file.write_bytes(seal_key(KEY, release.KID, PASSPHRASE, counting_rng(), CHEAP))
    words = ["make", "--out", str(tmp_path / "out"), "--own", str(own), "--key", str(file),
             "--wheels", str(optional.run_wheels()), "--passphrase", place]  # fmt: skip
    assert release.main(words) == 0
    assert release.main(words) == 1
    assert "there already" in capsys.readouterr().err
