"""The folders of a federation on one machine: what `init` makes, with the keys of a founding.

    DIR/policy.json              the policy that all of them pin
    DIR/passphrase               opens each keyring below; 0600
    DIR/regions/ID/              as `did-service region init` makes it
    DIR/agencies/ID/             as `did-service agency init` makes it, with its schema

Each of them can be served alone: `did-service region serve DIR/regions/gd`. The policy says
demo and the passphrase lies beside what it opens, so keys are sealed at the lowest costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.keyring import KeyRole
from did_service.core.crypto.sealed import Argon2id
from did_service.core.encoding import b64, strict_json
from did_service.node.configuration import FILE, Configuration
from did_service.node.configuration_file import configuration_text, written
from did_service.node.founding import Founded, OfficeIdentity, RegionPlan
from did_service.node.initial import initialise
from did_service.node.local.agencies import PERMIT_DAYS
from did_service.node.local.members import AgencyPlan, schema_of
from did_service.node.setting_kinds import TomlValue
from did_service.node.setting_table import ServiceKind
from did_service.program.clock import ClockAndRandom
from did_service.program.files import make_private_directory, replace_file
from did_service.signer.keyring import NAME, Keyring, create_keyring, open_keyring

POLICY = "policy.json"
PASSPHRASE = "passphrase"  # noqa: S105 - a file's name
# By hand: the story publishes when it says so; nothing happens behind its back.
BY_HAND: Mapping[str, TomlValue] = {
    "publish.least": 0.0,
    "publish.most": 3_600.0,
    "publish.heads_least": 0,
    "publish.heads_most": 3_600,
}
# Short: what an officer has done can be shown at a counter some seconds later.
SHORT: Mapping[str, TomlValue] = {
    "publish.least": 0.5,
    "publish.most": 60.0,
    "publish.heads_least": 1,
    "publish.heads_most": 120,
    "witness.refresh": 5.0,
}
SHORT_TICK = 10.0
_PASSPHRASE_BYTES = 24


def cheap(salt: bytes) -> Argon2id:
    """Return the least that libsodium takes: for keys whose passphrase lies beside them."""
    return Argon2id(1, 8_192, salt)


@dataclass(frozen=True, slots=True)
class Folders:
    """Makes the folders of one federation.

    Attributes:
        folder: DIR.
        edge: Clock and randomness.
        pace: Settings of how often logs publish.
        tick: Seconds between two anchorings of an agency.
    """

    folder: Path
    edge: ClockAndRandom
    pace: Mapping[str, TomlValue]
    tick: float = 3_600.0

    def begin(self, founded: Founded) -> None:
        """Write the policy and a new passphrase."""
        make_private_directory(self.folder)
        policy = strict_json.dumps(founded.policy.members)
        replace_file(self.folder / POLICY, policy.encode())
        word = b64.encode_url(self.edge.rng(_PASSPHRASE_BYTES))
        replace_file(self.folder / PASSPHRASE, f"{word}\n".encode())

    def passphrase(self) -> str:
        """Return the passphrase of all keyrings."""
        return (self.folder / PASSPHRASE).read_text(encoding="utf-8").strip()

    def make_region(self, region: RegionPlan, founded: Founded) -> None:
        """Make the folder of a region that has been founded."""
        place = self.folder / "regions" / region.id
        passphrase = self.passphrase()
        keyring = create_keyring(place / "keys" / NAME, passphrase, self.edge.rng, cheap)
        keyring.adopt_all(_keys_of(region.host, founded, region.id))
        chosen = self._chosen(region.host) | dict(self.pace)
        chosen |= {"service.region": region.id, "service.policy": f"../../{POLICY}"}
        initialise(place, ServiceKind.REGION, chosen, passphrase, self.edge, cheap)

    def make_agency(self, agency: AgencyPlan) -> OfficeIdentity:
        """Make the folder of an agency, which has no authority yet, and return its identity."""
        place, passphrase = self._agency(agency), self.passphrase()
        chosen = self._settings(agency)
        made = initialise(place, ServiceKind.AGENCY, chosen, passphrase, self.edge, cheap)
        return _identity(made.configuration, self._keyring(made.configuration, passphrase))

    def name_statement(self, agency: AgencyPlan, statement: str) -> None:
        """Write into an agency's configuration what it was granted, and what it issues."""
        place = self._agency(agency)
        schema = place / "schemas" / f"{agency.item}.json"
        make_private_directory(schema.parent)
        replace_file(schema, strict_json.dumps(schema_of(agency.item)).encode())
        chosen = {**self._settings(agency), "agency.statements": [statement]}
        lines = [configuration_text(ServiceKind.AGENCY, chosen), *_item(agency)]
        replace_file(place / FILE, "\n".join(lines).encode())

    def _agency(self, agency: AgencyPlan) -> Path:
        return self.folder / "agencies" / agency.id

    def _chosen(self, host: str) -> dict[str, TomlValue]:
        passphrase = self.folder.absolute() / PASSPHRASE
        return {"service.hosts": [host], "keys.passphrase": f"file:{passphrase}"}

    def _settings(self, agency: AgencyPlan) -> Mapping[str, TomlValue]:
        return {
            **self._chosen(agency.host),
            "agency.url": agency.url,
            "agency.jurisdiction": agency.jurisdiction,
            "agency.log_host": agency.log_host,
            "agency.mirrors": list(agency.mirrors),
            "agency.tick": self.tick,
        }

    def _keyring(self, configuration: Configuration, passphrase: str) -> Keyring:
        return open_keyring(configuration.path("keys.keyring"), passphrase, self.edge.rng)


def _keys_of(
    host: str, founded: Founded, region: str
) -> Iterator[tuple[KeyRole, str, SigningKey]]:
    """Yield every key of a region with the name that it has in a keyring."""
    keys, root = founded.keys[region], founded.roots[region]
    for origin, signer in keys.logs.items():
        yield KeyRole.LOG, origin, signer.key
    yield KeyRole.COSIGNER, keys.witness.name, keys.witness.key
    yield KeyRole.NATIVE, host, keys.native
    yield KeyRole.GOVERNANCE, host, keys.governance
    yield KeyRole.ASSERTION, host, root.sign
    yield KeyRole.UPDATE, host, root.update
    yield KeyRole.NEXT, host, root.next


def _identity(configuration: Configuration, keyring: Keyring) -> OfficeIdentity:
    """Return the identity of an agency whose DID has one version."""
    host = configuration.host
    entry = strict_json.load_object(configuration.path("agency.did_log").read_bytes())
    state = strict_json.as_object(entry["state"], "state")
    did = strict_json.as_text(state["id"], "id")
    sign, update, following = (
        keyring.key(role, host) for role in (KeyRole.ASSERTION, KeyRole.UPDATE, KeyRole.NEXT)
    )
    return OfficeIdentity(did, f"{did}#key-1", sign, update, following, entry)


def _item(agency: AgencyPlan) -> Iterator[str]:
    """Yield the table of what an agency issues."""
    yield f"[items.{agency.item}]"
    values: Mapping[str, TomlValue] = {
        "type": agency.class_name,
        "schema_id": agency.schema_id,
        "schema": f"schemas/{agency.item}.json",
        "cryptosuite": agency.cryptosuite,
        "valid_days": PERMIT_DAYS,
    }
    for name, value in values.items():
        yield f"{name} = {written(value)}"
    yield ""
