"""The running log of a service: lines on stderr, as text or as JSON, one event a line.

    _LOG.warning("not published", extra=about(error, log=origin))

    {"code":"quorum_not_met","level":"warning","log":"gd.example/reg","message":"not published",
     "next":"…","service":"registry","time":"2026-11-29T09:00:00Z"}

A message is a sentence of ours. What it is about stands in members of its own: the log, the
file, the entry, the code; the next step follows from the code. What a stranger wrote is quoted,
and no member of a person's reaches a line. The same line is told once a minute, with a count.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, is_code
from did_service.core.text import printable, quote
from did_service.program.words import words_of

ROOT = "did_service"
_EVERY_SECONDS = 60.0
_MOST_KEPT = 1_024  # lines remembered; a log has fewer that differ
_MEMBERS = ("log", "file", "entry", "code")


def about(
    error: DidServiceError | None = None,
    *,
    code: str = "",
    log: str = "",
    file: str = "",
    entry: int | None = None,
) -> Mapping[str, object]:
    """Return what a line is about, for `extra` of a logging call.

    Args:
        error: What was refused; its code is told, never its sentence.
        code: Where there is no error.
        log: Origin of a log.
        file: Of ours.
        entry: Index in the log.
    """
    named = error.code if error is not None else code
    return {
        "about": {
            "log": quote(log).strip('"') if log else None,
            "file": quote(file).strip('"') if file else None,
            "entry": entry,
            "code": named if is_code(named) else None,
        }
    }


class Repeated(logging.Filter):
    """Lets the same line through once a minute, with the number of those held back."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a line is to be written."""
        line = f"{record.name} {record.getMessage()} {_about(record)}"
        last = self._last.get(line)
        if last is not None and 0 <= record.created - last < _EVERY_SECONDS:
            self._held[line] = self._held.get(line, 0) + 1
            return False
        if len(self._last) >= _MOST_KEPT:
            self._last.clear()
        self._last[line] = record.created
        record.held_back = self._held.pop(line, 0)
        return True


class _Text(logging.Formatter):
    """`warning registry: what happened [code] log=…; next step`; times are the journal's."""

    def format(self, record: logging.LogRecord) -> str:
        members = _members(record)
        named = [f"{name}={members[name]}" for name in _MEMBERS[:3] if name in members]
        code = [f"[{members['code']}]"] if "code" in members else []
        held = [f"({members['held_back']} more before)"] if "held_back" in members else []
        following = [f"- {members['next']}"] if "next" in members else []
        said = printable(record.getMessage())
        rest = " ".join([said, *code, *named, *held, *following])
        return f"{record.levelname.lower()} {_service(record)}: {rest}"


class _Json(logging.Formatter):
    """The form for machines, see above."""

    def format(self, record: logging.LogRecord) -> str:
        event: JsonObject = {
            "time": timestamps.encode(timestamps.from_posix(int(record.created))),
            "level": record.levelname.lower(),
            "service": _service(record),
            "message": printable(record.getMessage()),
        }
        return jcs.encode({**event, **_members(record)}).decode()


def prepare_log(form: str, level: str) -> None:
    """Let this process's log go to stderr; may be called again, as at a reload.

    Args:
        form: `text` or `json`.
        level: `debug`, `info`, `warning` or `error`.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form == "json" else _Text())
    handler.addFilter(Repeated())
    root = logging.getLogger(ROOT)
    root.handlers[:] = [handler]
    root.propagate = False
    root.setLevel(level.upper())


def _service(record: logging.LogRecord) -> str:
    return record.name.removeprefix(f"{ROOT}.")


def _about(record: logging.LogRecord) -> Mapping[str, str | int | None]:
    found: Mapping[str, str | int | None] = getattr(record, "about", {})
    return found


def _members(record: logging.LogRecord) -> JsonObject:
    members: JsonObject = {k: v for k, v in _about(record).items() if v is not None}
    code = members.get("code")
    words = words_of(code, "did-service") if isinstance(code, str) else None
    if words is not None and words.following is not None:
        members["next"] = words.following.en
    if held := getattr(record, "held_back", 0):
        members["held_back"] = held
    return members
