"""A region leaves the federation: the next policy, and who judges by it.

fed.policy = without(fed, "gd")     # signed by three of those who stay
log_policy(fed, "hn.example/reg")   # … and handed in to a log, from which on it counts there
"""

from copy import deepcopy

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.crypto import multikey
from did_service.core.log.quorum import Quorum
from tests.support.federation import Federation
from tests.support.founding import QUORUM, TERRITORY, governor


def staying(region: str) -> list[str]:
    """The regions that stay where one leaves."""
    return [each for each in TERRITORY if each != region]


def without(fed: Federation, region: str) -> Policy:
    """Write the next policy without a region: its host is nobody's, its witness nowhere."""
    regions = [deepcopy(each) for each in fed.policy.members["regions"] if each["id"] != region]
    for each in regions:
        each["logs"] = {origin: _text(fed, origin, region) for origin in each["logs"]}
    keys = [governor(each) for each in staying(region)]
    return fed.next_policy(
        keys[:QUORUM],
        regions=regions,
        retired=[f"{region}.example"],
        governance={"k": 3, "keys": [multikey.encode_ed25519(key.public) for key in keys]},
    )


def log_policy(fed: Federation, origin: str) -> LoggedEntry:
    """Hand the policy in force in to a log."""
    body = {"policy": fed.policy.members}
    return fed.submit(origin, fed.compose(origin, "policy", fed.policy.federation, body))


def _text(fed: Federation, origin: str, region: str) -> str:
    text = fed.policy.log_policy(origin)
    others = tuple(each for each in text.witnesses if each.name != region)
    quorum = Quorum.of(QUORUM, [each.name for each in others])
    return type(text)(text.logs, others, quorum).encode().decode()
