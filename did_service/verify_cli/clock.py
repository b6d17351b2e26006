"""`did-verify trust reset-clock`: forget what a clock that was wrong has left behind.

A decision is remembered with its time, so that a clock set back is noticed. If the clock was
ahead then, it seems to be behind ever since, and everything stays undecided (docs/adr 26). Who
has seen to it that the clock is right takes that time back; a quorum's time stays.
"""

from __future__ import annotations

import argparse
from datetime import datetime

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.text import Bilingual
from did_service.program.environment import Environment
from did_service.verifier.dates import moment_in_zone
from did_service.verifier.held import directory_at
from did_service.verifier.memory import Memory
from did_service.verify_cli.show import describe_floor
from did_service.verify_cli.terminal import CommandResult


def reset_clock(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Take the time of own decisions back, and say what it was and what still counts."""
    directory = directory_at(arguments.trust, env)
    before = Memory()
    if directory.path.exists():
        with directory.locked():
            before = directory.memory()
            directory.change(Memory.without_decided)
    after = before.without_decided()
    data: JsonObject = {"before": describe_floor(before), "after": describe_floor(after)}
    remark = Bilingual(
        "请确认本机时间无误：时钟偏慢，会使已到期的证照通过",
        "see to it that the clock is right: one that is behind lets expired credentials pass",
    )
    told = (_taken(before, env.clock), _left(after, env.clock))
    lines = tuple(env.language.say(text) for text in told)
    return CommandResult(data, lines, remarks=(remark,))


def _taken(before: Memory, now: datetime) -> Bilingual:
    if before.decided is None:
        return Bilingual("没有要清除的核验时间", "there was no time of a decision to take back")
    time = moment_in_zone(before.decided, now, None)
    return Bilingual(
        f"已清除上次核验时间 {time.zh}", f"took back the last decision's time {time.en}"
    )


def _left(after: Memory, now: datetime) -> Bilingual:
    if after.witnessed is None:
        return Bilingual("没有已见证的时间", "no time was ever witnessed")
    time = moment_in_zone(after.witnessed, now, None)
    return Bilingual(
        f"已见证的时间 {time.zh} 仍然有效", f"the witnessed time {time.en} still counts"
    )
