"""What a verifier must not forget: `didsvc-memory/1` (formats.md 8), as a value.

    {"format":"didsvc-memory/1",
     "logs":{origin:{"size","root":"b64u","time"}},
     "nonces":{nonce:{"expires","state":"open|used"}},
     "witnessed":"2026-11-21T11:10:00Z","decided":"2026-11-21T11:10:30Z","boot":"1f0c…"}

Sizes and the two times only rise: `witnessed` a quorum has shown, `decided` was this machine's
clock at a decision, and can be taken back. A nonce is answered once; used ones are remembered
like open ones, so that a second answer is told from one to a question never asked. When its day
is over, a quorum's time decides: a clock that was wrong once forgets no question. They do not
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
    MAX_NONCES_DOUBTED,
    MAX_NONCES_REMEMBERED,
    NONCE_LIFETIME_SECONDS,
)

FORMAT = "didsvc-memory/1"
ROOT_BYTES = 32


@dataclass(frozen=True, slots=True)
class RememberedLog:
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

    logs: Mapping[str, RememberedLog] = field(default_factory=dict)
    nonces: Mapping[str, Nonce] = field(default_factory=dict)
    witnessed: datetime | None = None
    decided: datetime | None = None
    boot: str | None = None

    @property
    def floor(self) -> datetime | None:
        """The later of both times: before it, it is not."""
        known = [each for each in (self.witnessed, self.decided) if each is not None]
        return max(known, default=None)

    def encode(self) -> bytes:
        """Write the file that `parse_memory` reads."""
        members: JsonObject = {
            "format": FORMAT,
            "logs": {origin: log.encode() for origin, log in self.logs.items()},
            "nonces": {text: nonce.encode() for text, nonce in self.nonces.items()},
            "witnessed": _written(self.witnessed),
            "decided": _written(self.decided),
            "boot": self.boot,
        }
        return f"{dumps(members)}\n".encode()

    def with_log(self, origin: str, log: RememberedLog) -> Memory:
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

    def with_witnessed(self, instant: datetime) -> Memory:
        """Remember a quorum's time; an earlier one changes nothing."""
        if self.witnessed is not None and instant <= self.witnessed:
            return self
        return replace(self, witnessed=instant)

    def with_decided(self, instant: datetime) -> Memory:
        """Remember when a decision was made; what is before the floor changes nothing."""
        if self.floor is not None and instant <= self.floor:
            return self
        return replace(self, decided=instant)

    def without_decided(self) -> Memory:
        """Take back what a clock said at own decisions; the floor is a quorum's time again."""
        return self if self.decided is None else replace(self, decided=None)

    def in_boot(self, boot: str) -> Memory:
        """Go on in this boot of the machine; what an earlier one asked is closed for good."""
        if boot == self.boot:
            return self
        used = {text: nonce for text, nonce in self.nonces.items() if nonce.state == "used"}
        return replace(self, nonces=used, boot=boot)

    def with_nonce(self, nonce: str, now: datetime) -> Memory:
        """Remember a question that may be answered within the day; forget what is over.

        Raises:
            UnavailableError: `nonces_exhausted`: too many are open.
        """
        alive = self._kept(now)
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
        asked = self.nonces.get(nonce)
        if asked is None or asked.expires <= now:
            raise NotFoundError(
                "nonce_unknown", f"not given out here, or expired: {quote(nonce)}"
            )
        if asked.state == "used":
            raise ConflictError("nonce_used", f"answered before: {quote(nonce)}")
        return replace(self, nonces={**self._kept(now), nonce: replace(asked, state="used")})

    def _kept(self, now: datetime) -> dict[str, Nonce]:
        """Leave out the questions whose day is over by a quorum's time.

        Where the clock alone says so, the latest stay: it may be wrong, and with it they would
        be lost that can still be answered.
        """
        over = self.witnessed
        kept = {t: n for t, n in self.nonces.items() if over is None or n.expires > over}
        lapsed = [text for text, nonce in kept.items() if nonce.expires <= now]
        lapsed.sort(key=lambda text: kept[text].expires)
        for text in lapsed[:-MAX_NONCES_DOUBTED]:
            del kept[text]
        return kept


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
    witnessed, decided = _time_or_none(fields, "witnessed"), _time_or_none(fields, "decided")
    boot = None if fields.value("boot") is None else fields.text("boot")
    fields.close()
    return Memory(
        {name: _parse_log(logs.fields(name)) for name in logs.names()},
        {name: _parse_nonce(nonces.fields(name)) for name in nonces.names()},
        witnessed,
        decided,
        boot,
    )


def _parse_log(fields: Fields) -> RememberedLog:
    root = fields.data("root", size=ROOT_BYTES)
    log = RememberedLog(fields.integer("size"), root, _time(fields, "time"))
    fields.close()
    return log


def _parse_nonce(fields: Fields) -> Nonce:
    nonce = Nonce(_time(fields, "expires"), fields.choice("state", ("open", "used")))
    fields.close()
    return nonce


def _written(instant: datetime | None) -> str | None:
    return None if instant is None else timestamps.encode(instant)


def _time_or_none(fields: Fields, name: str) -> datetime | None:
    return None if fields.value(name) is None else _time(fields, name)


def _time(fields: Fields, name: str) -> datetime:
    return timestamps.parse_utc(fields.text(name))
