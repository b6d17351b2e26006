"""Identifier profiles: what our own authorities and agencies promise beyond did:webvh 1.0.

| profile   | pre-rotation | portable     | native witnesses |
| --------- | ------------ | ------------ | ---------------- |
| AUTHORITY | always       | no           | yes              |
| ISSUER    | always       | no           | as they like     |
| MOVABLE   | always       | from entry 1 | as they like     |
| FOREIGN   | as they like | as they like | as they like     |

Documents of AUTHORITY and ISSUER speak for their own DID alone (threat rule 16).
With pre-rotation always on, and never onto a key that was already shown, a thief of the current
update key cannot take the DID over (threat rule 15).
"""

from __future__ import annotations

from enum import Enum

from did_service.core.did.webvh.state import HistoryState
from did_service.core.errors import RuleError


class Profile(Enum):
    """Which promises a did:webvh is held to."""

    AUTHORITY = "A"
    ISSUER = "B"
    MOVABLE = "C"
    FOREIGN = "X"


def check_profile(state: HistoryState, profile: Profile) -> None:
    """Check that the newest version keeps its profile; call it after every `accept`.

    Raises:
        RuleError: `pre_rotation_dropped`: no next keys, and not deactivated.
        RuleError: `next_key_revealed`: a next key was shown before, in parameters or documents.
        RuleError: `portable_refused` or `portable_required`; `witness_required`.
        MalformedError: `controller_foreign` or `method_foreign`: the document speaks for
            somebody else.
    """
    if profile is Profile.FOREIGN:
        return
    parameters = state.version.parameters
    if parameters.portable is not (profile is Profile.MOVABLE):
        code = "portable_required" if profile is Profile.MOVABLE else "portable_refused"
        raise RuleError(code, f"portable is {parameters.portable} in profile {profile.value}")
    if profile is not Profile.MOVABLE:  # that one keeps the methods of its former DIDs
        state.version.document.check_self_controlled()
    if state.deactivated:
        return
    if not parameters.pre_rotation:
        raise RuleError("pre_rotation_dropped", "nextKeyHashes may not be empty before the end")
    if state.revealed.include_any(parameters.next_key_hashes):
        raise RuleError("next_key_revealed", "a next key was already shown")
    if profile is Profile.AUTHORITY and state.witness_rule is None:
        raise RuleError("witness_required", "an authority's versions need native witnesses")
