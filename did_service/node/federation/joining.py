"""`federation join`: a region says about itself what goes into a policy, and makes its keys.

Run again it hands on the same file. In a federation that stands it says what changes: a year
more, new keys. A key that was made for a policy which never came is used, not made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from did_service.core.anchor.region import year_of
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import ConflictError, UsageError, quote
from did_service.core.log.note import VerifierKey
from did_service.core.text import Bilingual
from did_service.node.federation.member import Member, member_document, sign_member
from did_service.node.federation.region_folder import RegionFolder
from did_service.node.federation.region_keys import CeremonyKeys, Rotation
from did_service.node.federation.witness_part import WitnessPart
from did_service.node.setting_table import ServiceKind
from did_service.program.clock import ClockAndRandom
from did_service.signer.keyring import Keyring

DAILY_ENTRIES, DAILY_BYTES = 100_000, 200_000_000


@dataclass(frozen=True, slots=True)
class Description:
    """What a region says about itself; empty members keep what it has said before.

    Attributes:
        name: In both languages; None for the one said before.
        territory: Six-digit codes.
        prefixes: Beginnings of the schema ids that it owns; its first host's by default.
        years: Of further data logs.
    """

    name: Bilingual | None = None
    territory: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    years: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """A member file, and whether it says anything new."""

    member: Member
    changed: bool


def join(
    folder: RegionFolder,
    keyring: Keyring,
    described: Description,
    rotation: Rotation,
    edge: ClockAndRandom,
    part: WitnessPart | None = None,
) -> Joined:
    """Make the keys that are missing, and the member file.

    Args:
        folder: Of the region, or of its registry alone.
        keyring: Its keys.
        described: What it says about itself.
        rotation: Which keys are to be replaced.
        edge: Clock and randomness.
        part: The file of its witness, where that runs on another host; None for the one that
            the last member file has.

    Raises:
        UsageError: `member_undescribed`: no name or territory yet; `rotation_early`: there is
            no policy in which a key could be replaced; `drop_early`: no log signs with the
            new key yet; `log_unknown`; `witness_elsewhere`, `witness_here`,
            `witness_file_missing`, `witness_file_of_other`,
            `witness_file_old`.
        ConflictError: `draft_signed`: this region has signed a first policy with its former
            file, which has to be dropped first.
    """
    former = _former(folder)
    keys = CeremonyKeys(keyring, folder.host)
    origins = _origins(folder, former, described.years, edge.clock().year)
    carried = _carried(folder, former, rotation, part)
    if rotation.drop_former and rotation.logs:
        raise UsageError("drop_early", f"the new key of {quote(rotation.logs[0])} comes first")
    keys.make_missing(origins)
    if carried is None:
        keys.make_missing_of_witness()
    _rotate(folder, keys, rotation)
    document = member_document(
        _described(folder, former, described),
        _log_keys(folder, keys, origins, drop_former=rotation.drop_former),
        carried or keys.part(folder.region),
        keys.governor,
        keys.root(),
    )
    present = folder.member()
    if present is not None and document == present.document:
        return Joined(present, changed=False)
    _check_unsigned(folder)
    member = sign_member(document, keys.proving, edge.clock(), carried)
    folder.keep_member(member)
    return Joined(member, changed=True)


def _carried(
    folder: RegionFolder, former: Member | None, rotation: Rotation, part: WitnessPart | None
) -> WitnessPart | None:
    """Return the part of a witness on another host; None where it runs here."""
    if folder.kind is ServiceKind.REGION:
        if part is not None:
            raise UsageError("witness_here", f"{quote(folder.region)}: registry and witness")
        return None
    if rotation.witness:
        raise UsageError("witness_elsewhere", f"{quote(folder.region)}: a registry alone")
    carried = part or (former.part if former else None)
    if carried is None:
        raise UsageError("witness_file_missing", f"{quote(folder.region)}: a registry alone")
    if (carried.id, carried.host) != (folder.region, folder.host):
        whose = f"{quote(carried.id)} at {quote(carried.host)}"
        raise UsageError("witness_file_of_other", f"it is of {whose}")
    _check_not_replaced(folder, carried)
    return carried


def _check_not_replaced(folder: RegionFolder, carried: WitnessPart) -> None:
    """Check that no file of before puts a key back that a policy has replaced.

    Each stands in the drafts of its time, so that everybody has it, and the witness's own host
    is not asked below a draft without new roots.
    """
    standing = folder.standing()
    regions = () if standing is None else standing.regions
    for held in (each.part for each in regions if each.id == folder.region):
        if carried.document != held.document and carried.is_before(held):
            raise UsageError("witness_file_old", f"{quote(held.id)} has a newer one in force")


def _former(folder: RegionFolder) -> Member | None:
    """Return what this region has said last: handed on, or in the policy in force."""
    present = folder.member()
    standing = folder.standing()
    if present is None and standing is not None:
        return next((e for e in standing.regions if e.id == folder.region), None)
    return present


def _origins(
    folder: RegionFolder, former: Member | None, years: tuple[int, ...], year: int
) -> tuple[str, ...]:
    """Return the logs: those of before and of further years; first of all two years."""
    host = folder.host
    if former is None:
        named = {f"{host}/ev/{each}" for each in (year, year + 1, *years)}
        return (f"{host}/reg", *sorted(named))
    logs = {*former.logs, *(f"{host}/ev/{each}" for each in years)}
    return tuple(sorted(logs, key=lambda origin: year_of(origin) or 0))


def _log_keys(
    folder: RegionFolder, keys: CeremonyKeys, origins: Iterable[str], *, drop_former: bool
) -> Mapping[str, tuple[VerifierKey, ...]]:
    """Return the keys of each log that the next policy is to name.

    Raises:
        UsageError: `drop_early`: a newer key was made, with which the log does not sign yet.
    """
    standing = folder.standing()
    regions = () if standing is None else standing.regions
    own = [each for each in regions if each.id == folder.region]
    in_force = own[0].logs if own else {}
    named = keys.logs(origins, in_force)
    if not drop_former:
        return named
    for origin in named.keys() & in_force.keys():
        if named[origin][0] != in_force[origin][0]:
            raise UsageError("drop_early", f"the new key of {quote(origin)} comes first")
    return {origin: present[:1] for origin, present in named.items()}


def _rotate(folder: RegionFolder, keys: CeremonyKeys, rotation: Rotation) -> None:
    """Make new keys in the place of those in force; what is newer than those is there already.

    Raises:
        UsageError: `rotation_early`, `log_unknown`.
    """
    if rotation.is_none:
        return
    standing = folder.standing()
    if standing is None:
        raise UsageError("rotation_early", "no policy names a key of this region yet")
    own = standing.region(folder.region)
    for origin in rotation.logs:
        if origin not in own.logs:
            raise UsageError("log_unknown", f"no log of this region: {quote(origin)}")
    newest = keys.logs(rotation.logs, {})
    in_force = {origin: own.logs[origin][0] for origin in rotation.logs}
    keys.rotate(
        replace(
            rotation,
            logs=tuple(o for o in rotation.logs if newest[o][0] == in_force[o]),
            witness=rotation.witness and keys.witness == own.witness,
            governance=rotation.governance and keys.governor == own.governance,
        )
    )


def _described(
    folder: RegionFolder, former: Member | None, described: Description
) -> JsonObject:
    name = described.name or (former.name if former else None)
    territory = described.territory or (former.territory if former else ())
    if name is None or not territory:
        raise UsageError("member_undescribed", "name and territory of the region are not known")
    hosts = folder.configuration.texts("service.hosts")
    prefixes = described.prefixes or (former.prefixes if former else ())
    listed: dict[str, JsonValue] = {
        "territory": [*territory],
        "hosts": [*hosts],
        "prefixes": [*(prefixes or (f"https://{hosts[0]}/",))],
    }
    return {
        "id": folder.region,
        "name": {"zh": name.zh, "en": name.en},
        **listed,
        "daily_entries": former.daily_entries if former else DAILY_ENTRIES,
        "daily_bytes": former.daily_bytes if former else DAILY_BYTES,
    }


def _check_unsigned(folder: RegionFolder) -> None:
    """A first policy that was signed names the former file; two of them must not both stand."""
    if folder.signatures() is not None and folder.standing() is None:
        raise ConflictError(
            "draft_signed", "this region has signed a draft with its former file"
        )
