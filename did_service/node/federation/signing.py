"""`federation sign` and `policy sign`: a region looks at a draft, compares, and signs.

Nothing is signed before a person has typed the fingerprint that the others see on theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

from did_service.core.anchor.bodies.policy import Policy, check_current
from did_service.core.anchor.fingerprint import read_fingerprint
from did_service.core.anchor.lasting import check_lasting
from did_service.core.errors import (
    ConflictError,
    PolicyError,
    ProofError,
    UsageError,
    quote,
)
from did_service.core.log.note import VerifierKey
from did_service.node.federation.approvals import (
    WitnessApprovals,
    checked_approvals,
    make_approvals,
)
from did_service.node.federation.draft import Draft
from did_service.node.federation.member import Member
from did_service.node.federation.region_folder import RegionFolder
from did_service.node.federation.region_keys import CeremonyKeys
from did_service.node.federation.signatures import DraftSignatures, make_signature
from did_service.node.setting_table import ServiceKind
from did_service.program.clock import ClockAndRandom
from did_service.signer.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Signed:
    """A region's signature file, and whether it was made just now."""

    signatures: DraftSignatures
    fresh: bool


@dataclass(frozen=True, slots=True)
class Approved:
    """The file of a witness on a host of its own, and whether it was made just now."""

    approvals: WitnessApprovals
    fresh: bool


def sign(
    folder: RegionFolder,
    keyring: Keyring,
    draft: Draft,
    fingerprint: str,
    edge: ClockAndRandom,
    *,
    instead: bool = False,
) -> Signed:
    """Sign a draft with the keys of a region; the same draft gives the same file again.

    Args:
        folder: Of the region.
        keyring: Its keys.
        draft: As it was carried here.
        fingerprint: As a person typed it, from a second channel.
        edge: Clock and randomness.
        instead: Whether it takes the place of another draft that was signed, which all members
            have given up.

    Raises:
        PolicyError: `fingerprint_wrong`; `member_changed`: the draft says something else about
            this region; `policy_skipped`, `roots_changed`: it does not follow the policy in
            force here; `policy_expired`, `policy_lifetime`.
        ConflictError: `other_draft_signed`; `signed_unknown`: the folder came from a backup,
            and what it has signed since is not known here.
        UsageError: `region_unknown`; `witness_file_missing`: `take_approvals` comes first.
    """
    _check_typed(draft, fingerprint)
    held = folder.signatures()
    if held is not None and held.policy == draft.policy.digest:
        return Signed(held, fresh=False)
    member = _checked(folder, draft, edge, instead=instead)
    made = _made(folder, keyring, draft, member, edge)
    folder.keep_signed(draft, made)
    return Signed(made, fresh=True)


def take_approvals(folder: RegionFolder, draft: Draft, given: WitnessApprovals) -> None:
    """Take in what the witness on another host has signed, before `sign` does the rest.

    Raises:
        UsageError: `witness_here`; `region_unknown`; or as `checked_approvals`.
        PolicyError, ProofError: as `checked_approvals`.
    """
    if folder.kind is ServiceKind.REGION:
        raise UsageError("witness_here", f"{quote(folder.region)}: registry and witness")
    checked_approvals(draft, draft.region(folder.region), given)
    folder.keep_approvals(given)


def approve(
    folder: RegionFolder,
    keyring: Keyring,
    draft: Draft,
    fingerprint: str,
    edge: ClockAndRandom,
    *,
    instead: bool = False,
) -> Approved:
    """Sign what the witness of a region signs below a draft, on a host of its own.

    Arguments and errors are those of `sign`; the file goes to the host of its registry.
    """
    _check_typed(draft, fingerprint)
    held = folder.approvals()
    if held is not None and held.policy == draft.policy.digest:
        return Approved(held, fresh=False)
    member = _checked(folder, draft, edge, instead=instead)
    native = CeremonyKeys(keyring, folder.host).native
    made = make_approvals(draft, member.id, native, edge.clock())
    folder.keep_draft(draft)
    folder.keep_approvals(made)
    return Approved(made, fresh=True)


def _check_typed(draft: Draft, fingerprint: str) -> None:
    if read_fingerprint(fingerprint) != read_fingerprint(draft.policy.fingerprint):
        raise PolicyError("fingerprint_wrong", "the fingerprint is not that of this draft")


def _checked(
    folder: RegionFolder, draft: Draft, edge: ClockAndRandom, *, instead: bool
) -> Member:
    """Return what a draft says of this region, once it may be signed here."""
    member = draft.region(folder.region)
    _check_own(folder, member)
    check_follows(draft, folder.policy())
    _check_own_root(folder, draft)
    check_current(draft.policy, edge.clock())
    _check_only(folder, draft, instead=instead)
    return member


