"""How a program tells what was refused: what it means, what is wrong and where, what next.

    PROGRAM: error: MEANING: DETAIL [code]          stderr, for people
      "WORDS OF A PEER"
    PROGRAM: hint: NEXT STEP
    {"code","exit","detail","message":{zh,en},"next":{zh,en}}     for machines

One table for all programs has the words of the codes whose class does not say what a person
can do (`core.errors` has those of the classes). Loaded when something was refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import Bilingual, DidServiceError, Language, kind_and_place
from did_service.core.limits import MAX_SENTENCE_COLUMNS
from did_service.core.text import printable, quote
from did_service.program.streams import refusal_of

Words: TypeAlias = tuple[Bilingual, Bilingual]
"""What an error means, and what to do next."""

FAULT = "internal_fault"


def _words(zh: str, en: str, zh_next: str, en_next: str) -> Words:
    return Bilingual(zh, en), Bilingual(zh_next, en_next)


def _instead(zh: str, en: str) -> Words:
    """Name a file that was given for a presentation."""
    return _words(
        f"这是{zh}，不是出示文件",
        f"this is {en}, not a presentation",
        "请改为指定持证人出示的文件（NAME.vp.json）",
        "give the file that the holder presents (NAME.vp.json)",
    )


def _unreadable(zh: str, en: str) -> Words:
    """Say how a file is damaged that was given for a presentation."""
    return _words(
        zh,
        en,
        "未作任何判断；请持证人重新导出或重新传送文件",
        "nothing was decided; let the holder export or send the file again",
    )


WORDS: Mapping[str, Words] = {
    FAULT: _words(
        "程序内部出错",
        "a fault of this program",
        "已保存的内容没有变化；请保留输入文件并报告此错误",
        "nothing that was stored has changed; keep the input and report this",
    ),
    # making a trust bundle
    "bundle_unproven": _words(
        "信任包未写出：核验点不会全部采信",
        "no bundle was written: a counter would not take all of it",
        "请重试；若某个登记簿一直如此，请换一个镜像（--mirror）或不收入它（--without）",
        "try again; if one log stays so, read it at a mirror (--mirror) or leave it out"
        " (--without)",
    ),
    "mirror_behind": _words(
        "镜像落后于登记簿",
        "a mirror is behind the log",
        "请稍后重试，或换一个镜像",
        "wait and try again, or name another mirror",
    ),
    # rules of the logs (did_service.core.anchor.rules_number)
    "rules_unknown": _words(
        "现行策略已启用本版本不识别的登记规则",
        "the policy in force has rules that this release does not know",
        "请升级软件；升级之前本服务不登记、不见证",
        "upgrade; until then this service takes no entries and cosigns nothing",
    ),
    "rules_not_in_force": _words(
        "所需的登记规则尚未由策略启用",
        "the policy has not put the rules in force that this needs",
        "请待新策略启用后重新提交",
        "submit it again once a new policy has put them in force",
    ),
    # files, streams and what the system says to them
    "file_missing": _words("找不到文件", "no such file", "请核对路径", "check the path"),
    "directory_missing": _words(
        "找不到文件夹",
        "no such folder",
        "请先建好文件夹，或换一个路径",
        "make the folder first, or take another path",
    ),
    "file_exists": _words(
        "文件已存在",
        "the file is there already",
        "请换一个文件名，或加 --force",
        "take another name, or add --force",
    ),
    "folder_not_empty": _words(
        "文件夹不是空的", "the folder is not empty", "请换一个新文件夹", "name a new folder"
    ),
    "file_not_read": _words(
        "无法读取文件",
        "a file could not be read",
        "请核对路径和权限",
        "check the path and its permissions",
    ),
    "file_not_written": _words(
        "无法写入文件",
        "a file could not be written",
        "请检查路径、磁盘空间和权限；原有内容没有损失",
        "check path, space and permissions; nothing that was there is lost",
    ),
    "output_not_written": _words(
        "结果无法写出",
        "the answer could not be written",
        "请检查磁盘空间和管道后重试",
        "check the disk or the pipe, then try again",
    ),
    "system_refused": _words(
        "系统拒绝了该操作",
        "the system refused it",
        "请检查磁盘、权限和文件名后重试",
        "check the disk, permissions and file names, then try again",
    ),
    # what was given for a presentation (did_service.verifier.file_kinds)
    "file_empty": _unreadable("文件是空的", "the file is empty"),
    "file_cut_off": _unreadable(
        "文件不完整，可能在传送中被截断", "the file is cut off: its end is missing"
    ),
    "file_not_json": _unreadable(
        "文件不是 JSON，无法读取", "the file is no JSON: it cannot be read"
    ),
    "file_not_utf8": _unreadable(
        "文件不是 UTF-8 编码（可能是 GBK），或已损坏",
        "the file is not in UTF-8: perhaps in GBK, or damaged",
    ),
    "file_is_utf16": _unreadable(
        "文件是 UTF-16 编码，应为 UTF-8", "the file is in UTF-16, not UTF-8"
    ),
    "file_is_policy": _instead("信任策略", "a policy"),
    "file_is_evidence": _instead(
        "佐证材料（凭据包或信任包）", "evidence (a staple or trust bundle)"
    ),
    "file_is_bundle": _instead("信任包或其他压缩文件", "a trust bundle, or another gzip file"),
    "file_is_report": _instead("核验报告", "a report of a verification"),
    "file_is_request": _instead("核验请求", "a counter's request"),
    "file_is_did_log": _instead("DID 日志", "the log of a DID"),
    "file_is_did_document": _instead("DID 文档", "a DID document"),
    "file_is_pdf": _instead(" PDF 文件", "a PDF"),
    "file_is_archive": _instead(
        "压缩包或办公文档（ZIP、Word、OFD 等）",
        "an archive or office document (ZIP, Word, OFD and the like)",
    ),
    "file_is_image": _instead("图片", "a picture"),
    "file_is_page": _instead("网页或 XML 文件", "a web page or XML"),
    "file_is_other": _instead("其他 JSON 文件", "some other JSON file"),
    # the request of a counter (did_service.core.openid.request_object)
    "request_unsupported": _words(
        "本版本不能回答此种核验请求",
        "this release cannot answer this kind of request",
        "请窗口改用文件形式的核验请求（did-verify challenge），或升级软件",
        "ask the counter for a request file (did-verify challenge), or upgrade",
    ),
    "request_expired": _words(
        "核验请求已过期",
        "the counter's request has expired",
        "请窗口另发一份核验请求",
        "ask the counter for a new request",
    ),
    "request_ahead": _words(
        "核验请求的时间晚于本机时钟",
        "the counter's request is dated later than this clock",
        "请核对本机与窗口的时钟，再由窗口另发一份核验请求",
        "compare this clock with the counter's, then ask for a new request",
    ),
    # trust
    "trust_damaged": _words(
        "信任目录中的文件已损坏",
        "a file of the trust directory is damaged",
        "请换用新目录，核对指纹重新载入策略，并重新并入信任包",
        "take a new directory, pin the policy with its fingerprint, import bundles again",
    ),
    "fingerprint_missing": _words(
        "首次载入策略须核对指纹",
        "the first policy needs its fingerprint",
        "请由另一渠道（电话、公函）取得指纹，用 --fingerprint 给出",
        "get it over a second channel, by phone or letter, and give it as --fingerprint",
    ),
    "fingerprint_wrong": _words(
        "指纹与策略不符",
        "the fingerprint is not that of this policy",
        "请勿载入；请向主管部门重新索取策略并核对",
        "do not use it: ask your authority for the policy again and compare",
    ),
    "policy_missing": _words(
        "没有信任策略",
        "no policy is pinned",
        "请先执行 did-verify trust pin POLICY --fingerprint …",
        "first run: did-verify trust pin POLICY --fingerprint …",
    ),
    "did_rolled_back": _words(
        "日志中缺少此前见过的版本",
        "the log has lost a version that was seen before",
        "请勿使用；向签发机关核实，并保留两份日志",
        "do not use it: ask the DID's controller, and keep both logs",
    ),
    "witness_threshold": _words(
        "缺少足够的见证",
        "approvals of witnesses are missing",
        "请用 --witness 给出 did-witness.json",
        "give did-witness.json with --witness",
    ),
}


def words_of(error: DidServiceError) -> Words:
    """Return the words of a code, or those of the error's class."""
    return WORDS.get(error.code, (error.meaning, error.next_step))


