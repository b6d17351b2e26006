"""One region's two logs: take entries, order them, publish witnessed checkpoints.

    POST /LOG/entries ── sequencer ── database ── publisher: stage, sign, swap, install
                         one writer                   │
                                                      ▼
                                         witnesses of other regions, k of n
                                                      │
                                                      ▼  `checkpoint`, for everybody

The control log and the data logs are the same code. What is accepted is durable at once and
witnessed within seconds; without a quorum nothing new is published. Copies, static files and
evidence are the room `replica`.
"""
