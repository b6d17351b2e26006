"""What the commands of services tell people, line by line."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.text import Bilingual, printable
from did_service.node.initial import Initial
from did_service.node.status import RegionLog, ServiceStatus
from did_service.program.files import whole
from did_service.program.words import told_code, words_of
from did_service.signer.restored import restored_in

# What follows `init`, where it is not `federation join`, and what that is for.
_FOLLOWING: Mapping[str, str] = {"agency": "agency request", "witness": "federation witness"}
_PURPOSES: Mapping[str, Bilingual] = {
    "agency request": Bilingual("然后向所属地区申请授权", "then ask the region for authority"),
    "federation join": Bilingual("然后写出成员文件", "then write the member file"),
    "federation witness": Bilingual("然后写出见证的部分", "then write the witness's part"),
}
_MEMBERS: Mapping[str, str] = {
    "service": "服务",
    "file": "配置",
    "listen": "监听",
    "folder": "数据",
    "database": "数据库",
    "keys": "密钥",
    "region": "地区",
    "policy": "信任策略",
    "logs": "登记簿",
    "witness": "见证",
    "did": "DID",
    "items": "签发事项",
    "officers_configured": "配置中的经办人员",
    "officers_added": "用 officer add 任命的经办人员",
}


def made_data(made: Initial) -> JsonObject:
    """Return for machines what `init` made."""
    return {
        "file": str(made.configuration.file),
        "keyring": str(made.configuration.path("keys.keyring")),
        "did": made.did,
        "keys": [record.encode() for record in made.records],
    }


def next_steps(kind: str, made: Initial) -> Iterator[Bilingual]:
    """Say what was made, and the next step."""
    file = whole(made.configuration.file)
    keyring = whole(made.configuration.path("keys.keyring"))
    yield Bilingual(f"配置：{file}", f"configuration: {file}")
    yield Bilingual(
        f"密钥环：{keyring}，{len(made.records)} 把密钥",
        f"keyring: {keyring}, {len(made.records)} keys",
    )
    if made.did is not None:
        yield Bilingual(f"DID：{made.did}", f"DID: {made.did}")
    folder = shlex.quote(str(made.configuration.file.parent))
    yield Bilingual(
        f"下一步：备份密钥，见 did-service key backup {folder} --help",
        f"next: back the keys up, see did-service key backup {folder} --help",
    )
    following = _FOLLOWING.get(kind, "federation join")
    yield Bilingual(
        f"{_PURPOSES[following].zh}：见 did-service {following} {folder} --help",
        f"{_PURPOSES[following].en}: see did-service {following} {folder} --help",
    )


def members(told: JsonObject) -> Iterator[Bilingual]:
    """Say what a check found, one member a line; of several values each has its own."""
    for name, value in told.items():
        found = value if isinstance(value, list) else [value]
        values = [printable(str(each)) for each in found]
        zh, en = _MEMBERS.get(name, name), name.replace("_", " ")
        if len(values) == 1:
            yield Bilingual(f"{zh}：{values[0]}", f"{en}: {values[0]}")
        elif values:
            yield Bilingual(f"{zh}：", f"{en}:")
            yield from (Bilingual(f"  {each}", f"  {each}") for each in values)
        else:
            yield Bilingual(f"{zh}：无", f"{en}: none")


def state_lines(found: ServiceStatus) -> Iterator[Bilingual]:
    """Say how a service is: ready or not, each log, and keys that wait."""
    host = found.configuration.host
    if found.waiting_for is None:
        folder = shlex.quote(str(found.configuration.file.parent))
        start = f"did-service {found.configuration.kind.value} serve {folder}"
        yield Bilingual(
            f"{host}：未运行；启动：{start}", f"{host}: does not run; start it: {start}"
        )
    elif found.is_ready:
        yield Bilingual(f"{host}：就绪", f"{host}: ready")
    for word in found.waiting_for or ():
        meant = words_of(word)
        zh, en = (f"：{meant.meaning.zh}", f": {meant.meaning.en}") if meant else ("", "")
        at = f" ({found.since[word]})" if word in found.since else ""
        yield Bilingual(f"{host}：等待 {word}{at}{zh}", f"{host}: waits for {word}{at}{en}")
    yield from _region_lines(found.region_log)
    for log in found.logs:
        if log.age is None:
            yield Bilingual(
                f"{log.origin}：尚无达到法定见证数的检查点",
                f"{log.origin}: no checkpoint with a quorum yet",
            )
        else:
            yield Bilingual(
                f"{log.origin}：{log.size} 条，{log.age} 秒前见证",
                f"{log.origin}: {log.size} entries, witnessed {log.age} s ago",
            )
    yield Bilingual(f"密钥：{len(found.keys)} 把", f"keys: {len(found.keys)}")
    for key in restored_in(found.keys):
        yield Bilingual(
            f"{key.role} {key.name}：从备份恢复，尚不能签署",
            f"{key.role} {key.name}: restored, and may not sign yet",
        )


def _region_lines(asked: RegionLog | None) -> Iterator[Bilingual]:
    """Say whether the log that an agency writes into has just answered."""
    if asked is None:
        return
    if asked.fault:
        why = told_code(asked.fault)
        yield Bilingual(
            f"{asked.origin}：本地区日志现在没有应答，不能登记：{why.zh}",
            f"{asked.origin}: the region's log does not answer now, "
            f"so nothing can be logged: {why.en}",
        )
    else:
        yield Bilingual(
            f"{asked.origin}：本地区日志有应答", f"{asked.origin}: the region's log answers"
        )
