"""Whether what a monitor says against a log rests on sound copies.

A copy that was damaged here must accuse nobody (docs/adr/0060-own-damage-and-others.md).
"""

from __future__ import annotations

import logging

from did_service.core.errors import DidServiceError, UnavailableError, quote
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.monitor.store import MonitorStore
from did_service.replica.fsck import examine
from did_service.replica.mirror import Mirror
from did_service.replica.replica import Replica

_LOG = logging.getLogger("did_service.monitor")


def mend_copies(mirror: Mirror, store: MonitorStore) -> bool:
    """Examine all copies, since entries of one log rest on others, and mend them.

    Returns:
        Whether any was damaged.

    Raises:
        UnavailableError: `mirror_damaged`: neither rows nor files are what was copied; or the
            disk or the database.
    """
    damaged = [origin for origin, each in mirror.replicas.items() if not _is_sound(each)]
    for origin in damaged:
        heads = [HeldCheckpoint(each.size, each.root) for each in store.checked(origin)]
        if not mirror.mend(origin, heads) or not _is_sound(mirror.replicas[origin]):
            raise UnavailableError("mirror_damaged", f"our copy of {origin} is damaged")
        _LOG.warning("copy of %s: mended", quote(origin))
    return bool(damaged)


def _is_sound(replica: Replica) -> bool:
    try:
        return not examine(replica)
    except UnavailableError:
        raise
    except DidServiceError:
        return False
