"""What the wallet's codes mean, in Chinese and English, and the next step (docs/formats.md §7).

One closed table for the codes that this program raises or warns with; a code of another room
that is not here is told by its class (`core.errors`). A text that ends in a colon is followed
by what is wrong and where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from did_service.core.errors import Bilingual


@dataclass(frozen=True, slots=True)
class Message:
    """What a code means, and what to do."""

    text: Bilingual
    hint: Bilingual


def message_of(code: str) -> Message | None:
    """Return the message of a code, None for a code of another room."""
    return MESSAGES.get(code)


def _m(zh: str, en: str, zh_hint: str, en_hint: str) -> Message:
    return Message(Bilingual(zh, en), Bilingual(zh_hint, en_hint))


MESSAGES: Mapping[str, Message] = {
    # the store and its passphrase
    "store_missing": _m(
        "此处没有钱包：",
        "no wallet here:",
        "用 wallet init 新建，或用 --store 指明位置",
        "make one with wallet init, or say where it is with --store",
    ),
    "store_exists": _m(
        "此处已有钱包：",
        "a wallet is here already:",
        "用 wallet status 查看，或用 --store 另选位置",
        "look at it with wallet status, or choose another place with --store",
    ),
    "store_damaged": _m(
        "钱包文件已损坏或被改动：",
        "the store is damaged or was changed:",
        "原样保留文件；上一版本是同目录的 wallet.json.1，见 wallet doctor",
        "keep the files as they are; the version before is wallet.json.1: see wallet doctor",
    ),
    "store_newer": _m(
        "钱包由更新的版本写成：",
        "the store was written by a later release:",
        "请升级软件，文件没有改动",
        "upgrade; nothing was changed",
    ),
    "wallet_full": _m(
        "钱包已满：",
        "the wallet is full:",
        "删除不再需要的证照",
        "delete credentials you do not need",
    ),
    "passphrase_wrong": _m(
        "口令错误",
        "wrong passphrase",
        "核对口令后重试；内容没有改动",
        "check the passphrase and try again; nothing was changed",
    ),
    "passphrase_short": _m(
        "口令太短：",
        "the passphrase is too short:",
        "用一句自己记得住的话",
        "take a sentence that you can remember",
    ),
    "passphrase_mistyped": _m(
        "两次输入的口令不同",
        "the two passphrases differ",
        "请重新输入",
        "type it again",
    ),
    "passphrase_unreadable": _m(
        "读不到口令：",
        "no passphrase to be read:",
        "口令写在文件第一行",
        "the passphrase is the first line of the file",
    ),
    "passphrase_twice": _m(
        "口令来源给了两个",
        "two sources of the passphrase were given",
        "只用 --passphrase-file 或 --passphrase-fd 之一",
        "use --passphrase-file or --passphrase-fd, not both",
    ),
    "passphrase_exposed": _m(
        "口令文件可被他人读取",
        "others may read the passphrase file",
        "用 chmod 600 收紧权限",
        "narrow it with chmod 600",
    ),
    "input_needed": _m(
        "需要人来回答，但此处不能提问：",
        "somebody would have to answer:",
        "在终端运行，或给出所需选项",
        "run it at a terminal, or give the option",
    ),
    "declined": _m("已取消", "cancelled", "没有任何改动", "nothing was changed"),
    "language_unknown": _m(
        "没有这种语言：", "no such language:", "用 zh、en 或 both", "use zh, en or both"
    ),
    "usage": _m("用法不正确：", "not how it is used:", "见 wallet --help", "see wallet --help"),
    "offline": _m(
        "此命令需要网络，而 --offline 不许联网",
        "this needs the network, which --offline rules out",
        "去掉 --offline 后重试",
        "try again without --offline",
    ),
    # files
    "file_missing": _m("找不到文件：", "no such file:", "核对路径", "check the path"),
    "file_exists": _m(
        "文件已存在：",
        "the file is there already:",
        "换一个名字，或用 --force 覆盖",
        "choose another name, or replace it with --force",
    ),
    "file_not_written": _m(
        "写不了文件：",
        "a file could not be written:",
        "检查磁盘空间和权限；原有内容没有损失",
        "check space and permissions; nothing that was there is lost",
    ),
    "file_not_read": _m(
        "读不了文件：", "a file could not be read:", "检查权限", "check its permissions"
    ),
}
