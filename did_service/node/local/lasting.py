"""A federation on one machine that lasts: set up once, and resumed where it left off.

    DIR/up.lock          held while it runs
    DIR/unfinished       stands while it is set up for the first time: what a crash leaves is
                         nobody's yet, and is begun anew
    DIR/officers/AGENCY/NAME.token  DIR/citizen/  DIR/counter/trust    for the people who try it

The folders of the services: `folders`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from shutil import rmtree

from did_service.core.encoding import b64, strict_json
from did_service.core.errors import ConflictError, DidServiceError, quote
from did_service.node.local.establishing import NewFederation, new_federation
from did_service.node.local.federation import ROUTES, LocalFederation
from did_service.node.local.folders import PASSPHRASE, POLICY, SHORT, SHORT_TICK, Folders
from did_service.node.local.members import AGENCIES
from did_service.program.clock import ClockAndRandom
from did_service.program.files import make_private_directory, replace_file
from did_service.storage.lease import Lease
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.pinning import pin

LOCK, UNFINISHED = "up", "unfinished"
OFFICERS, CITIZEN, TRUST = "officers", "citizen", "counter/trust"
_OWN_FOLDERS = ("regions", "agencies", OFFICERS, CITIZEN, "counter")
_OWN_FILES = (POLICY, PASSPHRASE, ROUTES)
_PASSPHRASE_BYTES = 18


class Step(StrEnum):
    """What is being done while it starts."""

    FOUND = "found"
    BEGIN = "begin"
    AUTHORISE = "authorise"
    COSIGN = "cosign"
    RESUME = "resume"


Tell = Callable[[Step], None]


@contextmanager
def lasting(folder: Path, edge: ClockAndRandom, tell: Tell) -> Iterator[LocalFederation]:
    """Set a federation up, or resume it; it runs while the context lasts.

    Args:
        folder: New, empty, or one that was set up here before.
        edge: Clock and randomness.
        tell: Is called before each step; what it raises ends the start.

    Raises:
        ConflictError: `folder_not_empty`: something else is there, and stays as it is;
            `folder_in_use`: it runs already.
        DidServiceError: what a service says of its keys or files.
    """
    _check(folder)
    make_private_directory(folder)
    with Lease(folder, LOCK, "did-service up"):
        is_new = (folder / UNFINISHED).exists() or not (folder / POLICY).exists()
        made = _established(folder, edge, tell) if is_new else _resumed(folder, edge, tell)
        with made as federation:
            federation.start()
            yield federation


def _check(folder: Path) -> None:
    """Refuse a folder in which something else than such a federation is."""
    lock = f"{LOCK}.lock"
    if not folder.exists() or (folder / lock).exists():
        return
    if any(folder.iterdir()):
        raise ConflictError("folder_not_empty", quote(folder))


@contextmanager
def _established(folder: Path, edge: ClockAndRandom, tell: Tell) -> Iterator[LocalFederation]:
    """Set everything up in an empty folder; what an earlier attempt left is removed."""
    replace_file(folder / UNFINISHED, b"")
    for name in _OWN_FOLDERS:
        if (folder / name).exists():
            rmtree(folder / name)
    for name in _OWN_FILES:
        (folder / name).unlink(missing_ok=True)
    tell(Step.FOUND)
    folders = Folders(folder, edge, SHORT, SHORT_TICK)
    with new_federation(NewFederation, folder, edge, folders) as federation:
        tell(Step.BEGIN)
        federation.begin_logs()
        federation.publish()
        tell(Step.AUTHORISE)
        federation.publish_schemas()
        for agency in AGENCIES:
            federation.set_up_agency(agency)
        tell(Step.COSIGN)
        federation.publish()
        _hand_out(federation)
        (folder / UNFINISHED).unlink()
        yield federation


@contextmanager
def _resumed(folder: Path, edge: ClockAndRandom, tell: Tell) -> Iterator[LocalFederation]:
    """Open what is there, and publish it anew: evidence ages while nothing runs."""
    tell(Step.RESUME)
    with ExitStack() as running:
        federation = LocalFederation(folder, edge, running)
        federation.open_regions()
        for agency in AGENCIES:
            federation.open_agency(agency)
        with suppress(DidServiceError):  # its own ticks try it again, and say why not
            federation.tick_agencies()
        tell(Step.COSIGN)
        federation.publish()
        yield federation
        federation.end()


def _hand_out(federation: NewFederation) -> None:
    """Give officers tokens, the citizen forms and a passphrase, the counter its policy."""
    folder, edge = federation.folder, federation.edge
    citizen = folder / CITIZEN
    make_private_directory(citizen)
    for agency in AGENCIES:
        tokens = folder / OFFICERS / agency.id
        make_private_directory(tokens)
        for name, token in federation.tokens[agency.id].items():
            replace_file(tokens / f"{name}.token", f"{token}\n".encode())
        claims = strict_json.dumps(agency.claims)
        replace_file(citizen / f"{agency.item}.json", f"{claims}\n".encode())
    word = b64.encode_url(edge.rng(_PASSPHRASE_BYTES))
    replace_file(citizen / PASSPHRASE, f"{word}\n".encode())
    make_private_directory(folder / "counter")
    policy = federation.policy
    pin(TrustDirectory(folder / TRUST), policy, policy.fingerprint, edge.clock())
