"""An agency that accepts applications, approves them, issues, revokes and anchors.

    citizen ── applications ──► issuance ──► pick-up        (routes, wire)
    officer ── accept, approve, revoke ──► status
                                 │            │
                              evidence ──► chains ──► registry (the region's log)

Accepting and approving are two people's work (threat rule 33); what is anchored goes through
`chains`, which loses no entry when the log or the process fails.
"""
