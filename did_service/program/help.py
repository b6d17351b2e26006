"""The help of `wallet` in Chinese: one table, by the English text that it stands for.

A paragraph of help, an option's text, a line of examples or the remark beside one is looked up
whole. Chinese has no spaces to break at: long texts are broken here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_REMARK = re.compile(r"(  .*?\S)( {2,})(\S.*)")  # an example, its distance, what it is for


def paragraphs_in_chinese(text: str) -> str:
    """Return the paragraphs of a help text in Chinese; one of Chinese stands already."""
    spoken = (TEXTS[" ".join(each.split())] for each in text.split("\n\n"))
    return "\n\n".join(f"\b\n{each}" for each in spoken if each)


def option_in_chinese(text: str) -> str:
    """Return what an option is for, and what click adds in brackets."""
    return "  ".join(TEXTS[each] for each in text.split("  "))


def examples_in_chinese(text: str) -> str:
    """Return lines of examples with their remarks in Chinese; commands stay as they are."""
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    remark = _REMARK.fullmatch(line)
    if remark is not None:
        return f"{remark[1]}{remark[2]}{TEXTS[remark[3]]}"
    return line if line.startswith("  ") else TEXTS[line]


TEXTS: Mapping[str, str] = {
    "": "",
    # headings and what click says
    "Usage:": "用法:",
    "Options": "选项",
    "Commands": "命令",
    "Examples:": "示例:",
    "[required]": "[必填]",
    "Show the version and exit.": "显示版本。",
    "Show this message and exit.": "显示此说明。",
    "Options of every command, such as --store and --json: wallet --help": (
        "各命令通用的选项 (如 --store、--json) 见 wallet --help"
    ),
    # wallet
    "Keep credentials on this machine and show them, also with no network.": "",
    "把证照保存在本机，出示时不需要网络。": "把证照保存在本机，出示时不需要网络。",
    "Where the wallet lies [WALLET_STORE].": "钱包所在的文件夹 [WALLET_STORE]。",
    "Language [WALLET_LANG].": "语言 [WALLET_LANG]。",
    "First line is the passphrase [WALLET_PASSPHRASE_FILE].": (
        "首行为口令的文件 [WALLET_PASSPHRASE_FILE]。"
    ),
    "Read the passphrase from this descriptor.": "从此描述符读口令。",
    "One JSON object on stdout.": "输出一个 JSON 对象。",
    "No progress on stderr.": "不显示进度。",
    "Never ask; end with 10 instead.": "不提问，改以 10 退出。",
    "Confirm what would be asked.": "对提问一律确认。",
    "Any use of the network is an error.": "禁止联网，用到网络即报错。",
    "A first hour:": "初次使用:",
    "make the store": "新建钱包",
    "whom to believe": "信任谁",
    "once the agency has approved": "机关批准之后领取",
    "fetch the evidence": "取得核验数据",
    "Exit codes: 0 done, 1 refused, 2 usage, 3 declined, 4 wrong passphrase, 5 cannot tell,": (
        "退出码: 0 完成，1 不通过，2 用法，3 已取消，4 口令错误，5 无法判定，"
    ),
    "6 issuer not trusted, 7 not found, 8 try again, 9 not yet, 10 input needed,": (
        "6 机关不可信，7 未找到，8 请重试，9 尚未获批，10 需要有人回答，"
    ),
    "11 store damaged, 70 a fault of ours.": "11 钱包损坏，70 程序错误。",
    # the store
    "Make a wallet, protected by a passphrase.": "新建钱包，用口令保护。",
    "Whoever has both the store and the passphrase can show your credentials. There is no way"
    " around a forgotten passphrase: the credentials have to be issued again.": (
        "谁同时拿到钱包文件和口令，谁就能出示您的证照。\n口令忘了无法找回，证照须重新办理。"
    ),
    "asks for a passphrase, twice": "要求输入两次口令",
    "for scripts; the file's first line": "供脚本使用；文件首行为口令",
    "somewhere else": "放在别处",
    "What the wallet holds, and what is due.": "钱包里有什么，有何待办。",
    "Show what the wallet holds and what is due.": "显示钱包里有什么，有何待办。",
    "Look for trouble in the store.": "检查钱包有无问题。",
    "Look for trouble in the store: damage, file modes, the policy.": (
        "检查钱包有无问题：损坏、文件权限、信任策略。"
    ),
    "Put wallet.json.1 in place of a damaged store.": "用 wallet.json.1 代替损坏的钱包。",
    "put the version before in the place of a damaged store": "用上一版本代替损坏的钱包",
    "Change the passphrase.": "更换口令。",
    "The passphrase of this wallet.": "本钱包的口令。",
    "Replace the passphrase.": "更换口令。",
    "Replace the passphrase; the file that the old one opens is wiped.": (
        "更换口令，并擦除旧口令能打开的文件。"
    ),
    "Copies of the old file that were made elsewhere still open with the old passphrase.": (
        "此前复制到别处的文件，用旧口令仍能打开。"
    ),
    "First line is the new passphrase.": "首行为新口令的文件。",
    "Seal the wallet anew, after a leak.": "泄露之后，重新加密钱包。",
    "Seal the whole wallet anew; the passphrase stays.": "重新加密整个钱包，口令不变。",
    "A changed passphrase keeps the data key, which whoever opened an old copy has. After this"
    " it opens nothing that is written from now on; what the old copy holds stays readable"
    " there.": (
        "更换口令不改变数据密钥，打开过旧副本的人仍持有它。\n"
        "此后写入的内容，旧密钥一概打不开；旧副本里的内容在那里仍可读。"
    ),
    "after an old copy of the wallet fell into other hands": "旧副本落入他人之手以后",
    "and then, if the passphrase may be known as well": "口令也可能泄露时，再更换口令",
    # identifiers
    "Your identifiers (did:key).": "您的标识符 (did:key)。",
    "Your identifiers (did:key). Each application makes one of its own.": (
        "您的标识符 (did:key)。每次申请各用一个新的。"
    ),
    "Make a key and its did:key.": "生成一个密钥及其 did:key。",
    "A name of your own for it.": "您给它起的名称。",
    "List the identifiers of this wallet.": "列出本钱包的标识符。",
    "Show one, and what was issued to it.": "显示一个标识符及发给它的证照。",
    "Show one identifier and what was issued to it.": "显示一个标识符及发给它的证照。",
    "the beginning will do": "写开头即可",
    "or your own name for it": "或您起的名称",
    # applying and receiving
    "Apply to an agency for a credential.": "向机关申请证照。",
    "Apply to the agency at ISSUER for the service item ITEM.": (
        "向 ISSUER 处的机关申请办理事项 ITEM。"
    ),
    "First it shows what would be sent to whom, and asks. The application goes to that agency"
    " alone, signed with a new key that the credential will be bound to. Where to pick the"
    " credential up is remembered, sealed like everything else.": (
        "发送之前先列明发给谁、发送什么，并请您确认。\n"
        "申请只发给该机关，由新密钥签名，证照将与此密钥绑定。\n"
        "领取地址会记下，与其他内容一样加密保存。"
    ),
    "JSON object; - for stdin.": "申请内容，JSON 对象；- 为标准输入。",
    "Send to this host, which no policy lists.": "指定发送给这个不在信任策略内的主机。",
    "Ask this host, which no policy lists.": "指定连接这个不在信任策略内的主机。",
    "me.json holds what the credential should say, for example": (
        "me.json 写明证照应载的内容，例如"
    ),
    "Pick up, check and keep credentials.": "领取证照，核验后保存。",
    "A credential is kept only if its one subject is a key of this wallet, its signature does"
    " not fail, and the evidence at hand does not deny the issuer's authority. What was not"
    " applied for here, and whose issuer nothing proves, stays apart under `wallet pending`."
    " Nothing that arrives is lost: what was refused stays there too, and is tried again.": (
        "只有发给本钱包一个密钥、签名无误、现有核验数据不否定机关权限的证照才会收入。\n"
        "不是在此申请、又无从证明由谁签发的，另存在 wallet pending 中。\n"
        "收到的不会丢失：未收入的也留在那里，下次再试。"
    ),
    "Keep it without the issuer's authority.": "机关无权签发也保存。",
    "all that was applied for": "领取全部申请",
    "a one-time address": "一次性领取地址",
    "a file": "文件",
    "Applications on their way.": "办理中的申请。",
    "Applications on their way, and deliveries that could not be taken in.": (
        "办理中的申请，以及收到但未能收入的证照。"
    ),
    "List applications on their way.": "列出办理中的申请。",
    "Give one up, with what arrived.": "放弃一项申请及已收到的内容。",
    "Give an application up, with whatever arrived for it and with its key.": (
        "放弃一项申请，连同已收到的内容和密钥。"
    ),
    "the beginning of its id will do": "写编号的开头即可",
    # credentials
    "Your credentials.": "您的证照。",
    "Your credentials. CRED is a short name such as residence-permit-1, or its beginning.": (
        "您的证照。CRED 是短名称，如 residence-permit-1，写开头也可。"
    ),
    "List your credentials.": "列出证照。",
    "List your credentials: what each is, how it stands, and until when counters take it.": (
        "列出证照：种类、状态，以及窗口可核验到何时。"
    ),
    "It stands as a counter would say today with the evidence in this wallet; no network.": (
        "状态是窗口今天凭本钱包的核验数据会得出的结论，不联网。"
    ),
    "Show what one says.": "显示一份证照的内容。",
    "Show what a credential says.": "显示一份证照的内容。",
    "the credential itself, as its issuer wrote it": "证照原文",
    "Judge one as a counter would.": "像窗口那样核验一份证照。",
    "Judge a credential as a counter would, with the evidence in this wallet; no network.": (
        "像窗口那样，用本钱包里的核验数据核验一份证照，不联网。"
    ),
    "How old evidence may be.": "核验数据的时效要求。",
    "demand evidence of the last minutes": "要求最近几分钟的核验数据",
    "Ends with 0 accepted, 1 refused, 5 cannot tell (or accepted with limits).": (
        "退出码: 0 通过，1 不通过，5 无法判定 (或有条件通过)。"
    ),
    "Write one to a file, keyless.": "把一份证照写入文件，不含密钥。",
    "Write a credential to a file. Its key stays here: the copy cannot be presented.": (
        "把一份证照写入文件。密钥留在本钱包，副本不能用于出示。"
    ),
    "Where to write.": "写到何处。",
    "Write its evidence here as well.": "同时把核验数据写到此处。",
    "Replace files that are there.": "覆盖已有的文件。",
    "Delete one, and its key.": "删除一份证照及其密钥。",
    "Delete a credential and the key that it is bound to.": "删除一份证照及与之绑定的密钥。",
    "It cannot be presented any more, and the agency has to issue it again. Its evidence, other"
    " copies of it and every older version of the wallet are wiped as well.": (
        "此后不能再出示，须由机关重新签发。\n其核验数据、其他副本和钱包的旧版本也一并抹除。"
    ),
    "Fetch the evidence of credentials.": "取得证照的核验数据。",
    "Fetch the evidence of credentials: issuer, authority, schema, status, issuance.": (
        "取得证照的核验数据：机关、权限、格式、状态、签发存证。"
    ),
    "Evidence is public and proves itself under the pinned policy, so any mirror may give it."
    " The hour's checkpoint is the same for every wallet and tells nobody which credential you"
    " hold; --fresh is for a status that must be known to the minute. Nothing that is held is"
    " given up for something older, or for less.": (
        "核验数据是公开的，凭信任策略自证真伪，取自哪个镜像都行。\n"
        "整点的检查点各钱包都一样，不会泄露您持有哪份证照；\n"
        "--fresh 用于必须知道此刻状态的情形。\n"
        "已有的核验数据不会被更旧或更少的代替。"
    ),
    "A log or mirror; repeatable.": "登记簿或镜像的地址，可重复。",
    "The newest checkpoint instead of the hour's.": "取最新而非整点的检查点。",
    "every credential": "全部证照",
    "from another region's mirrors": "取自别的地区的镜像",
    # presenting
    "Answer a counter with a credential.": "向窗口出示证照。",
    "Answer a counter with a credential: a file signed for this challenge and counter alone.": (
        "向窗口出示证照：生成只供此窗口、此核验码使用的签名文件。"
    ),
    "First it shows who asks, for what, and what would be shown, and asks. Requests are not"
    " signed so far: who asks is a claim, so look whose counter you are at. The same challenge"
    " is answered once: a second answer with another credential is refused, the same answer"
    " again is the same file.": (
        "出示之前先列明谁在请求、为何事项、出示什么，并请您确认。\n"
        "目前的请求没有签名：窗口身份未经证明，请看清您在哪个窗口。\n"
        "一个核验码只答复一次：换一份证照再答会被拒绝，同样的答复得到同样的文件。"
    ),
    "The counter's request; - for stdin.": "窗口的请求文件；- 为标准输入。",
    "The counter's challenge, without a request file.": "没有请求文件时，窗口给出的核验码。",
    "The counter's name, likewise.": "没有请求文件时，窗口的名称。",
    "Without the evidence.": "不附核验数据。",
    "Replace the file if it is there.": "覆盖已有的文件。",
    "ask.json is the counter's request file. N and A are for scripts: its challenge, and its"
    " name.": ("ask.json 是窗口给出的请求文件。N 和 A 供脚本使用：核验码和窗口名称。"),
    # trust
    "Whom the wallet believes.": "钱包信任谁。",
    "Whom the wallet believes. A pinned policy is all it takes on trust; everything else must"
    " prove itself under it.": "钱包信任谁。只信任已载入的策略，其余内容须依据它自证。",
    "Pin the first policy, by its fingerprint.": "核对指纹，载入第一份策略。",
    "The fingerprint comes from another source than the file: whoever could replace both, could"
    " make you believe anything.": (
        "指纹须来自另一渠道：谁能同时替换两者，谁就能让您相信任何事。"
    ),
    "From a second channel: a letter, a poster, a call.": "由另一渠道得到：公函、公告、电话。",
    "Take the next policy, or evidence.": "导入后续策略或核验数据。",
    "Take the policy that follows the pinned one, or a file of evidence.": (
        "导入接续已载入策略的新策略，或核验数据文件。"
    ),
    "the policy that follows the pinned one": "接续已载入策略的新策略",
    "evidence for many credentials": "多份证照的核验数据",
    "Show what is pinned.": "显示已载入的策略。",
    "Show the pinned policy: federation, number, fingerprint, expiry, regions.": (
        "显示已载入的策略：联邦、编号、指纹、有效期、地区。"
    ),
}
