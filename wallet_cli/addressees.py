"""To whom personal data may go: hosts of the pinned policy, and others only by their name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from did_service.client.web_address import host_of
from did_service.core.errors import PolicyError, RuleError, quote
from did_service.core.text import Bilingual

if TYPE_CHECKING:
    from wallet_cli.session import Session


def check_addressee(session: Session, url: str, unlisted: str | None) -> Bilingual | None:
    """See to it that a host is known, or was named as one that is not.

    Args:
        session: Its pinned policy knows hosts.
        url: Of an issuer, or a pick-up address.
        unlisted: The host that a person insists on; None where nobody does.

    Returns:
        The name of the host's region; None for a host that no policy vouches for.

    Raises:
        UsageError: `url_invalid`: no https URL of a host.
        RuleError: `issuer_unlisted`: nothing was sent.
    """
    host = host_of(url)
    policy = session.trust.policy()
    try:
        if policy is not None:
            return policy.region_of_host(host).name
    except PolicyError:
        pass
    if unlisted is not None and unlisted.lower() == host:
        return None
    raise RuleError("issuer_unlisted", quote(host))
