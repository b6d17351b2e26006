"""What a region keeps of a ceremony, beside its configuration; every step can be run again.

DIR/federation/member.json        what it has handed on about itself
DIR/federation/witness.json       the same of a witness on a host of its own
DIR/federation/draft.json         the draft that it has signed
DIR/federation/signatures.json    what it has signed
DIR/federation/approvals.json     what a witness on a host of its own has signed
DIR/federation/standing.json      the draft of the policy in force: all member files
DIR/federation/restored           when the folder came back from a backup, if it ever did
DIR/root/                         the root DID: `did_folder`
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from did_service.client.routes import Routes
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.encoding import jcs, strict_json
from did_service.core.errors import DidServiceError, NotFoundError, UsageError
from did_service.core.limits import MAX_CARRIED_BYTES
from did_service.node.configuration import FILE, Configuration, read_configuration
from did_service.node.did_folder import DidFolder
from did_service.node.federation.approvals import WitnessApprovals, parse_approvals
from did_service.node.federation.draft import Draft, parse_draft_file
from did_service.node.federation.member import Member, parse_member
from did_service.node.federation.signatures import DraftSignatures, parse_signatures
from did_service.node.federation.witness_part import WitnessPart, parse_witness_part
from did_service.node.pinned_policy import read_policy
from did_service.node.reaching import routes_beside
from did_service.node.restored_mark import ceremony_restored
from did_service.node.setting_table import LOGGING, ServiceKind
from did_service.program.files import (
    make_private_directory,
    read_file,
    read_own_file,
    replace_file,
    replace_public_file,
    whole,
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RegionFolder:
    """The folder of a region, or of its registry or witness alone; `open_region` makes it.

    Attributes:
        path: The folder.
        configuration: Its configuration.
        environment: Of the process.
    """

    path: Path
    configuration: Configuration
    environment: Mapping[str, str]

    @property
    def kind(self) -> ServiceKind:
        """What runs over it."""
        return self.configuration.kind

    @property
    def region(self) -> str:
        """The region's id."""
        return self.configuration.text("service.region")

    @property
    def host(self) -> str:
        """The host that its services are named after."""
        return self.configuration.host

    @property
    def root(self) -> DidFolder:
        """The folder of its root DID."""
        return DidFolder(self.path / "root")

    @property
    def policy_file(self) -> Path:
        """Where the policy in force lies."""
        return self.configuration.path("service.policy")

    def routes(self) -> Routes:
        """Return how peers are reached, and this region's own service at its own address."""
        return routes_beside(self.configuration, self.environment)

    def policy(self) -> Policy | None:
        """Return the policy in force here, None before the first."""
        return read_policy(self.policy_file) if self.policy_file.exists() else None

    def member(self) -> Member | None:
        """Return what was handed on about this region, None before `join`."""
        return self._kept("member.json", _member)

    def draft(self) -> Draft | None:
        """Return the draft that was signed here last."""
        return self._kept("draft.json", parse_draft_file)

    def standing(self) -> Draft | None:
        """Return the draft of the policy in force."""
        return self._kept("standing.json", parse_draft_file)

    def signatures(self) -> DraftSignatures | None:
        """Return what was signed here last."""
        return self._kept("signatures.json", parse_signatures)

    def part(self) -> WitnessPart | None:
        """Return what a witness alone has handed on about itself."""
        return self._kept("witness.json", parse_witness_part)

    def approvals(self) -> WitnessApprovals | None:
        """Return what a witness alone has signed last."""
        return self._kept("approvals.json", parse_approvals)

    def signed(self) -> bytes | None:
        """Return the digest of the policy below which this host has signed last."""
        alone = self.kind is ServiceKind.WITNESS
        last = self.approvals() if alone else self.signatures()
        return None if last is None else last.policy

    def forgets(self, draft: Draft) -> bool:
        """Say whether another draft of the same policy may have been signed and forgotten.

        The folder came back from a backup, and the policy that the draft follows was drafted
        before that: others may have followed it as well.
        """
        restored, standing = ceremony_restored(self.path / "federation"), self.standing()
        if restored is None:
            return False
        if standing is None or standing.policy.digest != draft.terms.previous:
            return True
        return standing.created <= restored

    def keep_member(self, member: Member) -> None:
        """Keep what is handed on."""
        self._keep("member.json", encode_member(member))

    def keep_signed(self, draft: Draft, signatures: DraftSignatures) -> None:
        """Keep what was signed, draft first."""
        self.keep_draft(draft)
        self._keep("signatures.json", signatures.encode())

    def keep_part(self, part: WitnessPart) -> None:
        """Keep what a witness alone hands on."""
        self._keep("witness.json", part.encode())

    def keep_approvals(self, approvals: WitnessApprovals) -> None:
        """Keep what a witness alone has signed, there and at its registry."""
        self._keep("approvals.json", approvals.encode())

    def keep_draft(self, draft: Draft) -> None:
        """Keep a draft, before what is signed below it: no signature here lacks its draft."""
        self._keep("draft.json", draft.encode())

    def keep_standing(self, draft: Draft) -> None:
        """Keep the draft of the policy that stands from now on."""
        self._keep("standing.json", draft.encode())

    def keep_policy(self, policy: Policy) -> None:
        """Put a policy where services look for it."""
        replace_public_file(self.policy_file, encode_policy(policy))

    def _kept(self, name: str, read: Callable[[bytes], _T]) -> _T | None:
        path = self.path / "federation" / name
        data = read_own_file(path, MAX_CARRIED_BYTES)
        return None if data is None else naming(path, read, data)

    def _keep(self, name: str, data: bytes) -> None:
        make_private_directory(self.path / "federation")
        replace_file(self.path / "federation" / name, data)


