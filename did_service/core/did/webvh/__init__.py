"""did:webvh 1.0: parameters, log entries, the law of the next entry, witnesses, writing.

    entry, parameters  ->  state (accept)  ->  witness  ->  history (whole logs)
                                 profile (our own promises)     write

What other rooms need is named here; writers import `webvh.write`.
"""

from did_service.core.did.webvh.history import History, verify_history
from did_service.core.did.webvh.parameters import Parameters, WitnessRule, next_key_hash
from did_service.core.did.webvh.profile import Profile, check_profile
from did_service.core.did.webvh.state import HistoryState, Version, accept
from did_service.core.did.webvh.witness import check_witness_proofs

__all__ = [
    "History",
    "HistoryState",
    "Parameters",
    "Profile",
    "Version",
    "WitnessRule",
    "accept",
    "check_profile",
    "check_witness_proofs",
    "next_key_hash",
    "verify_history",
]
