"""A region's folder as founding leaves it: policy beside keyring and configuration."""

from pathlib import Path

from did_service.core.crypto.keyring import KeyRole
from did_service.core.encoding import strict_json
from did_service.core.text import Bilingual
from did_service.node.founding import Founded, Plan, RegionPlan, found_federation
from did_service.node.initial import initialise
from did_service.node.setting_table import ServiceKind
from did_service.program.clock import ClockAndRandom
from did_service.signer.keyring import open_keyring
from tests.support.founding import NAMES, TERRITORY
from tests.support.keyrings import CHEAP

HOST = "gd.example"
PASSPHRASE = "tiger-7-lantern-42"


def found(edge: ClockAndRandom) -> Founded:
    """Found the federation in this process, with its data logs of two years."""
    year = edge.clock().year
    regions = tuple(
        RegionPlan(name, Bilingual(NAMES[name], name), code, f"{name}.example")
        for name, code in TERRITORY.items()
    )
    plan = Plan("urn:didsvc:federation:test", regions, (year, year + 1), 3, 3, 1, demo=True)
    return found_federation(plan, edge)


def region_folder(
    place: Path,
    founded: Founded,
    passphrase: Path,
    edge: ClockAndRandom,
    kind: ServiceKind = ServiceKind.REGION,
) -> Path:
    """Make the folder of a service of the region `gd`, and give it the founded keys."""
    chosen = {
        "service.region": "gd",
        "service.hosts": [HOST],
        "keys.passphrase": f"file:{passphrase}",
    }
    made = initialise(place, kind, chosen, PASSPHRASE, edge, CHEAP)
    keyring = open_keyring(made.configuration.path("keys.keyring"), PASSPHRASE, edge.rng)
    for record in keyring.records:
        keyring.drop(record.role, record.name, record.public)
    keys = founded.keys["gd"]
    for origin, signer in keys.logs.items():
        keyring.adopt(KeyRole.LOG, origin, signer.key)
    keyring.adopt(KeyRole.COSIGNER, keys.witness.name, keys.witness.key)
    keyring.adopt(KeyRole.NATIVE, HOST, keys.native)
    (place / "policy.json").write_text(strict_json.dumps(founded.policy.members))
    return place
