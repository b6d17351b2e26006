"""What `init` makes: folders, a keyring with the first keys, and the configuration, last.

    DIR/did-service.toml      every setting explained; written last, and never over another
    DIR/keys/keyring.json     0600 in 0700: keys that nobody else has seen
    DIR/data, DIR/run         0700
    DIR/did.jsonl             of an agency: the first version of its DID

Killed on the way it goes on where it was: keys that are there stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from did_service.core.crypto.keyring import KeyRecord, KeyRole
from did_service.core.crypto.sealed import Argon2id
from did_service.core.did.webvh import write
from did_service.core.errors import ConflictError
from did_service.node.configuration import FILE, Configuration, parse_configuration
from did_service.node.configuration_file import configuration_text
from did_service.node.founding import did_of_log, first_version
from did_service.node.setting_kinds import TomlValue
from did_service.node.setting_table import LOGGING, OF_AGENCY, WITNESSING, ServiceKind
from did_service.program.clock import ClockAndRandom
from did_service.program.files import make_private_directory, replace_file, whole
from did_service.signer.keyring import DerivationCosts, Keyring, create_keyring, open_keyring


@dataclass(frozen=True, slots=True)
class Initial:
    """What was made.

    Attributes:
        configuration: As it will be read.
        records: Every key of the keyring, public halves alone.
        did: Of an agency, its DID.
    """

    configuration: Configuration
    records: tuple[KeyRecord, ...]
    did: str | None = None


def initialise(
    folder: Path,
    kind: ServiceKind,
    chosen: Mapping[str, TomlValue],
    passphrase: str,
    edge: ClockAndRandom,
    costs: DerivationCosts = Argon2id.moderate,
) -> Initial:
    """Make a service's folder, keyring and configuration.

    Args:
        folder: Made where it is missing.
        kind: Which service.
        chosen: Settings by place; everything else has its default.
        passphrase: Of the new keyring.
        edge: Clock and randomness.
        costs: Of the key derivation.

    Raises:
        ConflictError: `file_exists`: there is a configuration; nothing was touched.
        UsageError: `configuration_invalid`: a chosen setting is off; nothing was made.
        DecryptionError: `keyring_not_opened`: a keyring of another passphrase is there.
    """
    file = folder / FILE
    if file.exists():
        raise ConflictError("file_exists", whole(file))
    text = configuration_text(kind, chosen).encode()
    draft = parse_configuration(file, text, {}, kind, is_made=False)
    make_private_directory(folder)
    for name in ("storage.folder", "keys.keyring"):
        path = draft.path(name)
        make_private_directory(path if name == "storage.folder" else path.parent)
    keyring = _keyring(draft.path("keys.keyring"), passphrase, edge, costs)
    keyring.make_missing(_wanted(kind, draft.host, edge.clock().year))
    did = _agency_did(draft, keyring, edge) if kind in OF_AGENCY else None
    replace_file(file, text)
    return Initial(draft, keyring.records, did)


def _keyring(
    path: Path, passphrase: str, edge: ClockAndRandom, costs: DerivationCosts
) -> Keyring:
    if path.exists():
        return open_keyring(path, passphrase, edge.rng)
    return create_keyring(path, passphrase, edge.rng, costs)


def _wanted(kind: ServiceKind, host: str, year: int) -> Mapping[KeyRole, Iterable[str]]:
    """Return the keys that a service begins with, by role."""
    wanted: dict[KeyRole, Iterable[str]] = {}
    if kind in LOGGING:
        wanted[KeyRole.LOG] = (f"{host}/reg", f"{host}/ev/{year}", f"{host}/ev/{year + 1}")
    if kind in WITNESSING:
        wanted |= {KeyRole.COSIGNER: (f"{host}/witness",), KeyRole.NATIVE: (host,)}
    if kind in OF_AGENCY:
        wanted[KeyRole.ANCHOR] = (host,)
    if kind is not ServiceKind.WITNESS:
        of_did = (KeyRole.ASSERTION, KeyRole.UPDATE, KeyRole.NEXT)
        wanted |= dict.fromkeys(of_did, (host,))
    return wanted


def _agency_did(draft: Configuration, keyring: Keyring, edge: ClockAndRandom) -> str:
    """Write the first version of an agency's DID, once its keys are kept."""
    host, path = draft.host, draft.path("agency.did_log")
    if path.exists():  # made by an `init` that was killed: its keys are those of the keyring
        return did_of_log(path.read_bytes())
    signing = [keyring.key(role, host) for role in (KeyRole.ASSERTION, KeyRole.ANCHOR)]
    update, following = keyring.key(KeyRole.UPDATE, host), keyring.key(KeyRole.NEXT, host)
    did, entry = first_version(host, signing, update, following, edge.clock())
    replace_file(path, write.encode_log([entry]))
    return did
