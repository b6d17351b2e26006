"""A process that judges entries which begin a DID, for the one writer (docs/adr/0091).

    python -m did_service.registry.judge        frames on stdin, an answer to each on stdout

A frame is its length, four bytes, and as many bytes: canonical submissions, a line each; the
answer is `{"first":[{"portable","profiles","time"} or null, …],"of","version"}`, in their
order. `of` is the SHA-256 of what was asked: no answer is taken for another's. `version` is the
release: one that was installed meanwhile does not judge for the one that runs. A judge keeps
nothing, has no key and no file, and ends when stdin does.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from typing import BinaryIO

from did_service.core.anchor.entry import parse_submission
from did_service.core.anchor.first_version import FirstVersion
from did_service.core.anchor.rules.check import judge_first
from did_service.core.crypto.hashes import sha256
from did_service.core.did.webvh.profile import Profile
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import Fields, JsonValue, as_text
from did_service.core.encoding.timestamps import MAX_POSIX_SECONDS
from did_service.core.errors import MalformedError
from did_service.core.limits import MAX_ENTRY_BYTES
from did_service.program.version import __version__

LENGTH = struct.Struct(">I")
MOST_ROWS = 64  # of a frame
MAX_FRAME_BYTES = MOST_ROWS * (MAX_ENTRY_BYTES + 1)


def frame(data: bytes) -> bytes:
    """Put its length before a frame."""
    return LENGTH.pack(len(data)) + data


def join_rows(rows: Sequence[bytes]) -> bytes:
    """Write submissions as what a frame has."""
    return b"\n".join(rows)


def parse_found(data: bytes, asked: bytes, count: int) -> list[FirstVersion | None]:
    """Read the answer to what was asked, so many submissions, strictly.

    Raises:
        MalformedError, LimitError: it is none.
    """
    fields = Fields(strict_json.load_object(data, max_bytes=MAX_FRAME_BYTES), "found")
    fields.constant("of", sha256(asked).hex())
    fields.constant("version", __version__)
    values = fields.array("first", most=count)
    fields.close()
    if len(values) != count:
        raise MalformedError("member_invalid", f"{len(values)} answers to {count} entries")
    return [None if value is None else _parse_one(value) for value in values]


def main() -> None:
    """Judge until stdin ends."""
    asked, said = sys.stdin.buffer, sys.stdout.buffer
    while (data := _read_frame(asked)) is not None:
        said.write(frame(_answer(data)))
        said.flush()


def _answer(asked: bytes) -> bytes:
    found: list[JsonValue] = [_judged(row) for row in asked.split(b"\n")]
    return jcs.encode({"first": found, "of": sha256(asked).hex(), "version": __version__})


def _read_frame(asked: BinaryIO) -> bytes | None:
    head = asked.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    data = asked.read(length)
    return data if len(data) == length <= MAX_FRAME_BYTES else None


def _judged(row: bytes) -> JsonValue:
    try:
        found = judge_first(
            parse_submission(strict_json.load_object(row, max_bytes=MAX_ENTRY_BYTES))
        )
    except Exception:  # noqa: BLE001 - the writer judges it, and says what is wrong with it
        return None
    if found is None:
        return None
    profiles: list[JsonValue] = [*sorted(each.value for each in found.profiles)]
    return {"portable": found.portable, "profiles": profiles, "time": found.time}


def _parse_one(value: JsonValue) -> FirstVersion:
    fields = Fields(strict_json.as_object(value, "first"), "first")
    portable = fields.value("portable")
    time = fields.integer("time", least=-MAX_POSIX_SECONDS, most=MAX_POSIX_SECONDS)
    names = [as_text(each, "profiles") for each in fields.array("profiles", most=len(Profile))]
    fields.close()
    if not isinstance(portable, bool) or not {*names} <= {each.value for each in Profile}:
        raise MalformedError("member_invalid", "not what was found of a first version")
    return FirstVersion(time, portable, frozenset(map(Profile, names)))


if __name__ == "__main__":
    main()
