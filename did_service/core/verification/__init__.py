"""Verifying with no network: what is presented, what proves it, and what a clerk is told.

    evidence ── bundle        sets of proofs as they travel; nothing in them is believed
        │ verify_evidence
    anchored                  what a quorum of the pinned policy stands behind
        │ checks (steps 1 to 13)
    verify ──► report ──► render (words for people; the sentences are in `messages`)

`staple` names what one credential needs. Design: docs/offline-verification.md.
"""