def open_region(
    path: Path, environment: Mapping[str, str], kinds: Collection[ServiceKind] = LOGGING
) -> RegionFolder:
    """Read the configuration of a region's folder.

    Args:
        path: The folder.
        environment: Of the process.
        kinds: What may run over it.

    Raises:
        NotFoundError: `configuration_missing`.
        UsageError: `configuration_invalid`, also where it is for another service.
    """
    configuration = read_configuration(path / FILE, environment, kinds)
    return RegionFolder(path, configuration, environment)


def read_carried(path: Path, read: Callable[[bytes], _T]) -> _T:
    """Read a file that somebody has brought; errors name it.

    Raises:
        NotFoundError: `file_missing`.
        UnavailableError: `file_not_read`.
        DidServiceError: as `read`.
    """
    data = read_file(path, MAX_CARRIED_BYTES)
    if data is None:
        raise NotFoundError("file_missing", whole(path))
    return naming(path, read, data)


def read_member(path: Path) -> Member:
    """Read a member file; raises as `read_carried` and `parse_member`."""
    return read_carried(path, _member)


def write_carried(path: Path, data: bytes) -> bool:
    """Write a file that is to be carried; False where it was there already, the same.

    Raises:
        UsageError: `carried_file_differs`: another file has the name.
    """
    present = read_file(path, MAX_CARRIED_BYTES) if path.exists() else None
    if present == data:
        return False
    if present is not None:
        raise UsageError("carried_file_differs", whole(path))
    replace_public_file(path, data)
    return True


def encode_member(member: Member) -> bytes:
    """Write a member file."""
    return jcs.encode(member.members) + b"\n"


def encode_policy(policy: Policy) -> bytes:
    """Write a policy file, as people read it."""
    return f"{strict_json.dumps(policy.members)}\n".encode()


def naming(path: Path, read: Callable[[bytes], _T], data: bytes) -> _T:
    """Read bytes of a file; what is wrong inside names the file, code and kind stay."""
    try:
        return read(data)
    except DidServiceError as error:
        told = type(error)(error.code, f"{whole(path)}: {error.message}", **error.details)
        raise told from error


def _member(data: bytes) -> Member:
    return parse_member(strict_json.load_object(data, max_bytes=MAX_CARRIED_BYTES))
