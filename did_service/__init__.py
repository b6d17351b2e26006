"""Decentralized identifiers and verifiable credentials with a witnessed log.

Authorities publish did:webvh histories, schemas and status to a log that other regions copy,
check and cosign; holders carry credentials with their evidence; a counter checks them without
a network, from a pinned policy. `core` is the law: bytes in, values out, no I/O. The other
packages are its edges: servers, the HTTP client, trust files and commands.
"""

__version__ = "0.2.0"
