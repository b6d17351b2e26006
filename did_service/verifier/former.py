"""What a trust directory of release 0.2.0 remembered (`didsvc-memory/1`), to be taken over.

    {"format":"didsvc-memory/1",
     "logs":{origin:{"size","root":"b64u","time"}},
     "nonces":{nonce:{"expires","state":"open|used"}},
     "witnessed":"2026-11-21T11:10:00Z","decided":"2026-11-21T11:10:30Z","boot":"1f0c…"}

A file `memory.json` stays where it was, in a format that 0.2.0 does not know: that release then
names damage, instead of going on as if nothing had ever been remembered.
"""

from __future__ import annotations

from datetime import datetime

from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import Fields, load_object
from did_service.core.limits import MAX_MEMORY_BYTES, MAX_MEMORY_VALUES
from did_service.verifier.memory import OPEN, USED, Memory, Nonce, RememberedLog

MEMORY_FILE, EVIDENCE_FILE = "memory.json", "evidence.json.gz"
FORMAT = "didsvc-memory/1"
ROOT_BYTES = 32
MOVED = b'{"format":"didsvc-memory/2","in":"state.sqlite"}\n'


def parse_memory(data: bytes) -> Memory:
    """Read a memory of release 0.2.0.

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
        {name: _parse_nonce(nonces.fields(name), boot) for name in nonces.names()},
        witnessed,
        decided,
        boot,
    )


def _parse_log(fields: Fields) -> RememberedLog:
    root = fields.data("root", size=ROOT_BYTES)
    log = RememberedLog(fields.integer("size"), root, _time(fields, "time"))
    fields.close()
    return log


def _parse_nonce(fields: Fields, boot: str | None) -> Nonce:
    nonce = Nonce(_time(fields, "expires"), fields.choice("state", (OPEN, USED)), boot)
    fields.close()
    return nonce


def _time_or_none(fields: Fields, name: str) -> datetime | None:
    return None if fields.value(name) is None else _time(fields, name)


def _time(fields: Fields, name: str) -> datetime:
    return timestamps.parse_utc(fields.text(name))
