"""The verdict in a clerk's words: at most eight entries, each behind its label.

    通过 ACCEPTED · 事项 "居住证签注"
    证照    居民居住证 JZ99****0318
    持证人  张三 9999**********0018
    签发    示例市公安局
    有效期  至 2031年5月1日
    原因    证照真实有效，由持证人的钱包为本窗口本次核验签名。
    下一步  请核对是否为所需证照，并用身份证件核对眼前的人；均符合即可办理。
    数据    核验数据截至 3月18日 07:52，可用至 3月19日 07:52（CST）。

The headline is in both languages always: it has legal effect. It names the service item that
the answered question was asked for, where it was for one. All else is in the reader's own.
Of a document nothing is shown that its issuer did not sign. Colours, if any, are the program's,
and so is saying the headline once more below it all.

Foreign text stands in entries of its own, never inside a sentence, at the start of a line or
wider than a part of one (`core.text`): no name adds a row (threat rule 30). The thirteen steps
are in `verdict_steps`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import TypeAlias

from did_service.core.text import Bilingual, named, quote, width
from did_service.core.verification.headline import Headline, headline_of, is_final
from did_service.core.verification.hidden import hidden_because
from did_service.core.verification.report import CredentialSummary, Outcome, Report
from did_service.program.language import Language
from did_service.program.words import words_at
from did_service.verifier.dates import end_of_validity, moment, zone_name
from did_service.verifier.verdict_data import data_sentences

WORDS = {
    Outcome.ACCEPTED: Bilingual("通过", "ACCEPTED"),
    Outcome.ACCEPTED_WITH_LIMITS: Bilingual("有条件通过", "ACCEPTED WITH LIMITS"),
    Outcome.DOCUMENT: Bilingual(
        "证照真实，未核验持证人", "GENUINE DOCUMENT, holder not checked"
    ),
    Outcome.ANSWERED: Bilingual("已核验过", "ALREADY ANSWERED"),
    Outcome.REFUSED: Bilingual("不通过", "REFUSED"),
    Outcome.UNDECIDED: Bilingual("无法判定", "CANNOT TELL"),
}
LABELS = {
    "document": Bilingual("证照", "Document"),
    "holder": Bilingual("持证人", "Holder"),
    "issuer": Bilingual("签发", "Issued by"),
    "valid": Bilingual("有效期", "Valid"),
    "stated": Bilingual("期限", "Stated"),
    "region": Bilingual("地区", "Region"),
    "before": Bilingual("上次", "Before"),
    "reason": Bilingual("原因", "Reason"),
    "next": Bilingual("下一步", "Next"),
    "data": Bilingual("数据", "Data"),
    "note": Bilingual("注意", "Note"),
    "force": Bilingual("注意", "Note"),  # a row of its own, in both languages at once
    "more": Bilingual("", ""),  # goes on below it
    "rest": Bilingual("", ""),
}
_SENTENCES = ("reason", "next", "data", "note", "more")  # the other entries are values
_COLUMNS = 80  # of a screen
_LABEL_COLUMNS = {Language.ZH: 8, Language.EN: 10, Language.BOTH: 16}
_NAME_COLUMNS = {Language.ZH: 40, Language.EN: 40, Language.BOTH: 26}
_TITLE_COLUMNS = {Language.ZH: 40, Language.EN: 40, Language.BOTH: 18}  # a number follows it
_NUMBER_COLUMNS = 18  # of a masked number, which a schema may have let be anything
_NOTE_COLUMNS = {Language.ZH: 140, Language.EN: 130, Language.BOTH: 62}  # one row, or two
_REST_COLUMNS = {Language.ZH: 70, Language.EN: 68, Language.BOTH: 62}  # one row below another
_MORE_COLUMNS = 37
_FORCE = "policy_demo"  # of no force: never among what is left out
_STALE = ("status_stale", "evidence_stale", "waived", "clock_behind")  # data come before notes
_ENDED = ("revoked", "suspended", "expired", "proof_expired")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads.

    Attributes:
        language: In which language.
        zone: In which time zone; None is that of this machine.
        face: Which program speaks, where a next step is another one there: a citizen has no
            trust directory (`program.words`).
    """

    language: Language
    zone: tzinfo | None = None
    face: str = ""


