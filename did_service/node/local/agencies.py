"""What the agencies of this federation are granted, and who works there."""

from __future__ import annotations

from did_service.core.anchor.bodies.authority import Authority
from did_service.issuer.agency import LIST_NUMBERS
from did_service.node.founding import OfficeIdentity
from did_service.node.local.members import AgencyPlan

ACCEPTING = "officer-li"
APPROVING = "officer-zhao"
OFFICERS = {
    ACCEPTING: frozenset({"accept"}),
    APPROVING: frozenset({"approve", "revoke"}),
}
PERMIT_DAYS = 5 * 365
_AUTHORITY_SECONDS = 5 * 365 * 86_400


def list_urls(agency: AgencyPlan) -> tuple[str, ...]:
    """Return the URLs of an agency's status lists."""
    return tuple(f"{agency.url}/status/{number}" for number in LIST_NUMBERS.values())


def authority_of(
    agency: AgencyPlan, root: OfficeIdentity, identity: OfficeIdentity, begins: int
) -> Authority:
    """Return the statement that lets an agency issue its type in its place.

    Args:
        agency: The plan.
        root: The region's root, which grants and takes lists into custody.
        identity: The agency's own.
        begins: POSIX second from which it holds.
    """
    return Authority(
        granter=root.did,
        grantee=identity.did,
        scope=agency.scope,
        name=agency.name,
        roles=("issuer",),
        types=(agency.type_id,),
        items=(),
        prefixes=(),
        territory=(agency.jurisdiction,),
        valid_from=begins,
        until=begins + _AUTHORITY_SECONDS,
        state="active",
        since=None,
        status_lists=list_urls(agency),
        status_custodian=root.did,
        basis=agency.basis,
        other=None,
    )
