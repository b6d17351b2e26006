"""The command line of `did-verify`, described once, in the reader's language.

Nothing but argparse is loaded here: `--help` answers at once.
"""

from __future__ import annotations

import argparse
from typing import NoReturn

from did_service.program.language import LANGUAGES, OPTION
from did_service.program.streams import write_out
from did_service.program.version import __version__

_TIERS = ("online", "day", "field")

_ABOUT = (
    "离线核验证照：读入文件，给出结论，无需联网。",
    "verify credentials with no network: files in, a verdict out",
)
_EXAMPLES = """
  did-verify trust pin policy.json --fingerprint "1f0c 88a2 …"
  did-verify trust import south.bundle.jsonl.gz
  N=$(did-verify challenge)
  wallet present residence --nonce "$N" --audience window-3 --out shown.vp.json
  did-verify check shown.vp.json --nonce "$N" --audience window-3
"""
_EXITS = (
    """
退出码: 0 通过 · 1 不通过 · 5 无法判定，或有条件通过 (--accept-limits 时为 0)
        2 用法 · 7 文件不存在 · 8 请重试 · 11 信任目录损坏 · 70 程序错误
""",
    """
exit codes: 0 accepted · 1 refused · 5 cannot tell, or accepted with limits
              (0 with --accept-limits) · 2 usage · 7 file not found · 8 try again
              11 trust directory damaged · 70 a fault of ours
""",
)
_CHECK_EXAMPLES = """
  did-verify check shown.vp.json --nonce "$N" --audience window-3
  did-verify check permit.vc.json --bundle south.bundle.jsonl.gz --tier field
  did-verify check shown.vp.json --policy policy.json --json | jq .outcome
  did-verify check shown.vp.json --now +2d
"""
_DID_EXAMPLES = """
  did-verify did did.jsonl --witness did-witness.json
  did-verify did did.jsonl --version-number 1 --json | jq .document
"""
_PIN_EXAMPLES = """
  did-verify trust pin policy.json \\
    --fingerprint "1f0c 88a2 5d7e 0b13 92c4 6e11 a9d0 7b3f"
"""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are raised, to be said like all others; help is an answer."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Raises:
            UsageError: `arguments_invalid`.
        """
        from did_service.core.errors import UsageError  # noqa: PLC0415 - not for --help
        from did_service.core.text import printable  # noqa: PLC0415 - not for --help

        raise UsageError("arguments_invalid", f"{printable(message)} ({self.prog} --help)")

    def _print_message(self, message: str, file: object = None) -> None:  # noqa: ARG002
        """Print help or version; argparse itself would say nothing of a full disk."""
        write_out(message)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Examples stand as they are written; names and texts get room side by side."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=88)


class _Builder:
    """Adds commands and options with texts of one language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def say(self, zh: str, en: str) -> str:
        return {"zh": zh, "en": en}.get(self._language, f"{zh} {en}")

    def command(
        self,
        commands: argparse._SubParsersAction[Parser],
        name: str,
        about: tuple[str, str],
        examples: str = "",
    ) -> Parser:
        title = self.say("示例", "examples")
        parser = commands.add_parser(
            name,
            help=self.say(*about),
            description=self.say(*about),
            epilog=f"{title}:{examples}" if examples else None,
            formatter_class=_Formatter,
        )
        text = self.say("输出一个 JSON 对象", "print one JSON object")
        parser.add_argument("--json", action="store_true", help=text)
        self.language(parser)
        return parser

    def trust(self, parser: argparse._ActionsContainer) -> None:
        parser.add_argument(
            "--trust",
            metavar="DIR",
            help=self.say(
                "信任目录 (默认 $XDG_STATE_HOME/did-verify)",
                "trust directory (default: $XDG_STATE_HOME/did-verify)",
            ),
        )

    def trust_or_policy(self, parser: Parser) -> None:
        group = parser.add_mutually_exclusive_group()
        self.trust(group)
        text = self.say(
            "只用此策略：不用信任目录，不作任何记录",
            "use this policy alone: no trust directory, nothing remembered",
        )
        group.add_argument("--policy", metavar="P", help=text)

    def now(self, parser: Parser) -> None:
        text = self.say(
            "按此时间判断: 2026-11-21T11:10:00Z，或 +2d、+90m (过去: --now=-3h)",
            "judge by this time: 2026-11-21T11:10:00Z, or +2d, +90m (the past: --now=-3h)",
        )
        parser.add_argument("--now", metavar="T", help=text)

    def language(self, parser: Parser) -> None:
        """Add `--lang`, wherever people look for it; `language.asked_for` has read it."""
        text = self.say("语言 (默认: 结论用双语)", "language (default: verdicts in both)")
        parser.add_argument(OPTION, choices=LANGUAGES, default=argparse.SUPPRESS, help=text)


