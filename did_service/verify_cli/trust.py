"""`did-verify trust pin`, `import`, `show`, `reset-clock`: what a trust directory goes by.

The policy is the only thing that is trusted, and a bundle is believed in nothing; the room
`verifier` decides, and these commands read the files and show what came of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict

from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.limits import MAX_BUNDLE_BYTES, MAX_JSON_BYTES
from did_service.core.text import Bilingual, quote
from did_service.program.environment import Environment
from did_service.verifier.held import demand_policy, directory_at, read_known
from did_service.verifier.importing import (
    ImportCounts,
    Imported,
    import_bundle,
)
from did_service.verifier.outline import outline
from did_service.verifier.pinning import Pinned
from did_service.verifier.pinning import pin as pin_policy
from did_service.verifier.portions import open_bundle
from did_service.verifier.validity import validity, validity_text
from did_service.verify_cli.clock import reset_clock
from did_service.verify_cli.show import describe_policy, policy_lines, show, warnings
from did_service.verify_cli.terminal import CommandResult


def run(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Run the action that was named."""
    actions = {"pin": pin, "import": merge, "show": show, "reset-clock": reset_clock}
    return actions[arguments.action](arguments, env)


def pin(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Pin a policy: the first under its fingerprint, any other as the next one."""
    offered = parse_policy(strict_json.loads(env.read(arguments.policy, MAX_JSON_BYTES)))
    directory = directory_at(arguments.trust, env)
    pinned = pin_policy(directory, offered, arguments.fingerprint, env.clock)
    language = env.language
    lines = (language.say(_told(pinned)), *policy_lines(offered, env.clock, language))
    return CommandResult(describe_policy(offered), lines, remarks=warnings(offered))


def _told(pinned: Pinned) -> Bilingual:
    number = pinned.policy.sequence
    if not pinned.is_new:
        return Bilingual(f"策略 {number} 此前已载入", f"policy {number} was pinned already")
    return Bilingual(f"已载入策略 {number}", f"policy {number} is pinned")


def merge(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Merge a bundle: its policies one step at a time, then each item that is newer."""
    directory = directory_at(arguments.trust, env)
    demand_policy(directory)
    packed = env.read(arguments.bundle, MAX_BUNDLE_BYTES)
    with open_bundle(packed, directory.path) as bundle:
        imported = import_bundle(directory, bundle, env.clock, env.boot)
    held = read_known(directory, env.boot)
    good = validity(outline(directory, held), imported.policy)
    data: JsonObject = {
        **asdict(imported.counts),
        **good.encode(),
        "blinded": [{"type": kind, "subject": subject} for kind, subject in imported.blinded],
        "forked": [fork.origin for fork in imported.forks],
        "policy": describe_policy(imported.policy),
    }
    texts = [_counted(imported.counts)]
    if imported.policy.digest != imported.before.digest:
        number = imported.policy.sequence
        texts.append(Bilingual(f"已换用策略 {number}", f"policy {number} took over"))
    lines = tuple(env.language.say(text) for text in texts)
    remarks = tuple(_remarks(imported))
    verdict = env.language.say(validity_text(good, env.clock))
    return CommandResult(data, lines, verdict, remarks=remarks)


def _counted(counts: ImportCounts) -> Bilingual:
    return Bilingual(
        f"较新 {counts.newer} 项，相同 {counts.same} 项，较旧 {counts.older} 项，"
        f"弃用 {counts.dropped} 项",
        f"{counts.newer} newer, {counts.same} the same, {counts.older} older,"
        f" {counts.dropped} dropped",
    )


def _remarks(imported: Imported) -> Iterator[Bilingual]:
    for each in imported.forks:
        yield Bilingual(
            f"{each.origin} 出现两份互相矛盾的记录，换发信任策略前不再采信",
            f"{each.origin} has shown two histories: not relied on until a new policy",
        )
    if imported.blinded:
        kind, subject = imported.blinded[0]
        number, about = len(imported.blinded), f"{kind} {quote(subject)}"
        yield Bilingual(
            f"{number} 项核验数据不完整：最新一项不能采用，有关证照暂时无法判定，"
            f"请重新领取完整的核验数据包（{about}）",
            f"evidence is incomplete for {number}: the newest entry cannot be used, and nothing"
            f" is decided by it; ask its publisher for the whole bundle ({about})",
        )
