"""What the wallet's codes mean, in Chinese and English, and the next step (docs/formats.md §7).

One closed table for the codes that this program raises or warns with; what it shares with the
other programs stands in `did_service.program.failure`. A text that ends in a colon goes before
what is wrong and where.
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
        "请用 wallet init 新建，或用 --store 指定位置",
        "make one with wallet init, or say where it is with --store",
    ),
    "store_exists": _m(
        "此处已有钱包：",
        "a wallet is here already:",
        "请用 wallet status 查看，或用 --store 另选位置",
        "look at it with wallet status, or choose another place with --store",
    ),
    "store_damaged": _m(
        "钱包文件已损坏或被改动：",
        "the store is damaged or was changed:",
        "请勿改动文件；上一版本为同一目录中的 wallet.json.1，见 wallet doctor",
        "keep the files as they are; the version before is wallet.json.1: see wallet doctor",
    ),
    "store_newer": _m(
        "钱包由更新的版本写成：",
        "the store was written by a later release:",
        "请升级软件，文件没有改动",
        "upgrade; nothing was changed",
    ),
    "store_rekeyed": _m(
        "钱包刚被另一程序重新加密，未写入任何内容：",
        "the wallet was sealed anew meanwhile; nothing was written:",
        "请再试一次",
        "try again",
    ),
    "record_unreadable": _m(
        "内容无法可靠保存：",
        "it cannot be kept reliably:",
        "请由提供方更正内容",
        "ask whoever made it to correct it",
    ),
    "wallet_full": _m(
        "钱包已满：",
        "the wallet is full:",
        "请删除不再需要的证照",
        "delete credentials you do not need",
    ),
    "passphrase_wrong": _m(
        "口令错误",
        "wrong passphrase",
        "请核对口令后重试；已保存的内容没有变化",
        "check the passphrase and try again; nothing was changed",
    ),
    "passphrase_short": _m(
        "口令太短：",
        "the passphrase is too short:",
        "请用一句自己记得住的话作口令",
        "use a sentence that you can remember",
    ),
    "passphrase_mistyped": _m(
        "两次输入的口令不同",
        "the two passphrases differ",
        "请重新输入",
        "type it again",
    ),
    "passphrase_unreadable": _m(
        "无法读取口令：",
        "no passphrase to be read:",
        "口令应写在文件第一行",
        "the passphrase is the first line of the file",
    ),
    "passphrase_twice": _m(
        "同时指定了两个口令来源",
        "two sources of the passphrase were given",
        "请只用 --passphrase-file 和 --passphrase-fd 中的一个",
        "use --passphrase-file or --passphrase-fd, not both",
    ),
    "passphrase_exposed": _m(
        "口令文件可被他人读取",
        "others may read the passphrase file",
        "请用 chmod 600 收紧权限",
        "narrow it with chmod 600",
    ),
    "input_needed": _m(
        "需要人工回答，但此处无法提问：",
        "somebody would have to answer:",
        "请在终端中运行，或给出所需选项",
        "run it at a terminal, or give the option",
    ),
    "declined": _m("已取消", "cancelled", "没有任何改动", "nothing was changed"),
    "language_unknown": _m(
        "不支持这种语言：", "no such language:", "请用 zh、en 或 both", "use zh, en or both"
    ),
    "usage": _m("用法不正确：", "wrong usage:", "见 wallet --help", "see wallet --help"),
    "offline": _m(
        "此命令需要联网，而 --offline 禁止联网",
        "this needs the network, which --offline rules out",
        "请去掉 --offline 后重试",
        "try again without --offline",
    ),
    # files, beside those of `did_service.program.failure`
    "file_twice": _m(
        "两个文件同名：",
        "one file for two things:",
        "请给出两个不同的文件名",
        "give two names",
    ),
    "file_in_store": _m(
        "不能写入钱包自己的目录：",
        "not among the wallet's own files:",
        "请写到其他目录",
        "give a name in another directory",
    ),
    # what is named
    "credential_unknown": _m(
        "没有这份证照：",
        "no such credential:",
        "请用 wallet cred list 查看",
        "see wallet cred list",
    ),
    "credential_ambiguous": _m(
        "名称不止对应一份证照：",
        "the name fits several credentials:",
        "请写全名称",
        "give more of the name",
    ),
    "identity_unknown": _m(
        "没有这个标识符：",
        "no such identifier:",
        "请用 wallet id list 查看",
        "see wallet id list",
    ),
    "identity_ambiguous": _m(
        "不止一个标识符符合：",
        "the name fits several identifiers:",
        "请写全",
        "give more of the name",
    ),
    "application_unknown": _m(
        "没有这项申请：",
        "no such application:",
        "请用 wallet pending list 查看",
        "see wallet pending list",
    ),
    "application_ambiguous": _m(
        "不止一项申请符合：",
        "it fits several applications:",
        "请写全编号",
        "give more of the id",
    ),
    "label_long": _m("名称太长：", "the name is too long:", "请缩短", "shorten it"),
    # issuers
    "issuer_unlisted": _m(
        "没有一份已载入的信任策略列有该机关的主机，未发送任何信息：",
        "no pinned policy lists the issuer's host; nothing was sent:",
        "请核对网址，并用 wallet trust pin 载入策略；确需发送，请加 --unlisted 主机名",
        "check the address and pin the policy (wallet trust pin); --unlisted HOST sends anyway",
    ),
    "issuer_without_authority": _m(
        "签发机关无权签发此证照，窗口不会接受：",
        "the issuer has no authority for this, and counters will refuse it:",
        "原件留在 wallet pending 中；确需保存，请加 --allow-untrusted",
        "it stays under wallet pending; --allow-untrusted keeps it all the same",
    ),
    "issuer_not_checked": _m(
        "没有信任策略，签发机关未经核验",
        "no policy is pinned: the issuer was not checked",
        "请用 wallet trust pin 载入策略",
        "pin a policy with wallet trust pin",
    ),
    "authority_not_proven": _m(
        "现有核验数据不足以证明机关有权签发此证照",
        "nothing at hand shows that the issuer may issue this",
        "请稍后运行 wallet refresh；在此之前窗口可能不接受",
        "later: wallet refresh; counters may not accept it",
    ),
    "signature_not_checked": _m(
        "核验数据不足，签名尚未核验",
        "the signature could not be checked with the evidence at hand",
        "请稍后运行 wallet refresh 和 wallet cred verify",
        "later: wallet refresh, then wallet cred verify",
    ),
    "set_aside": _m(
        "尚无材料证明由谁签发，未列入证照，另行存放",
        "nothing proves who issued it: it is kept apart from your credentials",
        "请联网后运行 wallet receive 再次核验；见 wallet pending list",
        "wallet receive checks it again, with the network; see wallet pending list",
    ),
    "credential_spoilt": _m(
        "收到的证照有误，未收入钱包：",
        "what arrived is not a sound credential and was not kept:",
        "请联系签发机关；原件留在 wallet pending 中",
        "ask the agency; what arrived stays under wallet pending",
    ),
    "subject_foreign": _m(
        "证照不是发给本钱包的：",
        "the credential is not for a key of this wallet:",
        "请用申请时所用的钱包领取",
        "receive it with the wallet that applied for it",
    ),
    "subjects_several": _m(
        "证照写有不止一个主体，未收入钱包：",
        "the credential is about more than one subject and was not kept:",
        "请联系签发机关；本钱包只保存发给一人的证照",
        "ask the agency; this wallet keeps credentials of one person only",
    ),
    "credential_held": _m(
        "此证照已在钱包中：",
        "the credential is here already:",
        "请用 wallet cred list 查看",
        "see wallet cred list",
    ),
    "pickup_invalid": _m(
        "领取地址不正确：",
        "not a pick-up address:",
        "请按机关给出的地址完整输入",
        "copy the whole address",
    ),
    "pickup_used": _m(
        "该地址已被领取",
        "this was picked up before",
        "若不是本人领取，请立即联系机关",
        "if it was not you, tell the agency at once",
    ),
    "pickup_unknown": _m(
        "没有这个领取地址",
        "the agency knows no such pick-up address",
        "请核对地址",
        "check the address",
    ),
    "not_yet": _m(
        "尚未获批，暂无可领取的证照",
        "nothing is approved yet",
        "请稍后再运行 wallet receive",
        "run wallet receive again later",
    ),
    "delivery_held_back": _m(
        "有证照已收到，但未能收入钱包",
        "something arrived that could not be taken in",
        "见 wallet pending list；请用 wallet receive 再试",
        "see wallet pending list; wallet receive tries again",
    ),
    "answer_invalid": _m(
        "机关的答复有误：",
        "the issuer's answer is not what it should be:",
        "请稍后重试或联系机关",
        "try again later, or tell the agency",
    ),
    "answer_lost": _m(
        "未收到机关的答复，申请可能已经送达；密钥和申请都已保留：",
        "no answer came, though the application may have arrived; it is kept with its key:",
        "请稍后运行 wallet receive，会再次送出同一份申请；请勿重新申请",
        "run wallet receive later: it sends the same application again; do not apply anew",
    ),
    "challenge_unknown": _m(
        "机关没有收到过这份申请，它也已过期",
        "the agency has never had this application, and it has expired",
        "请重新申请，并用 wallet pending drop 放弃这一份",
        "apply anew, and give this one up with wallet pending drop",
    ),
    "claims_invalid": _m(
        "申请内容不符合要求：",
        "the claims do not fit what the item asks for:",
        "请更正后重新申请",
        "correct them and apply again",
    ),
    "claim_hidden_character": _m(
        "申请内容含有不可见字符：",
        "a claim has a character that nobody sees:",
        "请重新输入该项内容后再申请，不要从网页或聊天窗口粘贴",
        "type that claim anew and apply again; do not paste it from a page or a chat",
    ),
    "item_unknown": _m(
        "该机关没有这个事项：",
        "the agency has no such item:",
        "请核对事项名称",
        "check its name",
    ),
    "peer_unreachable": _m(
        "无法连接：",
        "cannot be reached:",
        "请检查网络，稍后重试",
        "check the network, try again later",
    ),
    "peer_timeout": _m(
        "对方没有及时答复：",
        "no answer came in time:",
        "请稍后重试",
        "try again later",
    ),
    "routes_in_use": _m(
        "主机的连接地址按 DIDSVC_ROUTES 改写",
        "hosts are reached as DIDSVC_ROUTES says",
        "仅用于演示和测试",
        "for demonstrations and tests only",
    ),
    "url_invalid": _m(
        "网址不正确：",
        "not a URL:",
        "请给出以 https:// 开头的完整地址",
        "the whole address, beginning https://",
    ),
    "too_large": _m(
        "内容太大：",
        "too large:",
        "请核对是否选错了文件",
        "check that it is the right file",
    ),
    # evidence
    "batch_unknown": _m(
        "签发存证尚未登记：",
        "the issuance is not anchored yet:",
        "请稍后再运行 wallet refresh",
        "run wallet refresh again later",
    ),
    "entry_unknown": _m(
        "镜像返回的不是所要的记录：",
        "the mirror gave another entry:",
        "请换一个镜像：--from URL",
        "try another mirror: --from URL",
    ),
    "evidence_unproven": _m(
        "镜像返回的核验数据未通过核验：",
        "what the mirror gave does not verify:",
        "请换一个镜像：--from URL",
        "try another mirror: --from URL",
    ),
    "policy_missing": _m(
        "尚未载入信任策略",
        "no policy is pinned",
        "wallet trust pin FILE --fingerprint …",
        "wallet trust pin FILE --fingerprint …",
    ),
    "policy_expired": _m(
        "信任策略已过期",
        "the pinned policy has expired",
        "请用 wallet trust import 导入后续策略",
        "take the one that follows with wallet trust import",
    ),
    "policy_pinned": _m(
        "已载入另一份策略",
        "another policy is pinned",
        "后续策略请用 wallet trust import 导入",
        "wallet trust import takes the one that follows",
    ),
    "trust_damaged": _m(
        "信任目录已损坏：",
        "the trust directory is damaged:",
        "请重新载入策略，或重新导入核验数据",
        "pin the policy again, or import the evidence again",
    ),
    "evidence_malformed": _m(
        "不是核验数据文件：",
        "not a file of evidence:",
        "请索取完整的原始文件",
        "ask for the complete original",
    ),
    "evidence_missing": _m(
        "有核验数据未能取得",
        "a piece of evidence could not be fetched",
        "请换一个镜像：--from URL",
        "try another mirror: --from URL",
    ),
    "not_published_yet": _m(
        "核验数据尚未公布；下次公布时间：",
        "the evidence is not published yet; the next time is:",
        "请届时再运行 wallet refresh，或现在加 --fresh",
        "run wallet refresh then, or now with --fresh",
    ),
    "collection_ended": _m(
        "核验数据的请求次数已用完",
        "no more requests for evidence in one go",
        "请稍后再运行 wallet refresh",
        "run wallet refresh again later",
    ),
    "staple_kept": _m(
        "新取得的核验数据比现有的少，已保留现有的",
        "what came proves less than what is here; the older evidence was kept",
        "请换一个镜像：--from URL；一再如此，请报告主管部门",
        "try another mirror: --from URL; if it stays so, report it",
    ),
    "delivery_same": _m(
        "该地址给出的仍是此前未能收入的内容",
        "the address gives what could not be taken in before",
        "请联系签发机关",
        "ask the agency",
    ),
    "evidence_blinded": _m(
        "核验数据不完整：最新的一项缺少证明，有关证照暂时无法判定",
        "evidence is incomplete: the newest entry cannot be used, and nothing is decided by it",
        "请向发布方索取完整的核验数据",
        "ask its publisher for the whole bundle",
    ),
    "evidence_dropped": _m(
        "有核验数据未通过核验，已弃用",
        "evidence that did not verify was left out",
        "请换一个来源",
        "try another source",
    ),
    "log_forked": _m(
        "登记簿出现两份相互矛盾的历史，其核验数据未采用",
        "a log shows two histories; its evidence was not taken",
        "请停止采信并报告主管部门",
        "do not rely on it, and report it",
    ),
    "staple_old": _m(
        "核验数据缺失或已超过一天",
        "its evidence is missing or older than a day",
        "wallet refresh",
        "wallet refresh",
    ),
    "nothing_fetched": _m(
        "未能取得任何核验数据：",
        "no evidence could be fetched:",
        "请检查网络，或用 --from 换一个镜像",
        "check the network, or try another mirror with --from",
    ),
    "credential_refused": _m(
        "窗口会拒绝这份证照",
        "a counter would refuse this credential",
        "原因见上",
        "the reasons stand above",
    ),
    "credential_undecided": _m(
        "现有核验数据不足以判定",
        "the evidence at hand does not settle it",
        "wallet refresh",
        "wallet refresh",
    ),
    # presenting
    "addressee_invalid": _m(
        "核验码或窗口名称不正确：",
        "the challenge or the counter's name is wrong:",
        "请按窗口显示的内容输入",
        "copy what the counter shows",
    ),
    "request_missing": _m(
        "缺少窗口的请求：",
        "what does the counter ask:",
        "请用 --request 指定窗口给出的请求文件",
        "give the counter's request file with --request",
    ),
    "request_expired": _m(
        "窗口的请求已过期：",
        "the counter's request has expired:",
        "请窗口重新发出请求；若时间不对，请校正本机时钟",
        "ask the counter for a new one; set this machine's clock if it is wrong",
    ),
    "request_ahead": _m(
        "窗口请求的时间晚于本机时钟：",
        "the counter's request is dated later than this machine's clock:",
        "请校正本机时钟；时钟无误的，请窗口重新发出请求",
        "set the clock; if it is right, ask the counter for a new request",
    ),
    "request_unsupported": _m(
        "本钱包不能答复这种请求：",
        "this wallet cannot answer such a request:",
        "请窗口改发未签名、以文件答复的请求，或升级钱包",
        "ask for one that is unsigned and answered by a file, or upgrade the wallet",
    ),
    "answered_otherwise": _m(
        "此核验码已用另一份证照答复过",
        "this challenge was answered with another credential",
        "请窗口给出新的核验码",
        "ask the counter for a new challenge",
    ),
    # the state of the store
    "store_exposed": _m(
        "钱包文件可被他人读取",
        "others may read the store",
        "请对目录执行 chmod 700，对文件执行 chmod 600",
        "chmod 700 the directory, chmod 600 its files",
    ),
    "store_restored": _m(
        "已换回上一版本",
        "the version before is in place",
        "损坏的文件留作 wallet.json.damaged",
        "the damaged file stays as wallet.json.damaged",
    ),
    "previous_usable": _m(
        "钱包文件已损坏，上一版本可用",
        "the store is damaged; the version before opens",
        "wallet doctor --restore",
        "wallet doctor --restore",
    ),
}
