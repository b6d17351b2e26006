"""The agencies of the story: what their region grants them, and what they are set up with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from did_service.cli.demo.cast import AgencyPlan, schema_of
from did_service.cli.founding import OfficeIdentity
from did_service.core.anchor.bodies.authority import Authority
from did_service.core.did.webvh import write
from did_service.issuer.agency import LIST_NUMBERS, Agency, Item, Officer
from did_service.issuer.officers import hash_token

ACCEPTING = "officer-li"
APPROVING = "officer-zhao"
_ROLES = {
    ACCEPTING: frozenset({"accept"}),
    APPROVING: frozenset({"approve", "revoke"}),
}
_PERMIT_TIME = timedelta(days=5 * 365)
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


def agency_of(
    agency: AgencyPlan,
    identity: OfficeIdentity,
    authority: Authority,
    log_host: str,
    tokens: Mapping[str, str],
) -> Agency:
    """Return what an issuer is set up with; `tokens` are its officers' logins by name."""
    item = Item(
        id=agency.item,
        type_name=agency.class_name,
        schema_id=agency.schema_id,
        schema=schema_of(agency.item),
        cryptosuite=agency.cryptosuite,
        valid_for=_PERMIT_TIME,
    )
    return Agency(
        url=agency.url,
        did=identity.did,
        method=identity.method,
        key=identity.sign,
        jurisdiction=agency.jurisdiction,
        log_host=log_host,
        statements=(authority.subject,),
        mirrors=(f"https://{log_host}/reg", "https://cn.example/reg"),
        items=(item,),
        officers=tuple(
            Officer(name, hash_token(tokens[name]), roles) for name, roles in _ROLES.items()
        ),
        did_log=write.encode_log([identity.entry]),
    )
