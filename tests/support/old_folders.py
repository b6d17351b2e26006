"""A wallet and a counter's trust directory as release 0.2.0 left them, made by its wheel."""

import json
from collections.abc import Sequence
from pathlib import Path

from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from tests.support.released import Release

PASSPHRASE_FILE = "passphrase"
# The programs as they are typed; what an agency hands over is put where `receive` puts it.
_MAKE = """
import json, os, secrets, sys
from pathlib import Path

place, fingerprint = Path(sys.argv[1]), sys.argv[2]
os.chdir(place)
os.environ["WALLET_PASSPHRASE_FILE"] = "passphrase"

from did_service.verifier.__main__ import main as did_verify
from wallet_cli.__main__ import run as wallet
from wallet_cli.holdings import HeldCredential, identities
from wallet_cli.store import StoreDirectory

pin = ("trust", "pin", "policy.json", "--fingerprint", fingerprint)
assert did_verify([*pin, "--trust", "trust"]) == 0
assert did_verify(["challenge", "--audience", "window-3", "--trust", "trust"]) == 0
assert wallet(["--store", "wallet", "init"]) == 0
assert wallet(["--store", "wallet", "--yes", *pin]) == 0
assert wallet(["--store", "wallet", "id", "new"]) == 0
store = StoreDirectory(Path("wallet")).open(Path("passphrase").read_text().strip(),
                                            secrets.token_bytes)
(own,) = identities(store.vault)
held = HeldCredential("c1", "residence-permit-1", own.did, json.load(sys.stdin),
                      "https://gz.gd.example/agencies/a", own.created)
store.commit(lambda vault: vault.put(held.id, held.kind, held.encode(), secrets.token_bytes))
"""
_RUN = """
import os, sys
os.chdir(sys.argv[1])
os.environ["WALLET_PASSPHRASE_FILE"] = "passphrase"
from did_service.verifier.__main__ import main as did_verify
from wallet_cli.__main__ import run as wallet
print(int({"wallet": wallet, "did-verify": did_verify}[sys.argv[2]](sys.argv[3:])))
"""


def write_old_folders(
    place: Path, release: Release, policy: JsonObject, fingerprint: str, delivery: JsonObject
) -> None:
    """Let the release make `wallet` and `trust` in a folder that has a passphrase file.

    Args:
        place: The folder.
        release: Unpacked.
        policy: To be pinned by both.
        fingerprint: Its own.
        delivery: A credential as its agency handed it over.
    """
    (place / "policy.json").write_text(strict_json.dumps(policy))
    release.run(_MAKE, place, fingerprint, given=json.dumps(delivery))


def typed_in(release: Release, place: Path, words: Sequence[str]) -> tuple[int, str]:
    """Run `wallet` or `did-verify` of the release; its exit code, and what it prints."""
    *printed, code = release.run(_RUN, place, *words).splitlines()
    return int(code), "\n".join(printed)
