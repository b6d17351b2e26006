"""What a run prints: one JSON object for programs, a table for people."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from importlib.metadata import version
from os import cpu_count
from pathlib import Path

from bench.harness import Effort, Row, Session, Skipped

SCHEMA = "bench/1"
_PACKAGES = ("pynacl", "orjson", "pyld", "jsonschema-rs", "sqlalchemy", "fastapi")


def as_json(session: Session) -> str:
    """Return the run in the shape of schemas/bench-output.json."""
    document = {
        "schema": SCHEMA,
        "machine": machine(session.effort),
        "v_us": _rounded(session.v_us),
        "results": [_members(row) for row in session.rows],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def machine(effort: Effort) -> dict[str, object]:
    """Describe what the numbers were measured on; nothing that names the machine."""
    return {
        "processor": _processor(),
        "cores": cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: version(name) for name in _PACKAGES},
        "effort": effort.name,
    }


def as_table(session: Session) -> Iterator[str]:
    """Yield the lines of the table."""
    lines: list[tuple[str, ...]] = [("", "value", "unit", "ratio", "to", "target", "")]
    lines += [_cells(row) for row in session.rows if isinstance(row, Row)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(_aligned(line, widths)).rstrip()
    for row in session.rows:
        if isinstance(row, Skipped):
            to = f" to {row.to}" if row.to else ""
            yield f"{row.name}{to}: skipped, {row.skipped}"
    yield f"V = {session.v_us:.1f} us, one raw Ed25519 verification; {_processor()}"


def _cells(row: Row) -> tuple[str, ...]:
    sign = ">=" if row.unit.endswith("/s") else "<="
    target = "" if row.target is None else f"{sign} {_short(row.target)}"
    verdict = {True: "met", False: "missed", None: ""}[row.meets_target]
    ratio = "" if row.ratio is None else _short(row.ratio)
    return (row.name, _short(row.value), row.unit, ratio, row.to or "", target, verdict)


def _aligned(cells: Iterable[str], widths: list[int]) -> Iterator[str]:
    for column, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        yield cell.rjust(width) if column in {1, 3, 5} else cell.ljust(width)


def _members(row: Row | Skipped) -> dict[str, object]:
    members = asdict(row)
    return {k: _rounded(v) if isinstance(v, float) else v for k, v in members.items()}


def _rounded(number: float) -> float:
    return float(f"{number:.5g}")


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 1_000 else f"{number:.3g}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
