"""A transparency log as bytes: trees, tiles, checkpoints, cosignatures, quorums.

Follows the C2SP texts, so foreign tools can check everything here. What an entry means is
decided elsewhere (`core.anchor`); this room never looks inside one.

    entry bytes ─ merkle ─ tiles             files that never change
                     │
                  root hash ─ checkpoint ─ note          signed by the log
                                   │
                             cosignature ─ witnessing    signed by k other operators
                                   │
                     proof ─ policy                      what a verifier accepts
"""