def parser_in(language: str) -> Parser:
    """Describe the whole command line in a language."""
    build = _Builder(language)
    parser = Parser(
        prog="did-verify",
        description=build.say(*_ABOUT),
        epilog=f"{build.say('示例', 'examples')}:{_EXAMPLES}{build.say(*_EXITS)}",
        formatter_class=_Formatter,
    )
    build.language(parser)
    version = build.say("显示版本", "print the version")
    parser.add_argument("--version", action="version", version=__version__, help=version)
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=Parser
    )
    _check(build, commands)
    _challenge(build, commands)
    _did(build, commands)
    _trust(build, commands)
    return parser


def _check(build: _Builder, commands: argparse._SubParsersAction[Parser]) -> None:
    about = ("核验出示的证照", "verify what is presented")
    parser = build.command(commands, "check", about, _CHECK_EXAMPLES)
    text = build.say("出示文件或证照，- 为标准输入", "presentation or credential, - for stdin")
    parser.add_argument("file", metavar="FILE", help=text)
    build.trust_or_policy(parser)
    text = build.say("另加的信任包，可重复", "one more trust bundle, may be repeated")
    parser.add_argument("--bundle", metavar="B", action="append", default=[], help=text)
    build.now(parser)
    text = build.say("本窗口给出的验证码", "the challenge that was given out here")
    parser.add_argument("--nonce", metavar="N", help=text)
    text = build.say("本窗口的名称", "the name of this counter")
    parser.add_argument("--audience", metavar="A", help=text)
    text = build.say(
        "佐证材料的时效要求 (默认按办理事项，否则 day)",
        "how old evidence may be (default: as the item says, else day)",
    )
    parser.add_argument("--tier", choices=_TIERS, help=text)
    text = build.say("办理事项", "the service item")
    parser.add_argument("--item", metavar="ITEM", help=text)
    text = build.say("有条件通过时退出码为 0", "exit 0 also when accepted with limits")
    parser.add_argument("--accept-limits", action="store_true", help=text)
    text = build.say("另将报告写入文件", "also write the report to a file")
    parser.add_argument("--report", metavar="FILE", help=text)
    text = build.say("允许覆盖报告文件", "let --report replace a file")
    parser.add_argument("--force", action="store_true", help=text)


def _challenge(build: _Builder, commands: argparse._SubParsersAction[Parser]) -> None:
    about = ("生成一次性验证码", "give out a challenge that is accepted once")
    parser = build.command(commands, "challenge", about)
    build.trust_or_policy(parser)
    text = build.say("本窗口的名称", "the name of this counter")
    parser.add_argument("--audience", metavar="A", help=text)
    build.now(parser)


def _did(build: _Builder, commands: argparse._SubParsersAction[Parser]) -> None:
    about = ("核验 did:webvh 日志文件", "verify a did:webvh log from files")
    parser = build.command(commands, "did", about, _DID_EXAMPLES)
    text = build.say("did.jsonl，- 为标准输入", "did.jsonl, - for stdin")
    parser.add_argument("file", metavar="LOG.jsonl", help=text)
    parser.add_argument("--witness", metavar="FILE", help="did-witness.json")
    text = build.say("日志须属于此 DID", "the DID that the log must be of")
    parser.add_argument("--did", metavar="DID", help=text)
    text = build.say("指定编号的版本", "this version")
    parser.add_argument("--version-id", metavar="V", help=text)
    text = build.say("在此时间有效的版本", "the version that was active at this time")
    parser.add_argument("--version-time", metavar="T", help=text)
    text = build.say("第几个版本", "the version of this number")
    parser.add_argument("--version-number", metavar="N", type=int, help=text)
    text = build.say(
        "此前见过的最新版本；日志中须仍有它",
        "the newest version seen before; the log must have it",
    )
    parser.add_argument("--known", metavar="V", help=text)


def _trust(build: _Builder, commands: argparse._SubParsersAction[Parser]) -> None:
    text = build.say("信任目录：载入策略与信任包", "the trust directory: policy and bundles")
    parser = commands.add_parser(
        "trust", help=text, description=text, formatter_class=_Formatter
    )
    build.language(parser)
    actions = parser.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=Parser
    )
    pin = build.command(
        actions,
        "pin",
        ("载入信任策略；首次须核对指纹", "pin a policy; the first one needs its fingerprint"),
        _PIN_EXAMPLES,
    )
    pin.add_argument("policy", metavar="POLICY", help="policy.json")
    text = build.say(
        "由另一渠道得到的指纹，八组四位", "from a second channel: eight groups of four digits"
    )
    pin.add_argument("--fingerprint", metavar="F", help=text)
    build.trust(pin)
    about = (
        "并入信任包；较旧的材料不会替换较新的",
        "merge a trust bundle; nothing newer is replaced by older",
    )
    merge = build.command(actions, "import", about)
    merge.add_argument("bundle", metavar="BUNDLE", help="NAME.bundle.jsonl.gz")
    build.trust(merge)
    about = (
        "显示策略、地区和佐证材料的时间",
        "show policy, regions and the age of the evidence",
    )
    build.trust(build.command(actions, "show", about))
    about = (
        "时钟校正后，撤销时钟有误时记下的核验时间",
        "once the clock is right, forget the time of decisions made while it was wrong",
    )
    build.trust(build.command(actions, "reset-clock", about))
