"""What `did-service bundle` does: a policy file and logs in, a bundle file out."""

from __future__ import annotations

import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

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
    """A bundle file. `made_at` is a POSIX second."""

    data: bytes = field(repr=False)
    items: int
    logs: tuple[BundledLog, ...]
    left_out: tuple[str, ...]
    made_at: int

    def ages(self) -> Iterator[tuple[BundledLog, int]]:
        """Yield each log with its age in seconds."""
        for log in self.logs:
            yield log, age_seconds(log.as_of, self.made_at)

    def encode(self) -> JsonObject:
        """Write `{"items","bytes","logs":[…],"left_out":[…]}`."""
        return {
            "items": self.items,
            "bytes": len(self.data),
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


class BundleTarget(Protocol):
    """Where bundles go."""

    def check(self) -> None:
        """See, before logs are read, that one may be put; raises as `put`."""

    def put(self, made: MadeBundle) -> JsonObject:
        """Put one; return where it is, for machines."""


@dataclass(frozen=True, slots=True)
class FileTarget:
    """One file, which is replaced whole.

    Attributes:
        out: The file.
        replace: Whether one that is there may be replaced.
    """

    out: Path
    replace: bool

    def check(self) -> None:
        """See whether it can be written.

        Raises:
            NotFoundError: `directory_missing`.
            ConflictError: `file_exists`.
        """
        check_output(self.out, force=self.replace)

    def put(self, made: MadeBundle) -> JsonObject:
        """Write `{"out"}`; raises UnavailableError: `file_not_written`."""
        replace_file(self.out, made.data)
        return {"out": str(self.out)}


def make_bundle(
    policy_file: Path, target: BundleTarget, sources: BundleSources, *, now: datetime
) -> tuple[MadeBundle, JsonObject]:
    """Collect a bundle and put it where it shall be.

    Args:
        policy_file: The pinned policy.
        target: Where the bundle goes.
        sources: Where it is read from.
        now: For the age of each log.

    Returns:
        The bundle, and what the target says of it.

    Raises:
        NotFoundError: `file_missing`, and of the target, as a ConflictError.
        UsageError: `mirror_invalid`, `log_unknown`.
        ProofError, UnavailableError, MalformedError: a log that cannot be read or believed, or
            a bundle of which a counter would not take all.
    """
    target.check()
    policy = read_policy(policy_file)
    left_out = _left_out(policy, sources.without)
    with Transport(sources.routes) as transport:
        readers = _readers(policy, sources.mirrors, transport)
        collected = collect(policy, {o: r for o, r in readers.items() if o not in left_out})
    data = encode_checked(policy, collected)
    items = len(collected.evidence.items)
    made = MadeBundle(data, items, collected.logs, left_out, timestamps.to_posix(now))
    return made, target.put(made)


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