VerdictEntry: TypeAlias = tuple[str, tuple[Bilingual, ...]]
"""A key of LABELS, and what stands behind it: sentences of ours, or values."""


def render(report: Report, reader: Reader) -> tuple[str, ...]:
    """Return the lines of a verdict, the headline first, without line ends."""
    told = headline_of(report)
    lines = (_lines(label, texts, reader) for label, texts in _entries(report, told, reader))
    first = _headline(report, reader.language)
    return (first, *(line for part in lines for line in part))


def _headline(report: Report, language: Language) -> str:
    """Return the first line: the outcome in both languages, the reader's own first.

    An outcome is one for the service item that the code was made for: it names that, so that
    the answer to a laxer item's code is not taken for another's.
    """
    word = WORDS[report.outcome]
    said = f"{word.en} {word.zh}" if language is Language.EN else f"{word.zh} {word.en}"
    if report.asked is None or report.asked.item is None:
        return said
    name = report.asked.item_name or _same(report.asked.item)
    return said + _for_item(name, _COLUMNS - width(said), language)


def _for_item(name: Bilingual, room: int, language: Language) -> str:
    """Name an item behind the outcome, cut to the room that is left in the row."""
    lead, text = (" · for ", name.en) if language is Language.EN else (" · 事项 ", name.zh)
    return lead + quote(text, room - width(f'{lead}""…'))


def _lines(label: str, texts: tuple[Bilingual, ...], reader: Reader) -> Iterator[str]:
    """Lay one entry out: each language on a line of its own, where it is a sentence."""
    columns = _LABEL_COLUMNS[reader.language]
    name = reader.language.say(LABELS[label])
    lead = name + " " * (columns - width(name))
    tongues = [reader.language]
    if label in _SENTENCES and reader.language is Language.BOTH:
        tongues = [Language.ZH, Language.EN]
    for tongue in tongues:
        gap = "" if tongue is Language.ZH and label in _SENTENCES else " "
        yield lead + gap.join(tongue.say(text) for text in texts)
        lead = " " * columns


def _entries(report: Report, told: Headline, reader: Reader) -> Iterator[VerdictEntry]:
    place = 0 if told.check is None or told.check.credential is None else told.check.credential
    for summary in report.credentials[place : place + 1]:
        signed = summary.signer is not None
        if hidden_because(report.checks, place, signed=signed) is None:
            yield from _whose(summary, report, told, reader)
    yield from _of_reason(report, told, reader)
    words = words_at("verdict", told.reason, reader.face)
    yield "reason", (words.meaning,)
    if words.following is not None:
        yield "next", (words.following,)
    yield from _last(report, told, reader)


def _whose(
    summary: CredentialSummary, report: Report, told: Headline, reader: Reader
) -> Iterator[VerdictEntry]:
    """Say whose document it is; what is not known is left out."""
    whose, columns = summary.identity, _NAME_COLUMNS[reader.language]
    if whose is None:
        return
    room = _TITLE_COLUMNS[reader.language]
    kind = "?" if summary.type is None else quote(summary.type, columns)
    title = _same(kind) if whose.title is None else _named(whose.title, room)
    yield "document", (title, *_number(whose.document))
    name = () if whose.name is None else (_same(named(whose.name, _NAME_COLUMNS[Language.ZH])),)
    if name or whose.number is not None:
        yield "holder", (*name, *_number(whose.number))
    if summary.issuer_name is not None:
        yield "issuer", (_named(summary.issuer_name, columns),)
    elif summary.issuer is not None:
        yield "issuer", (_same(quote(summary.issuer, columns)),)
    if told.reason == "not_yet_valid" and whose.valid_from is not None:
        begin = end_of_validity(whose.valid_from, report.now, reader.zone)
        yield "valid", (Bilingual(f"自 {begin.zh} 起", f"from {begin.en}"),)
    elif whose.valid_until is not None:
        until = end_of_validity(whose.valid_until, report.now, reader.zone)
        yield _until(until, told)


