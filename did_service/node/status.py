"""How a service is, seen from its own folder: files, keys, and what its socket answers.

Nothing is opened that a running service has open: keys are listed without the passphrase, logs
are read as everybody reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from did_service.client.registry import LogReader
from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.core.crypto.keyring import KeyRecord
from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue
from did_service.core.errors import DidServiceError, MalformedError, NotFoundError
from did_service.core.limits import MAX_BODY_BYTES
from did_service.core.log.checkpoint import checkpoint_in
from did_service.node.configuration import Configuration
from did_service.node.pinned_policy import read_policy, region_in
from did_service.node.reaching import own_route, routes_of
from did_service.node.setting_table import LOGGING, ServiceKind
from did_service.signer.keyring_file import read_keyring

_ASK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class LogStatus:
    """One log as it is published.

    Attributes:
        origin: The log.
        size: Entries under its newest checkpoint.
        age: Seconds since a quorum saw it; None where none has yet.
    """

    origin: str
    size: int
    age: int | None


@dataclass(frozen=True, slots=True)
class RegionLog:
    """The log that an agency writes into, asked now: what `/ready` knows is as old as a tick.

    Attributes:
        origin: The log.
        fault: Why it cannot be read, a code; empty where it answers.
    """

    origin: str
    fault: str


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What `status` tells.

    Attributes:
        configuration: Of the service.
        waiting_for: The words of `/ready`; None where the service does not answer.
        logs: Those that it publishes, while it runs.
        keys: Of its keyring.
        since: RFC 3339 time since when a word holds, by word.
        region_log: The log of an agency that runs; None for other services.
    """

    configuration: Configuration
    waiting_for: tuple[str, ...] | None
    logs: tuple[LogStatus, ...]
    keys: tuple[KeyRecord, ...]
    since: Mapping[str, str] = field(default_factory=dict)
    region_log: RegionLog | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it waits for nothing, and its region's log answers."""
        is_cut_off = self.region_log is not None and bool(self.region_log.fault)
        return self.waiting_for == () and not is_cut_off

    def encode(self) -> JsonObject:
        """Return the answer for machines."""
        logs: list[JsonValue] = [
            {"origin": log.origin, "size": log.size, "age": log.age} for log in self.logs
        ]
        keys: list[JsonValue] = [key.encode() for key in self.keys]
        waiting = None if self.waiting_for is None else list[JsonValue](self.waiting_for)
        asked = self.region_log
        region: JsonObject | None = None
        if asked is not None:
            region = {"log": asked.origin, "fault": asked.fault or None}
        return {
            "service": self.configuration.kind.value,
            "host": self.configuration.host,
            "running": self.waiting_for is not None,
            "ready": self.is_ready,
            "waiting_for": waiting,
            "since": dict(self.since),
            "region_log": region,
            "logs": logs,
            "keys": keys,
        }


def status_of(
    configuration: Configuration, environment: Mapping[str, str], now: datetime
) -> ServiceStatus:
    """Ask how a service is, and of an agency whether its region's log answers.

    Raises:
        DidServiceError: its keyring or its policy cannot be read, or what it says of peers.
    """
    keys = read_keyring(configuration.path("keys.keyring")).records
    routes = Routes({configuration.host: own_route(configuration)})
    with Transport(routes) as transport:
        parts = _parts(transport, configuration.host)
        logs = () if parts is None else tuple(_logs(transport, configuration, now))
    if parts is None:
        return ServiceStatus(configuration, None, logs, keys)
    since = {word: min(at for each, at in parts if each == word) for word, _ in parts}
    region_log = None
    if configuration.kind is ServiceKind.AGENCY:
        region_log = _region_log(configuration, environment, now)
    return ServiceStatus(configuration, tuple(sorted(since)), logs, keys, since, region_log)


def _parts(transport: Transport, host: str) -> list[tuple[str, str]] | None:
    """Return the word of each part that is not well, and since when; None without an answer."""
    try:
        answer = transport.request("GET", f"https://{host}/ready", max_bytes=MAX_BODY_BYTES)
        told = strict_json.load_object(answer.body)
        parts = strict_json.as_array(told.get("parts"), "parts")
        fields = [Fields(strict_json.as_object(each, "parts"), "part") for each in parts]
        return [(each.text("word"), each.text("since")) for each in fields]
    except DidServiceError:
        return None


def _region_log(
    configuration: Configuration, environment: Mapping[str, str], now: datetime
) -> RegionLog:
    """Ask the log that an agency writes into now for its checkpoint.

    An agency has no policy, so no signature is checked; what a portal or another log answers is
    no answer of this one.
    """
    origin = f"{configuration.text('agency.log_host')}/ev/{now.year}"
    with Transport(routes_of(configuration, environment)) as transport:
        try:
            with transport.within(_ASK_SECONDS):
                shown = checkpoint_in(LogReader.of_log(transport, origin).checkpoint())
        except NotFoundError as error:  # it answers, and has published nothing so far
            return RegionLog(origin, "" if error.code == "checkpoint_missing" else error.code)
        except MalformedError:
            return RegionLog(origin, "answer_invalid")
        except DidServiceError as error:
            return RegionLog(origin, error.code)
    return RegionLog(origin, "" if shown.origin == origin else "answer_invalid")


def _logs(
    transport: Transport, configuration: Configuration, now: datetime
) -> Iterator[LogStatus]:
    if configuration.kind not in LOGGING:
        return
    policy = read_policy(configuration.path("service.policy"))
    for origin, log in region_in(policy, configuration).logs.items():
        try:
            verified = log.verify(LogReader.of_log(transport, origin).checkpoint())
        except DidServiceError:
            yield LogStatus(origin, 0, None)
        else:
            age = max(0, timestamps.to_posix(now) - verified.fresh_at)
            yield LogStatus(origin, verified.checkpoint.size, age)
