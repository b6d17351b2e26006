"""docs/deploying.md: what it prints is run as printed, below a root of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from did_service.core.crypto.ed25519 import SigningKey
from did_service.node.configuration import FILE, read_configuration
from scripts import release
from tests.docs import pages
from tests.support import optional

pytestmark = pytest.mark.clock

CHECKOUT = optional.CHECKOUT
PAGE = pages.read("deploying.md")
CHECK, UNITS, SERVICE, PROXY = (b.text for b in pages.blocks(PAGE) if b.language == "sh")
PROGRAM = "/opt/did-service/current/bin/did-service"
OURS = Path(sys.executable).with_name("did-service")
# No manager runs here, and no user of a service is there.
STANDING_IN = """set -eu
systemctl() { echo "systemctl $*"; }
chown() { echo "chown $*"; }
"""


def run(script, place):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE", "DIDSVC"))}
    return subprocess.run(
        ["bash", "-c", script], cwd=place, env=kept, capture_output=True, text=True, check=False
    )


def below(root, text):
    """Return a block whose places are below a root of its own."""
    text = text.replace(PROGRAM, str(OURS))
    text = re.sub(r"(?<=[ :])/(?=(?:etc|var|run)/)", f"{root}/", text)
    return text.replace("systemd-sysusers ", f"systemd-sysusers --root={root} ")


@pytest.fixture
def folder(tmp_path):
    """A release folder without its wheels, and the public key beside it."""
    made = tmp_path / "release"
    made.mkdir()
    shutil.copytree(CHECKOUT / "deploy", made / "deploy")
    shutil.copy(CHECKOUT / "deploy/release/install", made)
    key = SigningKey(bytes(range(32)))
    sums = release.sums_of(made).encode()
    (made / "SHA256SUMS").write_bytes(sums)
    (made / "SHA256SUMS.sig").write_bytes(key.sign(sums))
    (tmp_path / "release.pem").write_bytes(release.public_pem(key.public))
    return made


def test_the_check_passes_what_was_signed_and_nothing_else(folder):
    optional.program("openssl")
    assert run(f"set -e\n{CHECK}", folder).returncode == 0
    with (folder / "install").open("a") as file:
        file.write("# changed\n")
    assert run(f"set -e\n{CHECK}", folder).returncode != 0


def test_users_units_service_and_site_are_made_as_printed(folder, tmp_path):
    optional.program("systemd-sysusers")
    root = tmp_path / "root"
    for name in ("etc/systemd/system", "etc/nginx/conf.d", "etc/nginx/sites-available",
                 "etc/nginx/sites-enabled", "etc/did-service", "var/lib"):  # fmt: skip
        (root / name).mkdir(parents=True)
    secret = root / "etc/did-service/gd.passphrase"
    secret.touch(0o600)
    secret.write_text("tiger-7-lantern-42\n")
    done = run(STANDING_IN + below(root, UNITS + SERVICE + PROXY), folder)
    assert done.returncode == 0, done.stderr
    assert (
        "systemctl enable --now did-service.target did-service-region@gd.service" in done.stdout
    )
    assert re.search("^didsvc-gd:", (root / "etc/passwd").read_text(), re.MULTILINE)
    assert re.search("^didsvc-gd:.*:www-data$", (root / "etc/group").read_text(), re.MULTILINE)
    configured = read_configuration(root / "var/lib/did-service/gd" / FILE, {})
    assert configured.text("keys.passphrase") == "credential:passphrase"
    assert configured.sections["listen"]["shared"] is True
    assert configured.text("listen.address").endswith("/run/did-service/gd/service.sock")
    assert (root / "etc/systemd/system/did-service-.service.d/60-sandbox.conf").is_file()
    assert (
        "server_name gd.example;" in (root / "etc/nginx/sites-enabled/gd.example").read_text()
    )


def test_every_unit_and_file_that_the_page_names_is_there():
    files = {path.name for path in (CHECKOUT / "deploy").rglob("*")}
    named = set(re.findall(r"[\w@-]+\.(?:service|timer|target|conf)\b(?!\.d)", PAGE))
    assert named
    assert {name.replace("@gd.", "@.") for name in named} <= files
