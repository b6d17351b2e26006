"""What was found of an entry that begins a DID, before its place in a log was known.

Such an entry is independent: of all the rules for it, only those about the log, the policy and
the second of sequencing need more than the entry itself. What is here is a judge's "yes" to all
others; there is no "no", because whoever has no such answer judges the entry whole.
"""

from typing import NamedTuple

from did_service.core.did.webvh.profile import Profile


class FirstVersion(NamedTuple):
    """An entry that begins a DID is good as far as it speaks for itself.

    Attributes:
        time: Its versionTime, in POSIX seconds, rounded up.
        portable: Whether it says that the DID may move.
        profiles: Those that it keeps.
    """

    time: int
    portable: bool
    profiles: frozenset[Profile]