def _made(
    folder: RegionFolder,
    keyring: Keyring,
    draft: Draft,
    member: Member,
    edge: ClockAndRandom,
) -> DraftSignatures:
    keys, former = CeremonyKeys(keyring, folder.host), folder.policy()
    governors = {*draft.policy.governors, *(former.governors if former else ())}
    approvals = _kept_approvals(folder, draft)
    if folder.kind is ServiceKind.REGION:
        approvals = make_approvals(draft, member.id, keys.native, edge.clock())
    signature = make_signature(
        draft,
        member,
        keys.governance(governors),
        checked_approvals(draft, member, approvals),
        keys.update if member.id in draft.new_roots else None,
        edge.clock(),
    )
    return DraftSignatures(draft.policy.digest, {member.id: signature})


def _kept_approvals(folder: RegionFolder, draft: Draft) -> WitnessApprovals | None:
    held = folder.approvals()
    return held if held is not None and held.policy == draft.policy.digest else None


def check_follows(draft: Draft, former: Policy | None) -> None:
    """Check that a draft is of the policy after the one in force here, or of the first.

    A region that joins has no policy yet, and takes what the fingerprint says.

    Raises:
        PolicyError: `policy_skipped`, `roots_changed`, and as `check_lasting`; `drop_early`: a
            log could not publish the entry that brings this policy, see `check_signing_keys`.
        ProofError: `member_proof_missing`: a log has a former key that the policy in force
            does not know; nobody has shown to have it.
    """
    terms = draft.terms
    if former is None:
        return
    if former.digest == draft.policy.digest:
        return
    follows = terms.sequence == former.sequence + 1 and terms.previous == former.digest
    if not follows or terms.federation != former.federation:
        what = f"policy {former.sequence} is in force here; this is no policy after it"
        raise PolicyError("policy_skipped", what)
    known = {region.id: region.root for region in former.regions}
    ids = {each.id for each in draft.regions}
    if dict(draft.roots) != {name: did for name, did in known.items() if name in ids}:
        raise PolicyError("roots_changed", "the draft gives a region another root DID")
    check_lasting(former, draft.policy)
    _check_former_keys(draft, former)
    check_signing_keys(draft, former)


def check_signing_keys(draft: Draft, former: Policy) -> None:
    """Check that each log keeps the key that signs by the policy in force.

    It signs the tree in which the entry with the draft's policy comes. A witness that knows
    that policy refuses a key that it leaves out, and one that does not know it yet refuses a
    new one: the log could show the policy to nobody.

    Raises:
        PolicyError: `drop_early`.
    """
    in_force = _log_keys(former)
    for each in draft.regions:
        for origin, keys in each.logs.items():
            present = in_force.get(origin)
            if each.id in draft.roots and present and present[0] not in keys:
                what = f"{quote(each.id)}: {quote(origin)} signs with the key that is left out"
                raise PolicyError("drop_early", what)


def _check_former_keys(draft: Draft, former: Policy) -> None:
    in_force = _log_keys(former)
    for each in draft.regions:
        for origin, keys in each.logs.items():
            if not {*keys[1:]} <= {*in_force.get(origin, ())}:
                what = f"{quote(each.id)}: a former key of {quote(origin)} that never signed"
                raise ProofError("member_proof_missing", what)


def _log_keys(policy: Policy) -> dict[str, list[VerifierKey]]:
    """Return the keys of each log, the one that signs first."""
    return {
        origin: [log.key for log in text.logs]
        for region in policy.regions
        for origin, text in region.logs.items()
    }


def _check_own_root(folder: RegionFolder, draft: Draft) -> None:
    """A region without a policy brings its own root: the draft cannot know one already."""
    if folder.policy() is None and folder.region in draft.roots:
        raise PolicyError("roots_changed", "the draft names a root DID that is not ours")


def _check_own(folder: RegionFolder, member: Member) -> None:
    """What the draft says about this region is what this region has said.

    Where nothing was handed on since the policy in force, that is what stands in that policy.
    A witness alone answers for its own part.
    """
    alone = folder.kind is ServiceKind.WITNESS
    said, part, standing = folder.member(), folder.part(), folder.standing()
    if (part if alone else said) is None and standing is None:
        what = f"{quote(member.id)} has handed on no file about itself"
        raise UsageError("member_file_missing", what)
    in_force = [] if standing is None else [e for e in standing.regions if e.id == member.id]
    if alone:
        parts = [each for each in (part, *(e.part for e in in_force)) if each is not None]
        is_ours = member.part.document in [each.document for each in parts]
    else:
        members = [each.members for each in (said, *in_force) if each is not None]
        is_ours = member.members in members
    if not is_ours:
        what = f"the draft says something else about {quote(member.id)} than it has handed on"
        raise PolicyError("member_changed", what)


def _check_only(folder: RegionFolder, draft: Draft, *, instead: bool) -> None:
    held = folder.draft()
    if instead:
        return
    if folder.forgets(draft):
        what = f"policy {draft.terms.sequence}: this folder came from a backup"
        raise ConflictError("signed_unknown", what)
    if held is None or held.terms.sequence < draft.terms.sequence:
        return
    if held.policy.digest != draft.policy.digest:
        what = f"another draft of policy {held.terms.sequence} was signed here: fingerprint "
        raise ConflictError("other_draft_signed", what + held.policy.fingerprint)
