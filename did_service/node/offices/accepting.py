"""`agency accept`: what a region has granted goes into the agency's configuration.

    [agency]
    statements = ["…"]      mirrors = ["https://gd.example/reg", …]

Two lines of the file change and nothing else; what comes out is read again before it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from did_service.core.did.webvh.entry import parse_entry
from did_service.core.errors import ConflictError, NotFoundError, UsageError, quote
from did_service.core.limits import MAX_CONFIGURATION_BYTES, MAX_DID_LOG_BYTES
from did_service.node.configuration import Configuration, parse_configuration
from did_service.node.configuration_file import written
from did_service.node.offices.grant import AgencyGrant
from did_service.program.files import read_file, replace_file, whole

_SECTION = re.compile(r"^\s*\[agency\]\s*(#.*)?$")
_TABLE = re.compile(r"^\s*\[")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The settings as they are now, and whether this run has changed them."""

    statements: tuple[str, ...]
    mirrors: tuple[str, ...]
    changed: bool


def accept(
    configuration: Configuration, grant: AgencyGrant, environment: Mapping[str, str]
) -> Accepted:
    """Write a grant into the configuration of the agency that it is for.

    Raises:
        ConflictError: `grant_for_other`: another agency's, or another region's log.
        UsageError: `configuration_not_edited`: the file is written in a way of its own.
    """
    _check_own(configuration, grant)
    statements = _union(configuration.texts("agency.statements"), (grant.authority.subject,))
    mirrors = _union(configuration.texts("agency.mirrors"), grant.mirrors)
    changed = {"agency.statements": statements, "agency.mirrors": mirrors}
    if all(configuration.texts(place) == value for place, value in changed.items()):
        return Accepted(statements, mirrors, changed=False)
    data = read_file(configuration.file, MAX_CONFIGURATION_BYTES) or b""
    text = data.decode()
    for place, value in changed.items():
        text = _with_line(text, place.partition(".")[2], written([*value]))
    made = parse_configuration(configuration.file, text.encode(), environment, is_made=False)
    if any(made.texts(place) != value for place, value in changed.items()):
        what = f"write into {whole(configuration.file)}, [agency]: statements = "
        raise UsageError("configuration_not_edited", what + written([*statements]))
    replace_file(configuration.file, text.encode())
    return Accepted(statements, mirrors, changed=True)


def _check_own(configuration: Configuration, grant: AgencyGrant) -> None:
    did = own_did(configuration.path("agency.did_log"))
    if grant.authority.grantee != did:
        what = f"the grant is for {quote(grant.authority.grantee)}, this agency is {quote(did)}"
        raise ConflictError("grant_for_other", what)
    host = configuration.text("agency.log_host")
    if grant.host != host:
        what = f"the grant stands in {quote(grant.log)}, this agency's region is {quote(host)}"
        raise ConflictError("grant_for_other", what)


def own_did(path: Path) -> str:
    """Return the DID of an agency from its did.jsonl.

    Raises:
        NotFoundError: `file_missing`.
    """
    data = read_file(path, MAX_DID_LOG_BYTES)
    if data is None:
        raise NotFoundError("file_missing", whole(path))
    return str(parse_entry(data.rstrip(b"\n").rpartition(b"\n")[2]).state["id"])


def _union(held: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*held, *more)))


def _with_line(text: str, name: str, value: str) -> str:
    """Put a setting into [agency]: in its line, its comment's, or at the head."""
    lines = text.split("\n")
    begins = next((i for i, line in enumerate(lines) if _SECTION.match(line)), None)
    if begins is None:
        return text
    after = range(begins + 1, len(lines))
    ends = next((i for i in after if _TABLE.match(lines[i])), len(lines))
    setting = re.compile(rf"^\s*(# *)?{name}\s*=")
    inside = range(begins + 1, ends)
    place = next((i for i in inside if setting.match(lines[i])), None)
    line = f"{name} = {value}"
    if place is None:
        lines.insert(begins + 1, line)
    else:
        lines[place] = line
    return "\n".join(lines)
