"""What the commands of ceremonies tell people, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.fingerprint import spoken
from did_service.core.anchor.rules_number import RULES
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.text import Bilingual, named
from did_service.node.federation.finishing import FinishedPolicy, PeerPolicy
from did_service.node.setting_table import ServiceKind
from did_service.program.words import told_code


def policy_data(policy: Policy) -> JsonObject:
    """Return a policy in short for machines."""
    words = spoken(policy.fingerprint)
    regions: list[JsonValue] = [
        {
            "id": region.id,
            "name": {"zh": region.name.zh, "en": region.name.en},
            "root": region.root,
            "logs": [*region.logs],
        }
        for region in policy.regions
    ]
    return {
        "federation": policy.federation,
        "seq": policy.sequence,
        "demo": policy.demo,
        "fingerprint": policy.fingerprint,
        "spoken": {"zh": words.zh, "en": words.en},
        "expires": timestamps.encode(policy.expires),
        "rules": policy.rules,
        "governors": {"k": policy.threshold, "keys": len(policy.governors)},
        "regions": regions,
    }


def policy_lines(policy: Policy) -> Iterator[Bilingual]:
    """Say what a policy is: fingerprint first, then members, thresholds and its end."""
    yield from fingerprint_lines(policy)
    demo = Bilingual("（演示）", " (demo)") if policy.demo else Bilingual("", "")
    name = named(policy.federation)
    yield Bilingual(
        f"第 {policy.sequence} 号信任策略：{name}{demo.zh}",
        f"policy {policy.sequence} of {name}{demo.en}",
    )
    for region in policy.regions:
        zh, en = named(region.name.zh), named(region.name.en)
        logs = ", ".join(region.logs)
        yield Bilingual(f"  {region.id} {zh}：{logs}", f"  {region.id} {en}: {logs}")
        quorums = {log.quorum.groups[-1].threshold for log in region.logs.values()}
        told = "/".join(map(str, sorted(quorums)))
        others = len(policy.regions) - 1
        yield Bilingual(
            f"    每个检查点须由其他 {others} 个地区中的 {told} 个见证",
            f"    {told} of the other {others} regions cosign each checkpoint",
        )
    keys = f"{policy.threshold}/{len(policy.governors)}"
    yield Bilingual(f"治理签名：{keys}", f"governance signatures: {keys}")
    newer = Bilingual("，本版本尚不支持", ", not known to this release")
    rules = newer if policy.rules > RULES else Bilingual("", "")
    yield Bilingual(f"规则：{policy.rules}{rules.zh}", f"rules: {policy.rules}{rules.en}")
    expires = timestamps.encode(policy.expires)
    yield Bilingual(f"有效至 {expires}", f"expires {expires}")


def fingerprint_lines(policy: Policy) -> Iterator[Bilingual]:
    """Say the fingerprint in the three ways in which people compare it."""
    words = spoken(policy.fingerprint)
    yield Bilingual(f"指纹：{policy.fingerprint}", f"fingerprint: {policy.fingerprint}")
    yield Bilingual(f"读作：{words.zh}", f"read it out as: {words.en}")


def finished_lines(done: FinishedPolicy) -> Iterator[Bilingual]:
    """Say how far a policy has come, and the next step."""
    number = done.policy.sequence
    yield from fingerprint_lines(done.policy)
    if done.installed:
        yield Bilingual(f"第 {number} 号信任策略已就位", f"policy {number} is in place")
    else:
        yield Bilingual(
            f"第 {number} 号信任策略早已就位", f"policy {number} was in place already"
        )
    if done.unsigned:
        names = ", ".join(done.unsigned)
        yield Bilingual(f"未签名：{names}", f"has not signed: {names}")
    if done.logged is not None:
        yield Bilingual(
            f"已登记在本地区登记簿，序号 {done.logged}",
            f"in this region's log at index {done.logged}",
        )
        if done.installed and number > 1:
            yield Bilingual(
                "下一步：向服务发送 SIGHUP，使其改用新策略和新密钥",
                "next: send SIGHUP to the service, so that it takes the policy and its keys",
            )
    else:
        other = ServiceKind.REGISTRY if done.service is ServiceKind.WITNESS else None
        why = told_code(done.waits_for)
        zh = f"，登记簿主机运行 did-service {other} serve" if other else ""
        en = f", the registry's host did-service {other} serve" if other else ""
        yield Bilingual(
            f"本地区登记簿尚未登记（{why.zh}）；"
            f"下一步：运行 did-service {done.service} serve{zh}，再运行本命令",
            f"not in this region's log yet ({why.en}); "
            f"next: run did-service {done.service} serve{en}, then this command again",
        )
    yield from peer_lines(done.peers)


_STATES = {
    "same": Bilingual("一致", "the same"),
    "behind": Bilingual("较旧", "behind"),
    "ahead": Bilingual("较新", "ahead"),
    "none": Bilingual("尚无", "none yet"),
    "forked": Bilingual(
        "同号不同策略，立即核查", "ANOTHER POLICY OF THE SAME NUMBER: stop and ask"
    ),
}


def peer_lines(peers: Sequence[PeerPolicy]) -> Iterator[Bilingual]:
    """Say what the other regions' logs hold."""
    for peer in peers:
        told = _STATES.get(peer.code) or told_code(peer.code)
        number = "" if peer.sequence is None else f" {peer.sequence}"
        yield Bilingual(
            f"  {peer.region}{number}：{told.zh}", f"  {peer.region}{number}: {told.en}"
        )
