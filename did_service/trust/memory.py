"""What a verifier must not forget: `didsvc-memory/1` (formats.md 8), as a value.

    {"format":"didsvc-memory/1",
     "logs":{origin:{"size","root":"b64u","time"}},
     "nonces":{nonce:{"expires","state":"open|used"}},
     "floor":"2026-11-21T11:10:00Z","boot":"1f0c…"}

Sizes and the floor only rise. A nonce is answered once; used ones are remembered until they
expire, so that a second answer is told from one to a question never asked. Questions do not
outlive the boot of the machine that asked them: a directory restored from a snapshot has
forgotten which of them were answered since (docs/threat-model.md rule 25).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from did_service.core.encoding import b64, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject, dumps, load_object
from did_service.core.errors import (
    ConflictError,
    NotFoundError,
    UnavailableError,
    quote,
)
from did_service.core.limits import (
    MAX_MEMORY_BYTES,
    MAX_MEMORY_VALUES,
    MAX_NONCES_REMEMBERED,
    NONCE_LIFETIME_SECONDS,
)

FORMAT = "didsvc-memory/1"
ROOT_BYTES = 32


@dataclass(frozen=True, slots=True)
class KnownLog:
    """The largest tree of one log that was verified with a quorum, and when it was fresh."""

    size: int
    root: bytes
    time: datetime

    def encode(self) -> JsonObject:
        """Return the JSON shape."""
        time = timestamps.encode(self.time)
        return {"size": self.size, "root": b64.encode_url(self.root), "time": time}


@dataclass(frozen=True, slots=True)
class Nonce:
    """One question given out: until when it may be answered, and whether it was."""

    expires: datetime
    state: str

    def encode(self) -> JsonObject:
        """Return the JSON shape."""
        return {"expires": timestamps.encode(self.expires), "state": self.state}


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything remembered; each change makes a new value."""

    logs: Mapping[str, KnownLog] = field(default_factory=dict)
    nonces: Mapping[str, Nonce] = field(default_factory=dict)
    floor: datetime | None = None
    boot: str | None = None

    def encode(self) -> bytes:
        """Write the file that `parse_memory` reads."""
        members: JsonObject = {
            "format": FORMAT,
            "logs": {origin: log.encode() for origin, log in self.logs.items()},
            "nonces": {text: nonce.encode() for text, nonce in self.nonces.items()},
            "floor": None if self.floor is None else timestamps.encode(self.floor),
            "boot": self.boot,
        }
        return f"{dumps(members)}\n".encode()

    def with_log(self, origin: str, log: KnownLog) -> Memory:
        """Remember a verified tree; a smaller or older one changes nothing.

        Raises:
            ConflictError: `log_forked`: another root at the same size.
        """
        known = self.logs.get(origin)
        if known is None or log.size > known.size:
            return replace(self, logs={**self.logs, origin: log})
        if log.size == known.size and log.root != known.root:
            raise ConflictError(
                "log_forked", f"two trees of {log.size} entries: {quote(origin)}"
            )
        if log.size == known.size and log.time > known.time:
            return replace(self, logs={**self.logs, origin: log})
        return self

    def without_logs(self, origins: Collection[str]) -> Memory:
        """Forget the trees of logs whose fork a higher policy has settled."""
        left = {origin: log for origin, log in self.logs.items() if origin not in origins}
        return self if len(left) == len(self.logs) else replace(self, logs=left)

    def with_floor(self, instant: datetime) -> Memory:
        """Raise the floor of the clock; an earlier instant changes nothing."""
        if self.floor is not None and instant <= self.floor:
            return self
        return replace(self, floor=instant)

    def in_boot(self, boot: str) -> Memory:
        """Go on in this boot of the machine; what an earlier one asked is closed for good."""
        if boot == self.boot:
            return self
        used = {text: nonce for text, nonce in self.nonces.items() if nonce.state == "used"}
        return replace(self, nonces=used, boot=boot)

    def with_nonce(self, nonce: str, now: datetime) -> Memory:
        """Remember a question that may be answered within the day; forget expired ones.

        Raises:
            UnavailableError: `nonces_exhausted`: too many are open.
        """
        alive = self._alive(now)
        if len(alive) >= MAX_NONCES_REMEMBERED:
            raise UnavailableError(
                "nonces_exhausted", f"{len(alive)} challenges are remembered"
            )
        expires = now + timedelta(seconds=NONCE_LIFETIME_SECONDS)
        return replace(self, nonces={**alive, nonce: Nonce(expires, "open")})

    def with_answer(self, nonce: str, now: datetime) -> Memory:
        """Mark a question as answered.

        Raises:
            NotFoundError: `nonce_unknown`: never given out here, or expired.
            ConflictError: `nonce_used`.
        """
        alive = self._alive(now)
        if nonce not in alive:
            raise NotFoundError(
                "nonce_unknown", f"not given out here, or expired: {quote(nonce)}"
            )
        if alive[nonce].state == "used":
            raise ConflictError("nonce_used", f"answered before: {quote(nonce)}")
        return replace(self, nonces={**alive, nonce: replace(alive[nonce], state="used")})

    def _alive(self, now: datetime) -> dict[str, Nonce]:
        return {text: nonce for text, nonce in self.nonces.items() if nonce.expires > now}


def parse_memory(data: bytes) -> Memory:
    """Read what `Memory.encode` wrote.

    Raises:
        MalformedError: not `didsvc-memory/1`, with the member's own code.
        LimitError: larger than 32 MiB.
    """
    fields = Fields(
        load_object(data, max_bytes=MAX_MEMORY_BYTES, max_values=MAX_MEMORY_VALUES), "memory"
    )
    fields.constant("format", FORMAT)
    logs, nonces = fields.fields("logs"), fields.fields("nonces")
    floor = None if fields.value("floor") is None else _time(fields, "floor")
    boot = None if fields.value("boot") is None else fields.text("boot")
    fields.close()
    return Memory(
        {name: _parse_log(logs.fields(name)) for name in logs.names()},
        {name: _parse_nonce(nonces.fields(name)) for name in nonces.names()},
        floor,
        boot,
    )


def _parse_log(fields: Fields) -> KnownLog:
    root = fields.data("root", size=ROOT_BYTES)
    log = KnownLog(fields.integer("size"), root, _time(fields, "time"))
    fields.close()
    return log


def _parse_nonce(fields: Fields) -> Nonce:
    nonce = Nonce(_time(fields, "expires"), fields.choice("state", ("open", "used")))
    fields.close()
    return nonce


def _time(fields: Fields, name: str) -> datetime:
    return timestamps.parse_utc(fields.text(name))
