"""`federation witness`: a witness on a host of its own says what a member file says of it.

Its keys are made there and stay there. Run again it hands on the same file, until a key is to
be replaced; one that was made for a policy which never came is used, not made again.
"""

from __future__ import annotations

from dataclasses import dataclass

from did_service.core.errors import UsageError
from did_service.node.federation.region_folder import RegionFolder
from did_service.node.federation.region_keys import CeremonyKeys, Rotation
from did_service.node.federation.witness_part import WitnessPart, sign_part
from did_service.program.clock import ClockAndRandom
from did_service.signer.keyring import Keyring


@dataclass(frozen=True, slots=True)
class ToldPart:
    """A witness file, and whether it says anything new."""

    part: WitnessPart
    changed: bool


def tell(
    folder: RegionFolder, keyring: Keyring, edge: ClockAndRandom, *, rotate: bool = False
) -> ToldPart:
    """Make the keys that are missing, and the witness file.

    Args:
        folder: Of the witness.
        keyring: Its keys.
        edge: Clock and randomness.
        rotate: Whether the key that cosigns is to be replaced.

    Raises:
        UsageError: `rotation_early`: there is no policy in which a key could be replaced.
    """
    keys = CeremonyKeys(keyring, folder.host)
    keys.make_missing_of_witness()
    if rotate:
        _rotate(folder, keys)
    part = keys.part(folder.region)
    present = folder.part()
    if present is not None and present.document == part.document:
        return ToldPart(present, changed=False)
    signed = sign_part(part, keys.proving(part.publics), edge.clock())
    folder.keep_part(signed)
    return ToldPart(signed, changed=True)


def _rotate(folder: RegionFolder, keys: CeremonyKeys) -> None:
    standing = folder.standing()
    if standing is None:
        raise UsageError("rotation_early", "no policy names a key of this witness yet")
    if keys.witness == standing.region(folder.region).witness:
        keys.rotate(Rotation(witness=True))
