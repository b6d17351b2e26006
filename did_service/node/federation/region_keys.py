"""The keys of one region as its keyring has them: what a member file names, and what signs.

    log ORIGIN · governance HOST
    assertion HOST · update HOST · next HOST          the region's root DID
    cosigner HOST/witness · native HOST               its witness, in a keyring of its own where
                                                      that runs on another host

This is the only place of the ceremony that knows where keys come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.keyring import KeyRole
from did_service.core.did.webvh.parameters import next_key_hash
from did_service.core.limits import MAX_LOG_KEYS
from did_service.core.log.cosignature import Cosigner
from did_service.core.log.note import NoteSigner, VerifierKey
from did_service.node.federation.member import RootKeys
from did_service.node.federation.witness_part import WitnessPart
from did_service.signer.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Rotation:
    """Which keys of a region are to be replaced by new ones.

    Attributes:
        logs: Origins of logs.
        witness: Its cosigner's.
        governance: The one that signs policies.
        drop_former: Name the former keys of logs no more. The policy in force has to name
            the new ones already: by them a log signs the entry that brings the next one.
    """

    logs: tuple[str, ...] = ()
    witness: bool = False
    governance: bool = False
    drop_former: bool = False

    @property
    def is_none(self) -> bool:
        """Say whether nothing is to be replaced."""
        return not (self.logs or self.witness or self.governance)


@dataclass(frozen=True, slots=True)
class CeremonyKeys:
    """The keys of the region that is named after a host."""

    keyring: Keyring
    host: str

    @property
    def witness_name(self) -> str:
        """The name under which it cosigns."""
        return f"{self.host}/witness"

    def make_missing(self, origins: Iterable[str]) -> None:
        """Make every key of logs, root and policies that is not there, in one write."""
        wanted: dict[KeyRole, Iterable[str]] = dict.fromkeys(_OF_HOST, (self.host,))
        self.keyring.make_missing({KeyRole.LOG: origins, **wanted})

    def make_missing_of_witness(self) -> None:
        """Make the two keys of the witness, where they are not there."""
        wanted = {KeyRole.COSIGNER: (self.witness_name,), KeyRole.NATIVE: (self.host,)}
        self.keyring.make_missing(wanted)

    def rotate(self, rotation: Rotation) -> None:
        """Make the new keys; the former ones stay until a policy no longer names them."""
        for origin in rotation.logs:
            self.keyring.succeed(KeyRole.LOG, origin)
        if rotation.witness:
            self.keyring.succeed(KeyRole.COSIGNER, self.witness_name)
        if rotation.governance:
            self.keyring.succeed(KeyRole.GOVERNANCE, self.host)

    def logs(
        self, origins: Iterable[str], in_force: Mapping[str, Sequence[VerifierKey]]
    ) -> Mapping[str, tuple[VerifierKey, ...]]:
        """Return the public keys of each log: the newest, and one that is in force before it.

        Args:
            origins: The logs.
            in_force: The keys that a policy names, by origin. A former key that none names has
                been taken out, and is never named again.
        """
        return {o: self._log_keys(o, in_force.get(o, ()))[:MAX_LOG_KEYS] for o in origins}

    @property
    def witness(self) -> VerifierKey:
        """The key under which it cosigns from now on."""
        key = self._newest(KeyRole.COSIGNER, self.witness_name)
        return Cosigner(self.witness_name, key).verifier_key

    @property
    def native(self) -> SigningKey:
        """The key that approves other regions' roots."""
        return self.keyring.key(KeyRole.NATIVE, self.host)

    @property
    def update(self) -> SigningKey:
        """The key that signs its root's first version."""
        return self.keyring.key(KeyRole.UPDATE, self.host)

    def governance(self, governors: Iterable[str]) -> list[SigningKey]:
        """Return each of its keys that is among these governance keys."""
        wanted = set(governors)
        kept = self.keyring.all(KeyRole.GOVERNANCE, self.host)
        return [k.key for k in kept if multikey.encode_ed25519(k.record.public) in wanted]

    def root(self) -> RootKeys:
        """Return the public keys of its root DID."""
        following = self.keyring.key(KeyRole.NEXT, self.host)
        return RootKeys(
            (self._multikey(KeyRole.ASSERTION),),
            self._multikey(KeyRole.UPDATE),
            next_key_hash(multikey.encode_ed25519(following.public)),
        )

    @property
    def governor(self) -> str:
        """The multikey that signs policies from now on."""
        return self._multikey(KeyRole.GOVERNANCE)

    def part(self, region: str) -> WitnessPart:
        """Return what its witness says of itself, unsigned."""
        return WitnessPart(region, self.host, self.witness, self._multikey(KeyRole.NATIVE))

    def proving(self, publics: Iterable[bytes]) -> Iterator[SigningKey]:
        """Yield the key behind each public half that a member file names."""
        kept = {k.public: k for k in self._signing()}
        return (kept[public] for public in publics)

    def _signing(self) -> Iterator[SigningKey]:
        for record in self.keyring.records:
            if not record.restored:
                yield self.keyring.key(record.role, record.name, record.public)

    def _log_keys(
        self, origin: str, in_force: Sequence[VerifierKey]
    ) -> tuple[VerifierKey, ...]:
        kept: Sequence[SigningKey] = [k.key for k in self.keyring.all(KeyRole.LOG, origin)]
        newest, *former = (NoteSigner(origin, key).verifier_key for key in reversed(kept))
        return (newest, *(key for key in former if key in in_force))

    def _newest(self, role: KeyRole, name: str) -> SigningKey:
        return self.keyring.key(role, name)

    def _multikey(self, role: KeyRole) -> str:
        return multikey.encode_ed25519(self._newest(role, self.host).public)


_OF_HOST = (
    KeyRole.GOVERNANCE,
    KeyRole.ASSERTION,
    KeyRole.UPDATE,
    KeyRole.NEXT,
)