def _until(end: Bilingual, told: Headline) -> VerdictEntry:
    """Say when a document ends; of one that did not pass that is no more than what it says."""
    if told.reason in _ENDED:
        return "valid", (Bilingual(f"原至 {end.zh}", f"was until {end.en}"),)
    if told.outcome in (Outcome.REFUSED, Outcome.UNDECIDED):
        return "stated", (Bilingual(f"证照载至 {end.zh}", f"ends {end.en}"),)
    return "valid", (Bilingual(f"至 {end.zh}", f"until {end.en}"),)


def _named(name: Bilingual, columns: int) -> Bilingual:
    return Bilingual(named(name.zh, columns), named(name.en, columns))


def _number(masked: str | None) -> tuple[Bilingual, ...]:
    if masked is None:
        return ()
    plain = masked.isascii() and masked.replace("*", "").isalnum()
    return (_same(masked if plain else quote(masked, _NUMBER_COLUMNS)),)


def _same(text: str) -> Bilingual:
    return Bilingual(text, text)


def _of_reason(report: Report, told: Headline, reader: Reader) -> Iterator[VerdictEntry]:
    """Name what the reason is about, where that is not a document."""
    if told.check is not None and told.reason == "log_forked" and report.policy is not None:
        detail = told.check.detail or ""
        for region in report.policy.regions:
            if any(quote(origin) in detail for origin in region.logs):
                columns = _NAME_COLUMNS[Language.ZH]
                yield "region", (_named(region.name, columns),)
    if report.answered is not None:
        when, word = report.answered.time, WORDS[report.answered.outcome]
        time, name = moment(when, report.now, reader.zone), zone_name(when, reader.zone)
        zh = f"{time.zh}（{name}），结论：{word.zh}"
        yield "before", (Bilingual(zh, f"{time.en} ({name}), result: {word.en}"),)


def _last(report: Report, told: Headline, reader: Reader) -> Iterator[VerdictEntry]:
    """Say how old the data are, and what else to know: as much as two rows have room for.

    That a policy is of no force has a row of its own, and is never among what is left out.
    """
    language, weak = reader.language, _FORCE in told.notes
    whole, label = ([], "") if report.answered is not None else _whole(report, told, reader)
    room, reserved = _NOTE_COLUMNS[language], _MORE_COLUMNS
    if weak:  # the number of the rest stands elsewhere then
        room, reserved = _REST_COLUMNS[language], 0
    kept = _fitting(whole, room, reserved, language) or whole[:1]
    left = len(whole) - len(kept)
    more = (_more(left, report),) if left else ()
    if not weak:
        yield from [(label, (*kept, *more))] if kept else []
        return
    beside = more if language is not Language.BOTH else ()
    yield "force", (words_at("verdict", _FORCE).meaning, *beside)
    yield from [("more", tuple(kept))] if kept else []
    yield from [("rest", more)] if more and not beside else []


def _whole(report: Report, told: Headline, reader: Reader) -> tuple[list[Bilingual], str]:
    """Return all that there is to say, the weightiest first, and behind which label."""
    data = [*data_sentences(report, told, reader.zone)]
    codes = [code for code in dict.fromkeys(told.notes) if code != _FORCE]
    notes = [words_at("verdict", code).meaning for code in codes]
    if told.reason in _STALE:
        return [*data, *notes], "data" if data else "note"
    return [*notes[:1], *data, *notes[1:]], "note" if notes else "data"


def _fitting(
    whole: list[Bilingual], room: int, reserved: int, language: Language
) -> list[Bilingual]:
    """Return the first sentences that have room, and beside them the number of what has not."""
    kept: list[Bilingual] = []
    for text in whole:
        room -= _columns(text, language) + 1
        if room < (reserved if text is not whole[-1] else 0):
            break
        kept.append(text)
    return kept


def _more(left: int, report: Report) -> Bilingual:
    """Say how to see the rest: once its code is spent, the file is judged as a document."""
    spent = report.holder_signed and is_final(report)
    spent = spent and "nothing_remembered" not in report.unsafe
    option = "--document --all" if spent else "--all"
    return Bilingual(f"另有 {left} 项，见 {option}。", f"{left} more: add {option}.")


def _columns(text: Bilingual, language: Language) -> int:
    """Return how wide a sentence is where it stands; in both, each has rows of its own."""
    both = language is Language.BOTH
    return max(width(text.zh), width(text.en)) if both else width(language.say(text))
