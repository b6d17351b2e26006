"""Every word that `/ready` can say: the closed list that pages, alerts and tests go by.

A part of a server that is not well has one of these; each is a code with words in both
languages (program/words), a section of docs/operating.md of its name, where `/ready` sends the
reader, and a row of docs/what-to-do.md.
"""

from __future__ import annotations

from enum import StrEnum


class ReadyWord(StrEnum):
    """What is wrong with a part of a server."""

    # a log: registry
    NOT_PUBLISHED = "not_published"
    PUBLICATION_LATE = "publication_late"
    TREE_NOT_SYNCED = "tree_not_synced"
    LOG_BEHIND_ITS_SIGNATURE = "log_behind_its_signature"
    LOG_DIFFERS_FROM_ITS_SIGNATURE = "log_differs_from_its_signature"
    LOG_AHEAD = "log_ahead"
    ANOTHER_LEADS = "another_leads"
    REPLICA_LATE = "replica_late"
    CLOCK_WRONG = "clock_wrong"
    CLOCK_UNCONFIRMED = "clock_unconfirmed"
    NEXT_YEAR_LOG_MISSING = "next_year_log_missing"
    NEXT_YEAR_LOG_CLOSED = "next_year_log_closed"

    # the copies of a witness
    GUARD_DIFFERS = "guard_differs"
    MIRROR_DAMAGED = "mirror_damaged"

    # a log or a witness
    RULES_UNKNOWN = "rules_unknown"
    GUARD_MISSING = "guard_missing"
    GUARD_DAMAGED = "guard_damaged"
    STATE_UNREADABLE = "state_unreadable"

    # an agency: issuer
    STATUS_LISTS_MISSING = "status_lists_missing"
    LOG_SILENT = "log_silent"
    ISSUER_BEHIND_ITS_LOG = "issuer_behind_its_log"
    AUTHORITY_ENDED = "authority_ended"
    CLOCK_AHEAD = "clock_ahead"
    CLOCK_BEHIND_LOG = "clock_behind_log"
    REVOCATION_LOST = "revocation_lost"


def word_of_error(code: str) -> ReadyWord:
    """Return the word for an error that a service met when it looked at what it keeps.

    Args:
        code: Of the error. Most are words themselves; what the disk or the database says in
            codes of its own (`tree_not_read`, `database_damaged`) is one word here, and the
            running log has the code.
    """
    known = code in {each.value for each in ReadyWord}
    return ReadyWord(code) if known else ReadyWord.STATE_UNREADABLE
