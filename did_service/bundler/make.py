"""What `did-service bundle` does: a policy file and logs in, a bundle file out."""

from __future__ import annotations

import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from did_service.bundler.collect import BundledLog, collect, encode_checked
from did_service.client.registry import LogReader
from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy, parse_policy
from did_service.core.anchor.freshness import age_seconds
from did_service.core.anchor.region import control_origin
from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import UsageError, quote
from did_service.core.limits import MAX_JSON_BYTES
from did_service.program.files import check_output, replace_file
from did_service.program.streams import read_input


@dataclass(frozen=True, slots=True)
class BundleSources:
    """Where a bundle is read from.

    Attributes:
        routes: How hosts are reached.
        mirrors: `LOG=URL` each.
        without: Origins of logs to leave out; a control log takes its data logs with it.
    """

    routes: Routes
    mirrors: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MadeBundle:
    """A bundle file as it was written. `made_at` is a POSIX second."""

    out: Path
    items: int
    size: int
    logs: tuple[BundledLog, ...]
    left_out: tuple[str, ...]
    made_at: int

    def ages(self) -> Iterator[tuple[BundledLog, int]]:
        """Yield each log with its age in seconds."""
        for log in self.logs:
            yield log, age_seconds(log.as_of, self.made_at)

    def encode(self) -> JsonObject:
        """Write `{"out","items","bytes","logs":[…],"left_out":[…]}`."""
        return {
            "out": str(self.out),
            "items": self.items,
            "bytes": self.size,
            "logs": [
                {
                    "log": log.origin,
                    "size": log.size,
                    "as_of": timestamps.encode(timestamps.from_posix(log.as_of)),
                    "age_seconds": age,
                }
                for log, age in self.ages()
            ],
            "left_out": list(self.left_out),
        }


def make_bundle(
    policy_file: Path,
    out: Path,
    sources: BundleSources,
    *,
    now: datetime,
    replace: bool,
) -> MadeBundle:
    """Collect a bundle and write it.

    Args:
        policy_file: The pinned policy.
        out: Where the bundle goes.
        sources: Where it is read from.
        now: For the age of each log.
        replace: Whether a file that is there may be replaced.

    Raises:
        NotFoundError: `file_missing`, `directory_missing`.
        ConflictError: `file_exists`.
        UsageError: `mirror_invalid`, `log_unknown`.
        ProofError, UnavailableError, MalformedError: a log that cannot be read or believed, or
            a bundle of which a counter would not take all.
    """
    check_output(out, force=replace)
    policy = read_policy(policy_file)
    left_out = _left_out(policy, sources.without)
    with Transport(sources.routes) as transport:
        readers = _readers(policy, sources.mirrors, transport)
        collected = collect(policy, {o: r for o, r in readers.items() if o not in left_out})
    data = encode_checked(policy, collected)
    replace_file(out, data)
    items = len(collected.evidence.items)
    return MadeBundle(out, items, len(data), collected.logs, left_out, timestamps.to_posix(now))


def _left_out(policy: Policy, without: tuple[str, ...]) -> tuple[str, ...]:
    """Return the logs that a bundle is to go without, data logs with their control log."""
    known = {origin: region for region in policy.regions for origin in region.logs}
    for origin in without:
        if origin not in known:
            raise UsageError("log_unknown", f"no log of this policy: {quote(origin)}")
    return tuple(o for o, region in known.items() if {o, control_origin(region)} & set(without))


def read_policy(file: Path) -> Policy:
    """Read a policy file, `-` for the standard input.

    Raises:
        DidServiceError: why it cannot be read, or is no policy.
    """
    data = read_input(str(file), MAX_JSON_BYTES, sys.stdin.buffer)
    return parse_policy(strict_json.load_object(data.removeprefix(BOM_UTF8)))


def _readers(
    policy: Policy, mirrors: tuple[str, ...], transport: Transport
) -> dict[str, LogReader]:
    origins = [origin for region in policy.regions for origin in region.logs]
    readers = {origin: LogReader.of_log(transport, origin) for origin in origins}
    for mirror in mirrors:
        origin, found, base = mirror.partition("=")
        if origin not in readers or not found or not base.startswith("https://"):
            raise UsageError("mirror_invalid", f"not LOG=URL of this policy: {quote(mirror)}")
        readers[origin] = LogReader(transport, base.rstrip("/"))
    return readers
