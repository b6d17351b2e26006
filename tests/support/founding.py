"""The demo federation: regions, keys made from names (one a role), and the first policy."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.log.cosignature import Cosigner
from did_service.core.log.note import NoteSigner
from did_service.core.log.policy import KnownWitness, LogPolicy, PolicyLog
from did_service.core.log.quorum import Quorum
from tests.support.dids import key

FEDERATION = "urn:didsvc:federation:demo"
TERRITORY = {"gd": "440000", "hn": "430000", "zj": "330000", "sc": "510000", "cn": "000000"}
NAMES = {"gd": "广东", "hn": "湖南", "zj": "浙江", "sc": "四川", "cn": "全国"}
QUORUM = 3  # of the four other regions, with one liar among them

GOVERNORS = ("gd", "hn", "zj")  # three of five sign a policy


def log_signer(origin: str) -> NoteSigner:
    """The key of a log."""
    return NoteSigner(origin, key(f"{origin} log"))


def witness(region: str) -> Cosigner:
    """The cosigner of a region."""
    return Cosigner(f"{region}.example/witness", key(f"{region} witness"))


def governor(region: str) -> SigningKey:
    """The governance key of a region."""
    return key(f"{region} governance")


def native(region: str) -> SigningKey:
    """The key with which a region witnesses other regions' root DIDs."""
    return key(f"{region} native witness")


def log_policy(origin: str, k: int = QUORUM) -> LogPolicy:
    """Any `k` of the other regions' witnesses."""
    others = [region for region in TERRITORY if not origin.startswith(f"{region}.")]
    return LogPolicy(
        (PolicyLog(log_signer(origin).verifier_key, f"https://{origin}"),),
        tuple(
            KnownWitness(each, witness(each).verifier_key, f"https://{each}.example/witness")
            for each in others
        ),
        Quorum.of(k, others),
    )


def origins_of(region: str, years: Iterable[int]) -> list[str]:
    """The logs of a region."""
    host = f"{region}.example"
    return [f"{host}/reg", *(f"{host}/ev/{year}" for year in years)]


def policy_members(
    roots: Mapping[str, str], years: Iterable[int], created: datetime
) -> JsonObject:
    """The first policy, unsigned.

    Args:
        roots: Root DID by region.
        years: Of the ev logs.
        created: It expires a year later.
    """
    years = tuple(years)
    governors = [multikey.encode_ed25519(governor(region).public) for region in roots]
    return {
        "format": "didsvc-policy/1",
        "federation": FEDERATION,
        "demo": True,
        "seq": 1,
        "previous": None,
        "expires": timestamps.encode(created + timedelta(days=365)),
        "rules": 1,
        "regions": [_region(region, root, years) for region, root in roots.items()],
        "faults": {"regions": 1, "outside": 0},
        "governance": {"k": len(GOVERNORS), "keys": governors},
        "tiers": {"online": 300, "day": 86_400, "field": 604_800},
        "waivers": [],
    }


def _region(region: str, root: str, years: Iterable[int]) -> JsonObject:
    host = f"{region}.example"
    return {
        "id": region,
        "name": {"zh": NAMES[region], "en": region},
        "territory": [TERRITORY[region]],
        "hosts": [host],
        "prefixes": [f"https://{host}/"],
        "root": root,
        "logs": {
            origin: log_policy(origin).encode().decode() for origin in origins_of(region, years)
        },
        "witness": witness(region).verifier_key.encode(),
        "daily_entries": 100_000,
        "daily_bytes": 200_000_000,
    }
