"""What every check code means: step, result, a sentence and a next step in two languages.

This one closed table decides which findings refuse and which leave a thing undecided. FAILED is
for authentic negatives alone (docs/threat-model.md §3, and step by step offline-verification.md
§3.1): a bad credential or holder signature, revoked, ended, not granted, expired, over-asked.
What is absent, unreadable, unsupported, too old, forked, or was judged by a doubtful clock is
UNDECIDED; unknown never becomes a pass or a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from did_service.core.errors import Bilingual


class Result(Enum):
    """What came out of one check."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a code says. `next_step` is None only where nothing is left to do."""

    step: int
    result: Result
    message: Bilingual
    next_step: Bilingual | None


_REISSUE = Bilingual(
    "请持证人向签发机关核实或重新办理",
    "the holder should ask the issuing agency to check or re-issue it",
)
_REFRESH = Bilingual(
    "请更新信任包，或请持证人联网刷新凭据包后重试",
    "refresh the trust bundle, or let the holder refresh the staple, and try again",
)
_SHOW_AGAIN = Bilingual(
    "请给出新的核验码，由持证人重新出示",
    "give a new code and let the holder present again",
)
_POLICY = Bilingual(
    "请向主管部门索取现行策略并核对指纹后导入",
    "get the current policy from your authority, compare its fingerprint and import it",
)
_CLOCK = Bilingual(
    "请校正时钟后重试；时钟无误的，先执行 did-verify trust reset-clock",
    "set the clock and try again; if it is right, first run did-verify trust reset-clock",
)
_REPORT = Bilingual(
    "请勿采信，保留材料并报告主管部门", "do not rely on it; keep the files and report it"
)


_EXPORT = Bilingual(
    "请持证人重新导出后再出示", "let the holder export it again and present again"
)


def _passed(step: int, zh: str, en: str) -> Sentence:
    return Sentence(step, Result.PASSED, Bilingual(zh, en), None)


def _not_asked(step: int, zh: str, en: str) -> Sentence:
    return Sentence(step, Result.NOT_ASKED, Bilingual(zh, en), None)


def _failed(step: int, zh: str, en: str, following: Bilingual) -> Sentence:
    return Sentence(step, Result.FAILED, Bilingual(zh, en), following)


def _undecided(step: int, zh: str, en: str, following: Bilingual) -> Sentence:
    return Sentence(step, Result.UNDECIDED, Bilingual(zh, en), following)