def failure_text(program: str, error: DidServiceError, language: Language) -> str:
    """Return the two lines for people, and between them what a peer says about it."""
    meaning, following = words_of(error)
    told = f"{language.say(meaning)}: {printable(error.message)}"
    return "\n".join(
        [
            f"{program}: error: {told} [{error.code}]",
            *foreign_lines(error),
            f"{program}: hint: {language.say(following)}",
        ]
    )


def foreign_lines(error: DidServiceError) -> list[str]:
    """Return the line of its own that a peer's words have."""
    said = error.peer_says
    return [] if said is None else [f"  {quote(said, MAX_SENTENCE_COLUMNS)}"]


def describe(error: DidServiceError, exit_code: int) -> JsonObject:
    """Return the object for machines."""
    meaning, following = words_of(error)
    return {
        "code": error.code,
        "exit": exit_code,
        "detail": error.message,
        **({} if error.peer_says is None else {"peer_says": error.peer_says}),
        "message": {"zh": meaning.zh, "en": meaning.en},
        "next": {"zh": following.zh, "en": following.en},
    }


def failed(schema: str, command: str, error: DidServiceError, exit_code: int) -> JsonObject:
    """Return the envelope of a command that did not come to an answer."""
    described = describe(error, exit_code)
    return {"schema": schema, "ok": False, "command": command, "error": described}


def as_error(error: Exception) -> DidServiceError:
    """Return any error as one of ours."""
    if isinstance(error, DidServiceError):
        return error
    if isinstance(error, OSError):
        return refusal_of(error)
    return DidServiceError(FAULT, kind_and_place(error))
