"""The steps that `federation` and `policy` share: arguments in, one call, an answer out."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from did_service.cli.answers import Given, answer
from did_service.cli.passphrases import place_given
from did_service.cli.policy_lines import (
    fingerprint_lines,
    finished_lines,
    policy_data,
    policy_lines,
)
from did_service.client.transport import Transport
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import NotFoundError
from did_service.core.limits import MAX_WAIT_SECONDS
from did_service.core.text import Bilingual
from did_service.node.federation import (
    drafting,
)
from did_service.node.federation.approvals import parse_approvals
from did_service.node.federation.draft import Draft, parse_draft_file
from did_service.node.federation.drafting import ChosenTerms, same_draft
from did_service.node.federation.finishing import finish
from did_service.node.federation.joining import Description, Joined, join
from did_service.node.federation.region_folder import (
    RegionFolder,
    open_region,
    read_carried,
    read_member,
    write_carried,
)
from did_service.node.federation.region_keys import Rotation
from did_service.node.federation.signatures import parse_signatures
from did_service.node.federation.signing import approve, sign, take_approvals
from did_service.node.federation.witness_part import parse_witness_part
from did_service.node.federation.witnessing import tell
from did_service.node.opened_keyring import opened_keyring
from did_service.node.setting_table import LOGGING, OF_REGION, ServiceKind
from did_service.program.clock import SYSTEM
from did_service.program.files import whole
from did_service.signer.keyring import Keyring

_OWN_CHANGES = ("years", "logs", "witness", "governance", "drop_former", "witness_file")


def opened(
    folder: Path, given: Given, kinds: Collection[ServiceKind] = LOGGING
) -> tuple[RegionFolder, Keyring]:
    """Open the folder of a region and its keyring."""
    region = open_region(folder, os.environ, kinds)
    return region, opened_keyring(region.configuration, place_given(given), os.environ)


def joined(region: RegionFolder, keyring: Keyring, given: Given) -> Joined:
    """Do what `join` does, with the options of a command."""
    zh, en = given.get("name_zh"), given.get("name_en")
    described = Description(
        name=Bilingual(str(zh), str(en)) if zh and en else None,
        territory=_texts(given.get("territory")),
        prefixes=_texts(given.get("prefixes")),
        years=tuple(map(int, _texts(given.get("years")))),
    )
    rotation = Rotation(
        logs=_texts(given.get("logs")),
        witness=bool(given.get("witness")),
        governance=bool(given.get("governance")),
        drop_former=bool(given.get("drop_former")),
    )
    file = given.get("witness_file")
    part = read_carried(file, parse_witness_part) if isinstance(file, Path) else None
    return join(region, keyring, described, rotation, SYSTEM, part)


def written_lines(out: Path, following: Bilingual, *, is_new: bool) -> Iterator[Bilingual]:
    """Say that a file is written, or was there, and what to do with it."""
    if not is_new:
        yield Bilingual(f"{whole(out)}：内容未变", f"{whole(out)}: nothing has changed")
    else:
        yield Bilingual(f"已写出 {whole(out)}", f"{whole(out)} is written")
    yield Bilingual(f"下一步：{following.zh}", f"next: {following.en}")


def told(folder: Path, out: Path, given: Given, *, as_json: bool) -> int:
    """Write the file of a witness on a host of its own, and tell of it."""
    region, keyring = opened(folder, given, {ServiceKind.WITNESS})
    made = tell(region, keyring, SYSTEM, rotate=bool(given["rotate"]))
    is_new = write_carried(out, made.part.encode())
    data: JsonObject = {"out": str(out), "region": made.part.id, "changed": made.changed}
    lines = written_lines(
        out,
        Bilingual(
            f"交给 {made.part.id} 的登记簿主机，用 federation join --witness-file 导入",
            f"hand it to the registry's host of {made.part.id}, "
            "which takes it with federation join --witness-file",
        ),
        is_new=is_new,
    )
    return answer("federation witness", data, lines, as_json=as_json)


def chosen(given: Given) -> ChosenTerms:
    """Return what options say about thresholds, rules and the end of a policy."""
    numbers = {name: given.get(name) for name in ("quorum", "faults", "governors", "rules")}
    end = given.get("expires")
    return ChosenTerms(
        **{name: None if n is None else int(str(n)) for name, n in numbers.items()},
        expires=None if end is None else timestamps.parse_utc(str(end)),
    )


def first(
    words: str,
    paths: Iterable[Path],
    federation: str,
    out: Path,
    given: Given,
    *,
    as_json: bool,
) -> int:
    """Draft policy 1, write it and tell of it."""
    read = [read_member(path) for path in paths]
    demo = bool(given["demo"])
    draft = drafting.first_draft(federation, read, chosen(given), SYSTEM.clock(), demo=demo)
    return drafted(words, out, draft, "did-service federation sign", as_json=as_json)


def following(
    folder: Path,
    paths: Iterable[Path],
    removed: Iterable[str],
    out: Path,
    given: Given,
    *,
    as_json: bool,
) -> int:
    """Draft the policy after the one in force, write it and tell of it."""
    members = [read_member(path) for path in paths]
    region = open_region(folder, os.environ)
    standing, policy = region.standing(), region.policy()
    if standing is None or policy is None:
        raise NotFoundError("standing_missing", f"{whole(folder)} has finished no policy")
    if any(given[name] for name in _OWN_CHANGES):
        own = joined(*opened(folder, given), given).member
        members = [*members, own]
    draft = drafting.next_draft(
        standing, policy, members, removed, chosen(given), SYSTEM.clock()
    )
    return drafted("policy next", out, draft, "did-service policy sign", as_json=as_json)


def drafted(words: str, out: Path, made: Draft, following: str, *, as_json: bool) -> int:
    """Write a draft, unless one that says the same is there, and tell of it."""
    is_new = not out.exists()
    if is_new:
        write_carried(out, made.encode())
    draft = read_carried(out, lambda data: same_draft(data, made))
    data: JsonObject = {"out": str(out), "changed": is_new, **policy_data(draft.policy)}
    return answer(words, data, _drafted_lines(out, draft, following), as_json=as_json)


def _drafted_lines(out: Path, draft: Draft, following: str) -> Iterator[Bilingual]:
    yield from policy_lines(draft.policy)
    yield Bilingual(
        f"草案：{whole(out)}；下一步：交给每个地区，核对指纹后各自运行 {following}",
        f"draft: {whole(out)}; next: hand it to every region, which compares the fingerprint "
        f"and runs {following}",
    )


def signed(
    group: str,
    folder: Path,
    draft_file: Path,
    given: Given,
    *,
    as_json: bool,
) -> int:
    """Sign a draft, write the signature file and tell of it."""
    draft = read_carried(draft_file, parse_draft_file)
    region, keyring = opened(folder, given, OF_REGION)
    out, fingerprint = Path(str(given["out"])), str(given["fingerprint"])
    instead, file = bool(given["instead"]), given.get("witness_file")
    if region.kind is ServiceKind.WITNESS:
        approved = approve(region, keyring, draft, fingerprint, SYSTEM, instead=instead)
        data, fresh, lines = approved.approvals.encode(), approved.fresh, _approved_lines
    else:
        if isinstance(file, Path):
            take_approvals(region, draft, read_carried(file, parse_approvals))
        made = sign(region, keyring, draft, fingerprint, SYSTEM, instead=instead)
        data, fresh, lines = made.signatures.encode(), made.fresh, _signed_lines
    write_carried(out, data)
    told: JsonObject = {
        "out": str(out),
        "region": region.region,
        "changed": fresh,
        "fingerprint": draft.policy.fingerprint,
    }
    return answer(f"{group} sign", told, lines(out, draft, group), as_json=as_json)


def _approved_lines(out: Path, draft: Draft, group: str) -> Iterator[Bilingual]:
    yield from fingerprint_lines(draft.policy)
    yield Bilingual(
        f"签名：{whole(out)}；下一步：交给本地区登记簿主机，运行 "
        f"did-service {group} sign --witness-file",
        f"signed: {whole(out)}; next: hand it to this region's registry's host, which runs "
        f"did-service {group} sign --witness-file",
    )


def _signed_lines(out: Path, draft: Draft, group: str) -> Iterator[Bilingual]:
    following = "finish" if group == "federation" else "publish"
    yield from fingerprint_lines(draft.policy)
    yield Bilingual(
        f"签名：{whole(out)}；下一步：交给每个地区，收齐后各自运行 "
        f"did-service {group} {following}",
        f"signed: {whole(out)}; next: hand it to every region; with all of them each runs "
        f"did-service {group} {following}",
    )


def finished(
    words: str,
    folder: Path,
    draft_file: Path,
    files: Iterable[Path],
    given: Given,
    *,
    as_json: bool,
) -> int:
    """Let a policy stand in a folder, and tell how far it has come."""
    from did_service.program.exits import Exit

    draft = read_carried(draft_file, parse_draft_file)
    read = [read_carried(path, parse_signatures) for path in files]
    region = open_region(folder, os.environ, OF_REGION)
    waits = max(1, -(-int(str(given["wait"])) // MAX_WAIT_SECONDS))
    first = bool(given.get("file_first"))
    with Transport(region.routes()) as transport:
        done = finish(region, draft, read, transport, waits, file_first=first)
    code = Exit.DONE if done.logged is not None else Exit.UNAVAILABLE
    return answer(words, done.encode(), finished_lines(done), as_json=as_json, code=code)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()
