"""A release folder: everything to install from without a network, signed.

    python scripts/release.py key --out ~/keys/release.key --passphrase file:pass
    python scripts/release.py make --out DIR --own WHEEL --wheels DIR --key FILE --passphrase …

The key is made outside the checkout, sealed under a passphrase; its public half lies beside it
(`.pem`) and goes to those who install. What a folder holds:

    VERSION  install  requirements.lock  sbom.cdx.json  wheels/  deploy/  docs/
    SHA256SUMS        of every other file, as sha256sum(1) reads them
    SHA256SUMS.sig    Ed25519 over its bytes, as openssl-pkeyutl(1) reads it

The same tree, wheels and key give the same bytes.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.key_file import open_key, seal_key
from did_service.core.encoding import b64
from did_service.core.errors import DidServiceError
from did_service.program.clock import SYSTEM
from did_service.program.files import replace_file, replace_public_file
from did_service.program.passphrase import read_passphrase
from did_service.program.process import leave_no_core
from scripts.sbom import Wheel, bill, normalized

CHECKOUT = Path(__file__).resolve().parents[1]
KID = "release"
_SUMS = "SHA256SUMS"
# SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes, RFC 8410 §4.
_SPKI = bytes.fromhex("302a300506032b6570032100")
_ROW = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)( ;[^\\\n]*)?", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class ReleaseError(Exception):
    """What a release cannot be made of."""


def make_key(out: Path, passphrase: str) -> None:
    """Make a release key: a sealed file, and its public half beside it.

    Raises:
        ReleaseError: the place is inside the checkout, where it could be committed, or taken.
    """
    if out.resolve().is_relative_to(CHECKOUT):
        raise ReleaseError(f"{out} is inside the checkout: keep the key elsewhere")
    if out.exists():
        raise ReleaseError(f"{out} is there already")
    key = SigningKey(SYSTEM.rng(32))
    replace_file(out, seal_key(key, KID, passphrase, SYSTEM.rng))
    replace_public_file(out.with_suffix(".pem"), public_pem(key.public))


def public_pem(public: bytes) -> bytes:
    """Write a public key as openssl reads it."""
    text = b64.encode_std(_SPKI + public)
    return f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n".encode()


def make_folder(out: Path, own: Path, wheels: Path, key: SigningKey) -> None:
    """Make a release folder, all of it or nothing.

    Raises:
        ReleaseError: the place is taken, or lock and wheels do not agree.
    """
    if out.exists():
        raise ReleaseError(f"{out} is there already")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as place:
        folder = Path(place, out.name)
        _fill(folder, own, wheels)
        sums = sums_of(folder).encode()
        (folder / _SUMS).write_bytes(sums)
        (folder / f"{_SUMS}.sig").write_bytes(key.sign(sums))
        folder.rename(out)


def _fill(folder: Path, own: Path, wheels: Path) -> None:
    """Put everything but the sums into a folder."""
    lock = (CHECKOUT / "requirements" / "release.lock").read_text()
    ours, others = Wheel.read(own), _locked(lock, wheels)
    (folder / "wheels").mkdir(parents=True)
    for wheel in (ours, *others):
        shutil.copyfile(wheel.path, folder / "wheels" / wheel.path.name)
    version = str(ours.about["Version"])
    row = f"{ours.name}=={version} \\\n    --hash=sha256:{ours.digest}\n"
    (folder / "requirements.lock").write_text(f"{lock.rstrip()}\n{row}")
    (folder / "VERSION").write_text(f"{version}\n")
    (folder / "sbom.cdx.json").write_text(bill(ours, others))
    shutil.copy(CHECKOUT / "deploy" / "release" / "install", folder / "install")
    for name in ("systemd", "nginx", "container", "kubernetes"):
        shutil.copytree(CHECKOUT / "deploy" / name, folder / "deploy" / name)
    (folder / "docs").mkdir()
    for page in (CHECKOUT / "docs").glob("*.md"):
        shutil.copyfile(page, folder / "docs" / page.name)


def _locked(lock: str, wheels: Path) -> list[Wheel]:
    """Return the wheels of a lock; one of another platform's may be missing."""
    hashes, optional = _rows(lock)
    found = [Wheel.read(path) for path in sorted(wheels.glob("*.whl"))]
    for wheel in found:
        if wheel.digest not in hashes.get(wheel.name, ()):
            raise ReleaseError(f"{wheel.path.name} is not in release.lock")
    missing = hashes.keys() - optional - {wheel.name for wheel in found}
    if missing:
        raise ReleaseError(f"no wheel of {', '.join(sorted(missing))}: run make wheels")
    return found


def _rows(lock: str) -> tuple[Mapping[str, set[str]], set[str]]:
    """Return the digests of each package of a lock, and those that not every platform has."""
    heads = [*_ROW.finditer(lock)]
    ends = [head.start() for head in heads[1:]] + [len(lock)]
    hashes = {
        normalized(head[1]): set(_HASH.findall(lock[head.end() : end]))
        for head, end in zip(heads, ends, strict=True)
    }
    return hashes, {normalized(head[1]) for head in heads if head[3]}


def sums_of(folder: Path) -> str:
    """Return the digest of every file of a folder, as sha256sum(1) writes them."""
    return "".join(f"{digest}  {name}\n" for name, digest in _digests(folder))


def _digests(folder: Path) -> Iterator[tuple[str, str]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    named = sorted((path.relative_to(folder).as_posix(), path) for path in files)
    return ((name, sha256(path.read_bytes()).hexdigest()) for name, path in named)


def main(words: list[str]) -> int:
    """Run one of the two commands and return the exit code."""
    given = _parser().parse_args(words)
    try:
        passphrase = read_passphrase(given.passphrase, os.environ)
        if given.command == "key":
            make_key(given.out, passphrase)
            return 0
        key = open_key(given.key.read_bytes(), passphrase)
        make_folder(given.out, given.own, given.wheels, key)
    except (ReleaseError, DidServiceError, OSError) as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Make a release key, or a release folder.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("key", "make"):
        command = commands.add_parser(name)
        command.add_argument("--out", type=Path, required=True)
        command.add_argument("--passphrase", required=True, help="file:PATH or fd:NUMBER")
    for option in ("--own", "--wheels", "--key"):
        command.add_argument(option, type=Path, required=True)
    return parser


if __name__ == "__main__":
    leave_no_core()
    sys.exit(main(sys.argv[1:]))
