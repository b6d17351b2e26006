"""What stands in a file of a ceremony: `federation show` and `policy show`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from did_service.cli.policy_lines import policy_data, policy_lines
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import MalformedError
from did_service.core.limits import MAX_CARRIED_BYTES
from did_service.core.text import Bilingual, named
from did_service.node.federation import approvals, member, signatures, witness_part
from did_service.node.federation.approvals import WitnessApprovals, parse_approvals
from did_service.node.federation.draft import FORMAT as DRAFT_FORMAT
from did_service.node.federation.draft import Draft, parse_draft_file
from did_service.node.federation.member import parse_member
from did_service.node.federation.region_folder import open_region, read_carried
from did_service.node.federation.signatures import DraftSignatures, parse_signatures
from did_service.node.federation.witness_part import WitnessPart, parse_witness_part
from did_service.node.pinned_policy import read_policy
from did_service.node.setting_table import OF_REGION


def shown(path: Path) -> tuple[JsonObject, Iterable[Bilingual]]:
    """Return what a file of a ceremony says, or the policy of a region's folder.

    Raises:
        MalformedError: `ceremony_file_unknown`.
        DidServiceError: as the parser of that file.
    """
    if path.is_dir():
        policy = read_policy(open_region(path, os.environ, OF_REGION).policy_file)
        return policy_data(policy), policy_lines(policy)
    return read_carried(path, lambda data: _shown(path, data))


def _shown(path: Path, data: bytes) -> tuple[JsonObject, Iterable[Bilingual]]:
    value = strict_json.load_object(data, max_bytes=MAX_CARRIED_BYTES)
    known: dict[JsonValue, Callable[[], tuple[JsonObject, Iterable[Bilingual]]]] = {
        member.FORMAT: lambda: _shown_member(value),
        DRAFT_FORMAT: lambda: _shown_draft(parse_draft_file(data)),
        witness_part.FORMAT: lambda: _shown_part(parse_witness_part(data)),
        approvals.FORMAT: lambda: _shown_approvals(parse_approvals(data)),
        signatures.FORMAT: lambda: _shown_signatures(parse_signatures(data)),
        "didsvc-policy/1": lambda: _shown_policy(path),
    }
    form = value.get("format")
    read = known.get(form) if isinstance(form, str) else None
    if read is None:
        raise MalformedError("ceremony_file_unknown", "no file of a ceremony, and no policy")
    return read()


def _shown_member(value: JsonObject) -> tuple[JsonObject, Iterable[Bilingual]]:
    made = parse_member(value)
    zh, en = named(made.name.zh), named(made.name.en)
    logs = ", ".join(made.logs)
    count = len(made.signers())
    lines = [
        Bilingual(f"地区 {made.id} {zh}：{', '.join(made.hosts)}", f"region {made.id} {en}"),
        Bilingual(f"登记簿：{logs}", f"logs: {logs}"),
        Bilingual(f"{count} 把密钥均已签名", f"each of its {count} keys has signed"),
    ]
    return {"kind": "member", "id": made.id, "logs": [*made.logs]}, lines


def _shown_part(part: WitnessPart) -> tuple[JsonObject, Iterable[Bilingual]]:
    name = part.witness.name
    lines = [
        Bilingual(f"地区 {part.id} 的见证：{name}", f"the witness of region {part.id}: {name}"),
        Bilingual("两把密钥均已签名", "both of its keys have signed"),
    ]
    return {"kind": "witness", "id": part.id, "witness": part.witness.encode()}, lines


def _shown_approvals(made: WitnessApprovals) -> tuple[JsonObject, Iterable[Bilingual]]:
    names, mark = ", ".join(made.approvals) or "-", made.policy[:16].hex(" ", 2)
    lines = [
        Bilingual(f"指纹：{mark}", f"fingerprint: {mark}"),
        Bilingual(
            f"{made.region} 的见证已认可这些地区的根 DID：{names}",
            f"the witness of {made.region} has approved the root DIDs of: {names}",
        ),
    ]
    roots: list[JsonValue] = [*made.approvals]
    return {
        "kind": "approvals",
        "fingerprint": mark,
        "region": made.region,
        "roots": roots,
    }, lines


def _shown_draft(draft: Draft) -> tuple[JsonObject, Iterable[Bilingual]]:
    fresh = ", ".join(draft.new_roots) or "-"
    more = Bilingual(f"新的根 DID：{fresh}", f"new root DIDs: {fresh}")
    new: JsonObject = {"kind": "draft", "new_roots": [*draft.new_roots]}
    return {**new, **policy_data(draft.policy)}, [*policy_lines(draft.policy), more]


def _shown_signatures(made: DraftSignatures) -> tuple[JsonObject, Iterable[Bilingual]]:
    names = ", ".join(made.by_region)
    mark = made.policy[:16].hex(" ", 2)
    lines = [
        Bilingual(f"指纹：{mark}", f"fingerprint: {mark}"),
        Bilingual(f"已签名：{names}", f"signed by: {names}"),
    ]
    return {"kind": "signatures", "fingerprint": mark, "regions": [*made.by_region]}, lines


def _shown_policy(path: Path) -> tuple[JsonObject, Iterable[Bilingual]]:
    policy = read_policy(path)
    return {"kind": "policy", **policy_data(policy)}, policy_lines(policy)
