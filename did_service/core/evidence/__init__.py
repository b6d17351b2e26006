"""Evidence: what the logs prove, and how old it is. It knows no credential.

sets ── bundle            pieces as they travel; nothing in them is believed
  │ proofs
proven_set                what a quorum of the pinned policy stands behind
  │ latest                newest at hand is not latest: that is proven as of a time
"""
