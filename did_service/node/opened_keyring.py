"""The keyring of a folder, opened for a command or a service."""

from __future__ import annotations

from collections.abc import Mapping

from did_service.node.configuration import Configuration
from did_service.program.clock import SYSTEM
from did_service.program.passphrase import read_passphrase
from did_service.signer.keyring import Keyring, open_keyring


def opened_keyring(
    configuration: Configuration, place: str | None, environment: Mapping[str, str]
) -> Keyring:
    """Open a service's keyring with the passphrase at a place, else at the configured one."""
    passphrase = read_passphrase(place or configuration.text("keys.passphrase"), environment)
    return open_keyring(configuration.path("keys.keyring"), passphrase, SYSTEM.rng)
