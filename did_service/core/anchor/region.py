"""One member region of a federation: what it governs, where it is, and its keys.

A region's logs and witness are named after one of its hosts (docs/formats.md §1, §4):

    HOST/reg        control log      HOST/ev/YEAR    data log of a year      HOST/witness

Everything is named in whole labels, so that no region's names begin inside another's.
"""

import re
from typing import NamedTuple

from did_service.core.anchor.territory import covers
from did_service.core.did.location import parse_location
from did_service.core.did.syntax import parse_webvh
from did_service.core.encoding import bilingual
from did_service.core.encoding.strict_json import Fields, JsonValue
from did_service.core.errors import MalformedError, RuleError, quote
from did_service.core.limits import (
    MAX_CLOCK_AHEAD_SECONDS,
    MAX_LOG_POLICY_BYTES,
    MAX_POLICY_MEMBERS,
)
from did_service.core.log.note import VerifierKey, parse_verifier_key
from did_service.core.log.policy import LogPolicy, parse_log_policy
from did_service.core.text import Bilingual

_NAME = re.compile(r"reg|witness|ev/[0-9]{4}")


class Region(NamedTuple):
    """One member region: what it governs, where it is, and its keys."""

    id: str
    name: Bilingual
    territory: tuple[str, ...]
    hosts: tuple[str, ...]
    prefixes: tuple[str, ...]
    root: str
    logs: dict[str, LogPolicy]
    witness: VerifierKey
    daily_entries: int
    daily_bytes: int


def is_under(host: str, domain: str) -> bool:
    """Say whether a host is a domain or stands below it; labels count whole."""
    return host == domain or host.endswith("." + domain)


def control_origin(region: Region) -> str:
    """Return the origin of a region's control log, `HOST/reg`."""
    return next(origin for origin in region.logs if year_of(origin) is None)


def year_of(origin: str) -> int | None:
    """Return the year of a data log `HOST/ev/YEAR`, None for a control log."""
    _, _, name = origin.partition("/")
    return int(name.removeprefix("ev/")) if name.startswith("ev/") else None


def year_before(origin: str) -> str:
    """Return the origin of the data log of the year before that of a data log."""
    stem, _, year = origin.rpartition("/")
    return f"{stem}/{int(year) - 1}"


def second_of_log(refusal: RuleError, now: int) -> int:
    """Return the second at which a log stands that refused an entry, if that is near our own.

    Around New Year two clocks are in two years, and the log's decides where an entry goes. A
    log that names a second far away is not followed: it would choose the year of what we sign.

    Args:
        refusal: `time_outside_period`, with the log's second as `at`.
        now: Our own POSIX second, returned where the log's is none or too far away.
    """
    told = refusal.details.get("at")
    if isinstance(told, int) and abs(told - now) <= MAX_CLOCK_AHEAD_SECONDS:
        return told
    return now


def parse_region(value: JsonValue) -> Region:
    """Read one member of `regions`.

    Raises:
        MalformedError: another shape, or a name that is not the region's own.
        PolicyError: a log's tlog-policy text is not sound.
    """
    fields = Fields(value, "policy.regions")
    region = Region(
        id=fields.text("id", max_chars=16),
        name=bilingual.parse(fields.value("name"), "policy.regions.name"),
        territory=fields.texts("territory", most=MAX_POLICY_MEMBERS),
        hosts=fields.texts("hosts", most=MAX_POLICY_MEMBERS),
        prefixes=fields.texts("prefixes", most=MAX_POLICY_MEMBERS),
        root=fields.text("root"),
        logs=_logs(fields),
        witness=parse_verifier_key(fields.text("witness")),
        daily_entries=fields.integer("daily_entries", least=1),
        daily_bytes=fields.integer("daily_bytes", least=1),
    )
    fields.close()
    _check_names(region)
    return region


def _logs(fields: Fields) -> dict[str, LogPolicy]:
    origins, texts = list(fields.object("logs")), fields.fields("logs")
    return {
        origin: parse_log_policy(texts.text(origin, max_chars=MAX_LOG_POLICY_BYTES).encode())
        for origin in origins
    }


def _check_names(region: Region) -> None:
    """Logs and witness are named after a host of the region; prefixes and hosts are whole."""
    parse_webvh(region.root)
    for host in region.hosts:
        if parse_location(host).host != host:
            raise MalformedError("member_invalid", f"host {quote(host)} is not a host name")
    for prefix in region.prefixes:
        if not prefix.startswith("https://") or not prefix.endswith("/"):
            raise MalformedError("member_invalid", f"prefix {quote(prefix)} has an open end")
    for code in region.territory:
        if not covers(code, code):
            raise MalformedError("member_invalid", f"territory {quote(code)} is not six digits")
    names = [origin.partition("/") for origin in region.logs]
    if [name for _, _, name in names].count("reg") != 1:
        raise MalformedError("member_invalid", f"region {quote(region.id)} has not one reg log")
    for host, _, name in [*names, region.witness.name.partition("/")]:
        if host not in region.hosts or _NAME.fullmatch(name) is None:
            raise MalformedError(
                "member_invalid", f"{quote(host)}/{quote(name)} is not its name"
            )
