"""The verdict in a clerk's words: lines of plain text in Chinese, English or both.

    无法判定 CANNOT TELL
      ? 状态列表已超出时效 the status list is too old   9 天前 9 d old (限 limit 24 h)
    → 请更新信任包… refresh the trust bundle…
    证照 credential "urn:didsvc:residence-permit:1" · 签发机关 issued by "广州市公安局"
      ✔ 签名有效 signature valid (eddsa-jcs-2022)

The verdict comes first, then what stands in the way and what to do, then all the rest. Colours,
if any, are the program's, and so is saying the verdict once more below it all. Values of claims
never appear. Foreign text is quoted, cut and never at the start of a line (`core.text`), and no
list of it is longer than a few: no name can pass for a finding (threat rule 30).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from did_service.core.encoding import timestamps
from did_service.core.errors import Bilingual, Language
from did_service.core.text import printable, quote
from did_service.core.verification.codes import UNSAFE, Result
from did_service.core.verification.report import (
    Basis,
    Check,
    CredentialSummary,
    Outcome,
    Report,
)
from did_service.program.folding import few

WORDS = {
    Outcome.ACCEPTED: Bilingual("通过", "ACCEPTED"),
    Outcome.ACCEPTED_WITH_LIMITS: Bilingual("有条件通过", "ACCEPTED WITH LIMITS"),
    Outcome.REFUSED: Bilingual("不通过", "REFUSED"),
    Outcome.UNDECIDED: Bilingual("无法判定", "CANNOT TELL"),
    Outcome.DOCUMENT: Bilingual(
        "证照真实，未核验持证人", "GENUINE DOCUMENT, holder not checked"
    ),
    Outcome.ANSWERED: Bilingual("已核验过", "ALREADY ANSWERED"),
}
MARKS = {
    Result.PASSED: "✔",
    Result.FAILED: "✘",
    Result.UNDECIDED: "?",
    Result.NOT_ASKED: "·",
}
_UNITS = ((86_400, "天", "d"), (3_600, "小时", "h"), (60, "分钟", "min"), (1, "秒", "s"))
_CREDENTIAL = Bilingual("证照", "credential")
_ISSUED_BY = Bilingual("签发机关", "issued by")
_SHOWN = Bilingual("出示内容", "shown")
_SOURCE = Bilingual("依据", "evidence")
# Which evidence, by the first word of a report's `source`; a bundle's file name follows it.
_SOURCES = {
    "staple": Bilingual("凭据包", "staple"),
    "bundle": Bilingual("信任包", "bundle"),
    "trust": Bilingual("信任目录", "trust directory"),
    "checkpoint": Bilingual("检查点", "checkpoint"),
}
_LIMIT = Bilingual("限", "limit")
_ACCEPTED_AS = Bilingual("按策略放宽接受", "accepted by the policy's waiver")
_NOTE = Bilingual("注意", "note")
_MOST_DETAILS = 4  # of one finding
_CLAIM_COLUMNS = 24  # of a claim's name
_UNSAID = ("mandate_not_asked", "query_not_asked")  # of steps that are later: in the JSON alone


def render(report: Report, language: Language) -> tuple[str, ...]:
    """Return the lines of a verdict, without line ends."""
    return tuple(_lines(report, language))


def duration(seconds: int) -> Bilingual:
    """Say a length of time in its largest whole unit."""
    for unit, zh, en in _UNITS:
        if seconds >= unit:
            return Bilingual(f"{seconds // unit} {zh}", f"{seconds // unit} {en}")
    return Bilingual("0 秒", "0 s")


def _lines(report: Report, language: Language) -> Iterator[str]:
    against = [check for check in report.checks if _is_against(check)]
    against.sort(key=lambda check: check.result is not Result.FAILED)
    told = [c for c in report.checks if c not in against and c.code not in _UNSAID]
    yield language.say(WORDS[report.outcome])
    yield from _findings(against, language)
    yield from (f"→ {language.say(step)}" for step in _next_steps(report))
    yield from (_note(code, language) for code in report.unsafe)
    yield from _findings([c for c in told if c.credential is None], language)
    for position, summary in enumerate(report.credentials):
        yield from _summary(position, summary, language)
        own = [check for check in told if check.credential == position]
        yield from _findings(own, language)


def _is_against(check: Check) -> bool:
    return check.waived or check.result in (Result.FAILED, Result.UNDECIDED)


def _next_steps(report: Report) -> Iterator[Bilingual]:
    """Yield what the clerk can do, each once, however many findings ask for it."""
    steps = [check.sentence.next_step for check in report.checks if not check.waived]
    yield from dict.fromkeys(step for step in steps if step is not None)


def _note(code: str, language: Language) -> str:
    return f"  ! {language.say(_NOTE)}: {language.say(UNSAFE[code])}"


def _summary(position: int, summary: CredentialSummary, language: Language) -> Iterator[str]:
    number = f"#{position + 1} " if position else ""
    kind = "?" if summary.type is None else quote(summary.type)
    parts = [f"{number}{language.say(_CREDENTIAL)} {kind}"]
    if summary.issuer is not None:
        parts.append(f"{language.say(_ISSUED_BY)} {_issuer(summary, language)}")
    if summary.issued is not None:
        parts.append(timestamps.encode(summary.issued))
    yield " · ".join(parts)
    if summary.disclosed:
        names = [each.rpartition("/")[2] for each in summary.disclosed]
        claims = few([quote(each, _CLAIM_COLUMNS) for each in names], language)
        yield f"  {language.say(_SHOWN)}: {', '.join(claims)}"


def _issuer(summary: CredentialSummary, language: Language) -> str:
    identifier = quote(summary.issuer)
    if summary.issuer_name is None:
        return identifier
    return f"{quote(language.say(summary.issuer_name))} ({identifier})"


def _findings(checks: Sequence[Check], language: Language) -> Iterator[str]:
    """Yield a line for each finding; what is found of several things is said once."""
    details: dict[tuple[str, str], list[str]] = {}
    for check in checks:
        about = details.setdefault(_finding(check, language), [])
        if check.credential and _is_against(check):  # it stands apart from its credential
            about.append(f"#{check.credential + 1}")
        if check.detail is not None:
            about.append(printable(check.detail))
    for (finding, basis), about in details.items():
        told = "; ".join(few(about, language, _MOST_DETAILS))
        yield finding + (f" ({told})" if told else "") + basis


def _finding(check: Check, language: Language) -> tuple[str, str]:
    """Return what was found and, apart, what by; in between stands what it was found of."""
    basis = "" if check.basis is None else f"  {_basis(check.basis, language)}"
    if check.waived:
        basis += f"  ≈ {language.say(_ACCEPTED_AS)}"
    return f"  {MARKS[check.result]} {language.say(check.sentence.message)}", basis


def _basis(basis: Basis, language: Language) -> str:
    word, *name = basis.source.split(" ", 1)
    source = language.say(_SOURCES[word]) if word in _SOURCES else quote(word)
    words = [" ".join([language.say(_SOURCE), source, *map(quote, name)])]
    if basis.age_seconds is not None:
        age = duration(basis.age_seconds)
        words.append(language.say(Bilingual(f"{age.zh}前", f"{age.en} old")))
    if basis.limit_seconds is not None:
        bound = duration(basis.limit_seconds)
        words.append(f"({language.say(_LIMIT)} {language.say(bound)})")
    return ", ".join(words[:2]) + (f" {words[2]}" if len(words) > 2 else "")