CHECKS: Mapping[str, Sentence] = {
    # 1 shape
    "shape_valid": _passed(1, "文件格式正确", "the file is well-formed"),
    "malformed": _undecided(
        1,
        "文件格式不正确，无法读取",
        "the file is not in the expected format and cannot be read",
        _EXPORT,
    ),
    "too_large": _undecided(
        1, "文件超出允许的大小", "the file is larger than allowed", _EXPORT
    ),
    # 1 shape, and whichever step meets it
    "unsupported": _undecided(
        1,
        "本版本不支持此种格式",
        "this release does not support this form",
        Bilingual(
            "请升级软件，或请持证人换用受支持的格式",
            "upgrade, or let the holder present a supported form",
        ),
    ),
    "internal_fault": _undecided(
        1,
        "本程序在此步骤出错，未能作出判断",
        "a fault of this program: the step could not be made",
        Bilingual(
            "请保留文件并报告此错误；改由其他窗口或人工核验",
            "keep the file and report this; verify at another counter or by hand",
        ),
    ),
    # 2 policy
    "policy_current": _passed(2, "信任策略有效", "the trust policy is in force"),
    "policy_missing": _undecided(2, "尚未载入信任策略", "no trust policy is pinned", _POLICY),
    "policy_expired": _undecided(2, "信任策略已过期", "the trust policy has expired", _POLICY),
    "policy_lifetime": _undecided(
        2,
        "信任策略的有效期超过十三个月",
        "the trust policy would last longer than 13 months",
        _POLICY,
    ),
    "policy_forked": _undecided(
        2,
        "存在两份编号相同的信任策略",
        "there are two signed policies of one number",
        Bilingual(
            "请停止采信并报告主管部门，人工核对后重新载入策略",
            "stop relying on it, report it, and pin the policy again by hand",
        ),
    ),
    # 3 log evidence
    "log_witnessed": _passed(
        3, "登记记录经其他地区见证", "the records were witnessed by other regions"
    ),
    "evidence_left_out": _passed(
        3,
        "有一项佐证材料未通过核验，已弃用，其余材料足够",
        "one piece of evidence did not verify and was left out; the rest sufficed",
    ),
    "evidence_of_other_type": _passed(
        3,
        "有本版本不识别类型的登记记录，未予采用",
        "records of a type that this release does not know were not used",
    ),
    "log_evidence_missing": _undecided(
        3, "没有任何登记佐证材料", "there is no evidence from any log", _REFRESH
    ),
    "log_unknown": _undecided(
        3,
        "佐证材料来自策略之外的登记簿，已弃用",
        "evidence from a log outside the policy was dropped",
        _REFRESH,
    ),
    "quorum_not_met": _undecided(
        3,
        "登记簿检查点缺少足够地区的见证，已弃用",
        "a checkpoint without enough witnesses was dropped",
        _REFRESH,
    ),
    "evidence_dropped": _undecided(
        3,
        "有佐证材料未通过核验，已弃用",
        "a piece of evidence did not verify and was dropped",
        _REFRESH,
    ),
    "log_forked": _undecided(
        3,
        "登记簿出现两份相互矛盾的历史",
        "the log has shown two contradicting histories",
        Bilingual(
            "在新策略发布前停止采信该登记簿，并报告主管部门",
            "stop relying on this log until a new policy comes, and report it",
        ),
    ),
    # 4 issuer
    "issuer_current": _passed(
        4, "签发机关身份为最新登记", "the issuer's record is the latest in its log"
    ),
    "issuer_before_end": _passed(
        4,
        "签发机关身份已注销，证照在注销之前已存在",
        "the issuer has ended; the credential is proven to be older than that",
    ),
    "issuer_evidence_missing": _undecided(
        4, "缺少签发机关的身份登记材料", "there is no evidence of the issuer's record", _REFRESH
    ),
    "issuer_not_latest": _undecided(
        4,
        "签发机关身份材料未证明为最新",
        "the issuer's record is not shown to be the latest",
        _REFRESH,
    ),
    "issuer_deactivated": _failed(
        4,
        "证照签发日期晚于签发机关身份注销之时",
        "the credential is dated after the issuer was deactivated",
        _REISSUE,
    ),
    # 5 credential proof
    "proof_valid": _passed(5, "签名有效", "signature valid"),
    "proof_invalid": _failed(
        5,
        "证照签名无效，内容可能被改动",
        "the credential's signature is not valid: it may have been changed",
        _REPORT,
    ),
    "proof_unreadable": _undecided(
        5,
        "签名缺失、不完整或无法读取",
        "a signature is missing, incomplete or cannot be read",
        _EXPORT,
    ),
    "proof_beside": _undecided(
        5,
        "应签者的签名有效，但附加的另一签名未通过核验",
        "it is signed as it should be, but another signature beside that does not verify",
        Bilingual(
            "请持证人出示未附加其他签名的原件",
            "let the holder present the original, without what was added",
        ),
    ),
    "key_not_listed": _failed(
        5,
        "证照并非由签发机关登记的密钥签署",
        "the credential is signed with a key that its issuer does not list",
        _REPORT,
    ),
    "issuer_key_unknown": _undecided(
        5,
        "现有材料不足以确认签发机关的密钥",
        "the evidence at hand does not settle the issuer's key",
        _REFRESH,
    ),
    # 6 authority
    "authority_held": _passed(
        6, "机关有权在该地区签发此类证照", "the issuer may issue this type in this region"
    ),
    "issued_while_authorised": _passed(
        6,
        "机关权限已终止，证照系在权限存续期间签发",
        "the issuer's authority has ended; this was issued while authorised",
    ),
    "authority_missing": _undecided(
        6,
        "缺少能证明机关有权签发的材料",
        "no evidence at hand shows that the issuer may issue this",
        _REFRESH,
    ),
    "type_not_granted": _failed(
        6,
        "机关无权签发此类证照",
        "the issuer has no authority for this type of credential",
        _REPORT,
    ),
    "region_not_granted": _failed(
        6,
        "机关无权在该地区签发此类证照",
        "the issuer has no authority for this type in this region",
        _REPORT,
    ),
    "authority_suspended": _failed(
        6,
        "机关的签发权限已被暂停",
        "the issuer's authority is suspended",
        Bilingual("请向授权机关核实", "ask the granting authority"),
    ),
    "issued_after_end": _failed(
        6,
        "证照签发日期晚于机关权限终止之时",
        "the credential is dated after the issuer's authority had ended",
        _REPORT,
    ),
    "issuance_time_not_proven": _undecided(
        6,
        "机关权限已终止，无法证明证照在此之前已存在",
        "authority has ended, and nothing proves that the credential existed before",
        Bilingual(
            "请持证人补充签发存证，或到承接机关重新办理",
            "the holder should add the issuance evidence or have it re-issued",
        ),
    ),
    # 7 schema
    "schema_met": _passed(
        7, "内容符合登记的证照格式", "the content fits the registered schema"
    ),
    "schema_deprecated": _passed(
        7,
        "该格式定义已由发布机关标为停用，已签发的证照不受影响",
        "the publisher has marked the schema deprecated; what was issued stays good",
    ),
    "schema_missing": _undecided(
        7,
        "缺少该类证照已登记且可用的格式定义",
        "no registered schema of this type that can be used is at hand",
        _REFRESH,
    ),
    "schema_violated": _failed(
        7,
        "内容不符合登记的证照格式",
        "the content does not fit the registered schema",
        _REISSUE,
    ),
    "resource_altered": _failed(
        7,
        "证照绑定的格式或词表与实际使用的不一致",
        "a schema or context is not the one that the credential is bound to by its digest",
        _REISSUE,
    ),
    # 8 time
    "within_validity": _passed(8, "在有效期内", "within its period of validity"),
    "within_clock_skew": _passed(
        8,
        "生效或签发时间略晚于本机时钟，在允许的五分钟偏差之内",
        "it begins or is dated a little later than this clock, within the 5 minutes allowed",
    ),
    "not_yet_valid": _failed(8, "证照尚未生效", "the credential is not valid yet", _REISSUE),
    "dated_ahead": _undecided(
        8,
        "证照的签发时间晚于当前时间",
        "the credential is dated later than now",
        Bilingual(
            "请校正本机时钟；时钟无误的，请持证人向签发机关核实",
            "set the clock; if it is right, the holder should ask the issuing agency",
        ),
    ),
    "expired": _failed(8, "证照已过有效期", "the credential has expired", _REISSUE),
    "clock_behind": _undecided(
        8,
        "本机时钟落后于已见证的时间或此前核验的时间",
        "this machine's clock is behind a time that was witnessed, or of an earlier check",
        _CLOCK,
    ),
    "clock_in_doubt": _undecided(
        8,
        "期限是否届至取决于存疑的时间，无法判断",
        "whether a period has begun or ended depends on a time that is in doubt",
        _CLOCK,
    ),
    # 9 status
    "status_clear": _passed(9, "未被吊销", "not revoked"),
    "not_suspended": _passed(9, "未被暂停", "not suspended"),
    "status_not_required": _passed(
        9, "该类证照没有状态列表", "this type of credential keeps no status"
    ),
    "status_passed_over": _passed(
        9,
        "有一项状态条目与证照效力无关，未予查验",
        "a status entry that does not concern validity was passed over",
    ),
    "status_entry_missing": _failed(
        9,
        "证照缺少该类证照必须具备的吊销状态条目",
        "the credential lacks the revocation entry that its type demands",
        _REISSUE,
    ),
    "status_missing": _undecided(
        9,
        "缺少可用的状态列表，无法判断是否吊销",
        "no usable status list is at hand: neither revoked nor not revoked",
        _REFRESH,
    ),
    "status_list_unregistered": _undecided(
        9,
        "状态列表地址未在机关的授权中登记",
        "the address of the status list is not registered for this issuer",
        _REFRESH,
    ),
    "status_unsupported": _undecided(
        9,
        "本版本不支持或无法读取此种状态条目",
        "this release does not support this kind of status entry, or cannot read it",
        Bilingual("请升级软件后重试", "upgrade and try again"),
    ),
    "status_stale": _undecided(9, "状态列表已超出时效", "the status list is too old", _REFRESH),
    "revoked": _failed(9, "证照已被吊销", "the credential has been revoked", _REISSUE),
    "suspended": _failed(9, "证照已被暂停使用", "the credential is suspended", _REISSUE),
    "index_out_of_range": _undecided(
        9,
        "状态条目超出状态列表的范围",
        "the status entry lies outside the list",
        _REISSUE,
    ),
    # 10 holder
    "holder_proven": _passed(
        10,
        "由持证人的钱包为本窗口本次核验签名",
        "the holder's wallet signed it for this counter just now",
    ),
    "holder_not_asked": _not_asked(
        10,
        "没有证明出示的人就是持证人",
        "nothing shows that whoever has the file is its holder",
    ),
    "answered_before": _undecided(
        10,
        "这份出示此前已在本窗口核验过",
        "this was checked at this counter before",
        Bilingual(
            "同一人的同一次办理才有效；否则请给出新的核验码，重新出示",
            "good only for the same person's same visit; otherwise give a new code",
        ),
    ),
    "holder_proof_missing": _failed(
        10, "缺少持证人当场签名", "the holder's signature is missing", _SHOW_AGAIN
    ),
    "holder_proof_invalid": _failed(
        10,
        "持证人签名无效，出示内容可能被改动",
        "the holder's signature is not valid: the presentation may have been changed",
        _SHOW_AGAIN,
    ),
    "holder_mismatch": _failed(
        10, "出示人不是证照的持证人", "whoever presents is not the holder", _REPORT
    ),
    "nonce_unknown": _failed(
        10,
        "核验码已过期，或不是本窗口发出的",
        "the code has expired or is not one of this counter",
        _SHOW_AGAIN,
    ),
    "nonce_used": _failed(
        10,
        "本次核验码已用于另一份出示",
        "this code was already answered by another file",
        _SHOW_AGAIN,
    ),
    "audience_wrong": _failed(
        10,
        "这是出示给其他窗口的，不能在本窗口使用",
        "this was presented to another counter and cannot be used here",
        _SHOW_AGAIN,
    ),
    # 11 delegation
    "mandate_not_asked": _not_asked(11, "未涉及代办", "nobody acts for another here"),
    # 12 request
    "query_not_asked": _not_asked(12, "未指定查询内容", "no query was made"),
    "query_not_answered": _failed(
        12,
        "出示内容与查询要求不符",
        "the presentation answers no question that was asked",
        _SHOW_AGAIN,
    ),
    # 13 freshness
    "evidence_fresh": _passed(13, "佐证材料在时效之内", "the evidence is recent enough"),
    "freshness_unknown": _undecided(
        13,
        "没有可判断时效的佐证材料",
        "there is no evidence whose age could be judged",
        _REFRESH,
    ),
    "evidence_stale": _undecided(13, "佐证材料已超出时效", "the evidence is too old", _REFRESH),
}

UNSAFE: Mapping[str, Bilingual] = {
    "now_given": Bilingual(
        "按指定时间而非本机时钟判断", "judged by a given time, not by the clock"
    ),
    "nonce_not_remembered": Bilingual(
        "核验码未被记录，重复出示无法识别",
        "the code is not remembered: a replay would pass",
    ),
    "nothing_remembered": Bilingual(
        "未使用信任目录：不记录、不比对以往所见",
        "no trust directory: nothing is remembered or compared with the past",
    ),
    "trust_exposed": Bilingual(
        "信任目录可被其他用户改写，请收紧其权限（仅限本人）",
        "others may write into the trust directory: let its owner alone have it",
    ),
    "tier_relaxed": Bilingual(
        "时效要求宽于默认值，且无办理事项作依据",
        "evidence may be older than by default, and no service item allows it",
    ),
    "audience_not_asked": Bilingual(
        "未要求出示内容专供本窗口", "it was not asked that it be for this counter alone"
    ),
    "policy_demo": Bilingual("演示用策略，不具效力", "a demonstration policy, of no force"),
}
