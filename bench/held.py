"""A wallet's store with three credentials, whose passphrase costs nothing to try."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.counter import published_scene
from bench.fixtures import CHECKOUT
from did_service.client.issuer import UnverifiedDelivery
from did_service.core.crypto.sealed import Argon2id
from did_service.core.encoding import strict_json, timestamps
from tests.support.counter import Scene
from wallet_cli.holdings import HeldCredential, HolderIdentity, keep
from wallet_cli.store import StoreDirectory
from wallet_cli.trusting import WalletTrust
from wallet_cli.vault import Vault, new_id

PROGRAM = "wallet_cli"
_CREDENTIALS = 3
_PASSPHRASE = "correct horse battery staple"  # noqa: S105 - protects nothing


@contextmanager
def list_arguments(*, pinned: bool = False) -> Iterator[list[str]]:
    """Write the store, and yield the arguments with which `wallet` lists it.

    Args:
        pinned: Whether the wallet has pinned the policy by which counters judge.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        store, passphrase = Path(name, "store"), Path(name, "passphrase")
        passphrase.write_text(f"{_PASSPHRASE}\n")
        scene = published_scene()
        StoreDirectory(store).create(_vault(scene), os.urandom)
        if pinned:
            policy, now = scene.fed.policy, timestamps.from_posix(scene.fed.now)
            WalletTrust(store / "trust").pin(policy.members, policy.fingerprint, now)
        options = ["--json", "--store", str(store), "--passphrase-file", str(passphrase)]
        arguments = ["cred", "list", *options]
        assert _listed(arguments) == _CREDENTIALS
        yield arguments


def _vault(scene: Scene) -> Vault:
    """Make a vault with the holder's key and credentials with their staples."""
    vault = Vault.create(_PASSPHRASE, os.urandom, _cheapest)
    holder, stamp = scene.holder, timestamps.encode(timestamps.from_posix(scene.fed.now))
    identity = HolderIdentity(new_id(os.urandom), holder.did, holder.key.seed, "", stamp)
    vault = keep(vault, identity, os.urandom)
    for number in range(1, _CREDENTIALS + 1):
        held = HeldCredential(
            id=new_id(os.urandom),
            alias=f"residence-permit-{number}",
            holder=holder.did,
            delivery=UnverifiedDelivery(scene.credential, None, ()).encode(),
            issuer_url="",
            received=stamp,
            staple=scene.staple(),
            as_of=stamp,
        )
        vault = keep(vault, held, os.urandom)
    return vault


def _cheapest(salt: bytes) -> Argon2id:
    return Argon2id(1, 8_192, salt)


def _listed(arguments: list[str]) -> int:
    command = [sys.executable, "-m", PROGRAM, *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    data = strict_json.as_object(strict_json.load_object(done.stdout).get("data"), "data")
    return len(strict_json.as_array(data.get("credentials"), "credentials"))
