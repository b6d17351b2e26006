"""Every setting of every service: kind, default and meaning, stated once.

A configuration is checked against these rows, the commented file that `init` writes is made of
them, and each is also the variable `DIDSVC_SECTION_NAME`. What each does is told in
`words/LANG/help_settings.json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from did_service.core.limits import (
    DATABASE_CONNECTIONS,
    MAX_DATABASE_CONNECTIONS,
    MIN_DATABASE_CONNECTIONS,
)
from did_service.core.text import Bilingual
from did_service.node import setting_kinds as kinds
from did_service.node.setting_kinds import Kind, TomlValue
from did_service.program.words import read_help

WORDS = "help_settings"
LANGUAGES = ("zh", "en")


class ServiceKind(StrEnum):
    """What one configuration file starts."""

    REGION = "region"  # registry, witness and resolver behind one host
    REGISTRY = "registry"  # alone; its witness runs elsewhere
    WITNESS = "witness"  # alone
    AGENCY = "agency"  # the issuer of one agency


LOGGING = frozenset({ServiceKind.REGION, ServiceKind.REGISTRY})
WITNESSING = frozenset({ServiceKind.REGION, ServiceKind.WITNESS})
OF_REGION = LOGGING | WITNESSING
OF_AGENCY = frozenset({ServiceKind.AGENCY})
EVERY = frozenset(ServiceKind)


class _Required:
    """Stands where a setting has no default."""


REQUIRED = _Required()


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        section: Its table.
        name: Its key.
        kind: What it takes.
        default: A value of TOML; `REQUIRED` where it must be given.
        services: The services that have it.
    """

    section: str
    name: str
    kind: Kind
    default: TomlValue
    services: frozenset[ServiceKind]

    @property
    def told(self) -> Bilingual:
        """What it does, as the file's comment has it."""
        zh, en = (
            read_help(tongue, WORDS)[f"{self.section}.{self.name}"] for tongue in LANGUAGES
        )
        return Bilingual(zh, en)

    @property
    def variable(self) -> str:
        """The environment variable that goes before the file."""
        return f"DIDSVC_{self.section}_{self.name}".upper()


def _row(
    place: str, kind: Kind, default: TomlValue, services: frozenset[ServiceKind]
) -> Setting:
    section, _, name = place.partition(".")
    return Setting(section, name, kind, default, services)


_HOSTS = kinds.texts(kinds.HOST, 1, 16)
_URLS = kinds.texts(kinds.URL, 0, 64)
_CONNECTIONS = kinds.whole(MIN_DATABASE_CONNECTIONS, MAX_DATABASE_CONNECTIONS)
_DAY = 86_400
_NO = False

SETTINGS = (
    _row("service.kind", kinds.choice(*ServiceKind), REQUIRED, EVERY),
    _row("service.region", kinds.WORD, REQUIRED, OF_REGION),
    _row("service.hosts", _HOSTS, REQUIRED, EVERY),
    _row("service.policy", kinds.PATH, "policy.json", OF_REGION),
    _row("listen.address", kinds.LISTEN, "unix:run/service.sock", EVERY),
    _row("listen.public", kinds.FLAG, _NO, EVERY),
    _row("listen.shared", kinds.FLAG, _NO, EVERY),
    _row("storage.folder", kinds.PATH, "data", EVERY),
    _row("storage.database", kinds.DATABASE, "sqlite:", EVERY),
    _row("storage.connections", _CONNECTIONS, DATABASE_CONNECTIONS, EVERY),
    _row("storage.blobs", kinds.BLOBS, kinds.BLOBS_IN_FOLDER, OF_REGION),
    _row("storage.endpoint", kinds.ENDPOINT, "", OF_REGION),
    _row("storage.replica", kinds.FLAG, _NO, LOGGING),
    _row("storage.replica_most", kinds.seconds(10, _DAY), 180.0, LOGGING),
    _row("keys.keyring", kinds.PATH, "keys/keyring.json", EVERY),
    _row("keys.passphrase", kinds.PASSPHRASE, "credential:passphrase", EVERY),
    _row("publish.least", kinds.seconds(0, 3_600), 2.0, LOGGING),
    _row("publish.most", kinds.seconds(1, 3_600), 60.0, LOGGING),
    _row("publish.heads_least", kinds.whole(0, 3_600), 120, LOGGING),
    _row("publish.heads_most", kinds.whole(1, _DAY), 120, LOGGING),
    _row("publish.judges", kinds.whole(0, 64), 0, LOGGING),
    _row("witness.refresh", kinds.seconds(1, 3_600), 30.0, WITNESSING),
    _row("agency.url", kinds.URL, REQUIRED, OF_AGENCY),
    _row("agency.did_log", kinds.PATH, "did.jsonl", OF_AGENCY),
    _row("agency.jurisdiction", kinds.REGION_CODE, REQUIRED, OF_AGENCY),
    _row("agency.log_host", kinds.HOST, REQUIRED, OF_AGENCY),
    _row("agency.statements", kinds.texts(kinds.LINE, 0, 16), [], OF_AGENCY),
    _row("agency.mirrors", _URLS, [], OF_AGENCY),
    _row("agency.officers", kinds.PATH, "officers.json", OF_AGENCY),
    _row("agency.tick", kinds.seconds(1, 3_600), 600.0, OF_AGENCY),
    _row("agency.status_hours", kinds.whole(1, 24 * 31), 1, OF_AGENCY),
    _row("log.format", kinds.choice("text", "json"), "text", EVERY),
    _row("log.level", kinds.choice("debug", "info", "warning", "error"), "info", EVERY),
)  # fmt: skip

# Tables with a name of the operator's own: [peers."hn.example"], [items.residence-permit].
NAMED = {
    "peers": (
        _row("peers.address", kinds.PEER, "", EVERY),
        _row("peers.ca", kinds.PATH, "", EVERY),
    ),
    "items": (
        _row("items.type", kinds.WORD, REQUIRED, OF_AGENCY),
        _row("items.schema_id", kinds.LINE, REQUIRED, OF_AGENCY),
        _row("items.schema", kinds.PATH, REQUIRED, OF_AGENCY),
        _row("items.cryptosuite", kinds.choice("eddsa-jcs-2022", "eddsa-rdfc-2022"),
             "eddsa-rdfc-2022", OF_AGENCY),
        _row("items.valid_days", kinds.whole(1, 36_525), 365, OF_AGENCY),
    ),
}  # fmt: skip
NAMES = {"peers": kinds.HOST, "items": kinds.WORD}


def settings_of(service: ServiceKind) -> Iterator[Setting]:
    """Yield the settings of a service in the order of its file."""
    return (each for each in SETTINGS if service in each.services)


def variable_of(place: str) -> str:
    """Return the environment variable of a setting."""
    return next(row.variable for row in SETTINGS if f"{row.section}.{row.name}" == place)


def named_of(service: ServiceKind) -> dict[str, tuple[Setting, ...]]:
    """Return the rows of each named table that a service may have."""
    return {name: rows for name, rows in NAMED.items() if service in rows[0].services}
