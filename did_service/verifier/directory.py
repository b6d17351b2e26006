"""One verifier's trust directory (formats.md 8).

Reading takes no lock: a file is replaced whole, rows are read between the commits of others,
and `version` says whether anything changed meanwhile. Each change takes the lock file, so that
two processes never answer one nonce or lose each other's sizes; who reads, decides and writes
holds it over the three with `locked()`. What a former release left is taken over first.
"""

from __future__ import annotations

import re
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from did_service.core.encoding import b64
from did_service.core.errors import (
    ConflictError,
    LimitError,
    MalformedError,
    NotFoundError,
    quote,
)
from did_service.core.evidence.proven_set import ChainKey
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import MAX_BUNDLE_BYTES, MAX_CHAINS_WHOLE, MAX_JSON_BYTES
from did_service.program.files import (
    exclusive_lock,
    make_private_directory,
    replace_file,
    sweep,
)
from did_service.verifier import quorums, shelves
from did_service.verifier.chain_keys import Wanted
from did_service.verifier.former import EVIDENCE_FILE, MEMORY_FILE
from did_service.verifier.lines import exceeds
from did_service.verifier.memory import OPEN, Memory, Nonce
from did_service.verifier.nonces import expiry, give
from did_service.verifier.remembered import read_memory, write_memory
from did_service.verifier.state import State, read_own
from did_service.verifier.tables import STATE_FILE

if TYPE_CHECKING:
    from did_service.core.log.policy import VerifiedCheckpoint
    from did_service.verifier.database import Rows

T = TypeVar("T")

POLICY_FILE = "policy.json"
NONCE_BYTES = 32
_FILES = (POLICY_FILE, EVIDENCE_FILE, MEMORY_FILE, STATE_FILE)
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_KEPT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def default_path(environment: Mapping[str, str], home: Path) -> Path:
    """Return `$XDG_STATE_HOME/did-verify`, where the XDG base directories put state."""
    state = environment.get("XDG_STATE_HOME", "")
    root = Path(state) if Path(state).is_absolute() else home / ".local" / "state"
    return root / "did-verify"


def fresh_nonce(rng: Callable[[int], bytes]) -> str:
    """Return 43 characters of base64url that begin with a letter, 255 of their bits random."""
    return b64.encode_word(rng(NONCE_BYTES))


