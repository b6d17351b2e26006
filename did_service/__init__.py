"""Decentralized identifiers and verifiable credentials with a witnessed log.

Authorities publish did:webvh histories, schemas and status to a log that other regions copy,
check and cosign; holders carry credentials with their evidence; a counter checks them without
a network, from a pinned policy. `core` is the law: bytes in, values out, no I/O. The other
packages are its edges: servers, the HTTP client, trust files and commands.

Programs of others come in by one door, loaded when it is first asked for (docs/python.md):

    from did_service import verify
"""

from importlib import import_module
from typing import TYPE_CHECKING

from did_service.program.version import __version__

if TYPE_CHECKING:
    from did_service.front_door import DidServiceError, Outcome, Report, verify

__all__ = ["DidServiceError", "Outcome", "Report", "__version__", "verify"]


def __getattr__(name: str) -> object:
    """Load the front door when one of its names is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("did_service.front_door"), name)
