"""Outgoing calls, the only ones of the house: how to reach a peer, and each peer's calls."""