class TrustDirectory:
    """The files of one verifier; nothing is made on disk before the first change.

    Every method may raise `UnavailableError` (`file_not_read`, `file_not_written`) where the
    disk refuses, and those that read `MalformedError` `trust_damaged`, naming the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = threading.RLock()
        self._holding = 0
        self._state = State(path)

    @property
    def exposed(self) -> bool:
        """Whether others than its owner may write into it, and so decide what is trusted."""
        try:
            return bool(self.path.stat().st_mode & _WRITABLE_BY_OTHERS)
        except OSError:
            return False  # nothing is there, or whoever reads it will say so

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep all other writers out, in this process and in others; may be nested.

        What is changed in the state meanwhile is one step: kept at the end, or not at all.
        """
        with self._thread:
            if self._holding:
                yield
                return
            make_private_directory(self.path)
            with exclusive_lock(self.path / "lock"):
                self._holding += 1
                try:
                    self._sweep()
                    with self._state.opened():
                        yield
                finally:
                    self._holding -= 1

    def opened(self) -> AbstractContextManager[None]:
        """Open the state once for all that is asked meanwhile; others may change it."""
        return self._state.opened()

    @property
    def version(self) -> tuple[object, ...]:
        """Another one after each change of policy, evidence or forks, whoever made it."""
        changes = self._state.ask("SELECT value FROM facts WHERE name = 'evidence'")
        return (self.read_policy(), *changes, *self.forks())

    # --- what was pinned and what was given -----------------------------------------------

    def read_policy(self) -> bytes | None:
        """Return the pinned policy as stored, None before the first pin."""
        return self._read(POLICY_FILE, MAX_JSON_BYTES)

    def write_policy(self, data: bytes) -> None:
        """Replace the pinned policy, which may follow; `too_large`: it could not be read."""
        if len(data) > MAX_JSON_BYTES:
            raise LimitError("too_large", f"a policy of {len(data)} bytes")
        self._write(POLICY_FILE, data)

    @property
    def is_large(self) -> bool:
        """Whether it is read by key, since it holds more than is read whole."""
        return bool(self.read(lambda rows: exceeds(rows, MAX_CHAINS_WHOLE), None))

    def evidence(
        self, wanted: Wanted | None = None, also: Iterable[str] = ()
    ) -> UnverifiedEvidence:
        """Return the evidence: all of it, or of a large directory what a check needs.

        Args:
            wanted: What a check asks for; None for everything.
            also: Further keys that will be asked for, such as a service item; gone through
                only where a part is read.

        Raises:
            LimitError: `too_much_to_check`: a check needs more than is read for one.
        """
        if wanted is not None and self.is_large:
            keys = {*wanted.keys, *also}
            return self.read(lambda rows: shelves.read_for(rows, keys), UnverifiedEvidence())
        return self.read(shelves.read_all, UnverifiedEvidence())

    def evidence_of(
        self, offered: UnverifiedEvidence, *, with_shared: bool = True
    ) -> UnverifiedEvidence:
        """Return the evidence of the subjects of a set; see `shelves.read_beside`."""
        return self.read(
            lambda rows: shelves.read_beside(rows, offered, with_shared=with_shared),
            UnverifiedEvidence(),
        )

    def read(self, ask: Callable[[Rows], T], nothing: T) -> T:
        """Return what the rows say, or `nothing` where there are none yet."""
        self._take_over()
        with self._state.reading() as rows:
            return nothing if rows is None else ask(rows)

    def keep_chains(
        self,
        before: UnverifiedEvidence,
        chains: Iterable[tuple[ChainKey, UnverifiedEvidence]],
        basis: str,
        verified: Iterable[VerifiedCheckpoint] = (),
    ) -> None:
        """Put chains in the place of those that were read; see `shelves.keep`.

        Args:
            before: What was read.
            chains: What is kept.
            basis: `quorums.basis_of` the policy by which they were verified.
            verified: Their checkpoints whose quorum is to be written down.

        Raises:
            LimitError: `too_large`: the directory is full.
        """
        with self.locked():
            rows = self._state.rows()
            shelves.keep(rows, before, chains, basis)
            quorums.keep(rows, verified)

    def recalled(self, notes: Iterable[bytes], basis: str) -> dict[bytes, VerifiedCheckpoint]:
        """Return those checkpoints of which it is written down that they had their quorum."""
        return self.read(lambda rows: quorums.recalled(rows, notes, basis), {})

    # --- what must not be forgotten -------------------------------------------------------

    def memory(self) -> Memory:
        """Return what is remembered: log sizes, nonces, times."""
        self._take_over()
        with self._state.reading() as rows:
            return Memory() if rows is None else read_memory(rows, self._state.ask)

    def change(self, step: Callable[[Memory], Memory]) -> None:
        """Replace what is remembered by what `step` makes of it; all of it or nothing."""
        with self.locked():
            rows = self._state.rows()
            before = read_memory(rows, self._state.ask)
            after = step(before)
            if after is not before:
                write_memory(rows, before, after)

    def new_challenge(
        self,
        now: datetime,
        rng: Callable[[int], bytes],
        audience: str | None = None,
        item: str | None = None,
    ) -> str:
        """Give out a nonce of 43 characters, to be answered once and within the day.

        Args:
            now: The present instant, never before the floor.
            rng: Source of randomness.
            audience: Remembered with it: whose question it is.
            item: Remembered with it: the service it is asked for.

        Raises:
            UnavailableError: `nonces_exhausted`.
        """
        text = fresh_nonce(rng)
        with self.locked():
            rows = self._state.rows()
            memory = read_memory(rows, self._state.ask)
            asked = Nonce(expiry(now), OPEN, memory.boot, audience, item)
            give(rows, text, asked, now, memory.witnessed)
        return text

    def _take_over(self) -> None:
        """Take over what a former release left, if it did, before anything is read."""
        if self._state.is_former:
            with self.locked():
                self._state.rows()

    # --- what is kept as evidence ---------------------------------------------------------

    def keep_fork(self, name: str, data: bytes) -> None:
        """Keep the proof of a fork under `forks/`; the same bytes again change nothing.

        Raises:
            MalformedError: `name_invalid`: not a plain file name of at most 100 characters.
            ConflictError: `file_exists`: other bytes are kept under the name.
        """
        path = self.path / "forks" / _checked(name)
        with self.locked():
            make_private_directory(path.parent)
            kept = self._read(f"forks/{name}", MAX_BUNDLE_BYTES)
            if kept is None:
                replace_file(path, data)
            elif kept != data:
                raise ConflictError("file_exists", f"other bytes are kept as {quote(name)}")

    def forks(self) -> tuple[str, ...]:
        """Return the names of the forks that are kept, sorted."""
        found = sorted(path.name for path in (self.path / "forks").glob("*"))
        return tuple(filter(_KEPT_NAME.fullmatch, found))

    def read_fork(self, name: str) -> bytes:
        """Return a kept fork, or raise `NotFoundError` `file_missing`."""
        data = self._read(f"forks/{_checked(name)}", MAX_BUNDLE_BYTES)
        if data is None:
            raise NotFoundError("file_missing", f"nothing is kept as {quote(name)}")
        return data

    # --- files ----------------------------------------------------------------------------

    def _read(self, name: str, max_bytes: int) -> bytes | None:
        return read_own(self.path, name, max_bytes)

    def _write(self, name: str, data: bytes) -> None:
        with self.locked():
            replace_file(self.path / name, data)

    def _sweep(self) -> None:
        """Remove what a killed writer left; nobody else is writing now."""
        for name in (*_FILES, "forks/*"):
            sweep(self.path / name)


def _checked(name: str) -> str:
    if not _KEPT_NAME.fullmatch(name):
        raise MalformedError("name_invalid", f"not a plain file name: {quote(name)}")
    return name
