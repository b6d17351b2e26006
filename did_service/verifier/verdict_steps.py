"""What stands behind a verdict: the thirteen steps, and all that was shown.

     4 签发机关  ✔ 签发机关的登记信息是最新的。  凭 staple…  2 小时前（限 1 天）
     5 证照签名  ✘ 证照内容与签发机关的签名不符，可能被改动。
     6 签发权    · 未判断：证照签名不符，其中所写均不可信。

One cause is told once: what is undecided because of it points to its step. Foreign text is
quoted, cut and never at the start of a line (threat rule 30).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from did_service.core.encoding.strict_json import JsonValue
from did_service.core.text import Bilingual, printable, quote, width
from did_service.core.verification.codes import Result
from did_service.core.verification.headline import NOTED, Headline, headline_of
from did_service.core.verification.report import Basis, Check, CredentialSummary, Report
from did_service.program.folding import aligned, few
from did_service.program.language import Language
from did_service.program.words import words_at
from did_service.verifier.dates import duration

MARKS = {
    Result.PASSED: "✔",
    Result.FAILED: "✘",
    Result.UNDECIDED: "?",
    Result.NOT_ASKED: "·",
    Result.NOT_JUDGED: "·",
}
NOTE = "!"
_PROOF = 5  # below it, what nobody is shown to have signed gets no tick
_TICK, _NO_TICK = MARKS[Result.PASSED], MARKS[Result.NOT_JUDGED]
STEPS = (
    Bilingual("文件格式", "file"),
    Bilingual("信任策略", "policy"),
    Bilingual("登记记录", "records"),
    Bilingual("签发机关", "issuer"),
    Bilingual("证照签名", "signature"),
    Bilingual("签发权", "authority"),
    Bilingual("证照内容", "content"),
    Bilingual("有效期", "validity"),
    Bilingual("作废记录", "status"),
    Bilingual("持证人", "holder"),
    Bilingual("代办", "delegation"),
    Bilingual("出示要求", "request"),
    Bilingual("数据时限", "freshness"),
)
_DATA = Bilingual("核验数据", "data")
# Which data, by the first word of a report's `source`; a bundle's file name follows it.
_SOURCES = {
    "staple": Bilingual("钱包带来", "from the wallet"),
    "bundle": Bilingual("文件", "file"),
    "trust": Bilingual("本机", "this machine"),
    "checkpoint": Bilingual("登记簿", "log"),
}
_WAIVED = Bilingual("按策略放宽", "waived by the policy")
_CREDENTIAL = Bilingual("证照", "Document")
_MOST_DETAILS = 4  # of one finding
_CELL = 40  # columns of a claim's name
_MOST_CLAIMS = 64  # on a screen; an honest credential has a dozen or two


def step_lines(report: Report, language: Language) -> tuple[str, ...]:
    """Return every note, and all steps with what was found: the whole, then each credential."""
    told = headline_of(report)
    notes = [words_at("verdict", code).meaning for code in dict.fromkeys(told.notes)]
    lines = [f"  {NOTE} {language.say(note)}" for note in notes]
    lines += _steps([c for c in report.checks if c.credential is None], told, language)
    for place, summary in enumerate(report.credentials):
        lines.append(_name(place, summary, language))
        own = [c for c in report.checks if c.credential == place]
        lines += _steps(own, told, language, signed=summary.signer is not None)
    return tuple(lines)


def claim_lines(report: Report, language: Language) -> tuple[str, ...]:
    """Return every claim of what passed, by its title; of nothing else."""
    lines: list[str] = []
    for place, summary in enumerate(report.credentials):
        if summary.claims is None:
            continue
        titles = {} if summary.identity is None else summary.identity.titles
        said = [
            (_title(pointer, titles.get(pointer), language), quote(value))
            for pointer, value in _claims(summary.claims)
        ]
        lines.append(_name(place, summary, language))
        lines += (f"  {line}" for line in aligned(said[:_MOST_CLAIMS]))
        more = len(said) - _MOST_CLAIMS
        rest = Bilingual(f"…另有 {more} 项，见 --json", f"… and {more} more, see --json")
        lines += [f"  {language.say(rest)}"] if more > 0 else []
    return tuple(lines)


def _title(pointer: str, title: Bilingual | None, language: Language) -> str:
    return quote(pointer if title is None else language.say(title), _CELL)


def _claims(value: JsonValue, path: str = "") -> Iterator[tuple[str, str]]:
    """Walk through claims by their pointers; the holder's own identifier is left out."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _claims(member, f"{path}/{name}" if path else name)
    elif isinstance(value, list):
        for member in value:
            yield from _claims(member, path)
    elif path != "id":
        yield path, str(value)


def _name(place: int, summary: CredentialSummary, language: Language) -> str:
    number = f" #{place + 1}"
    kind = "?" if summary.type is None else quote(summary.type)
    issuer = "?" if summary.issuer is None else quote(summary.issuer)
    return f"{language.say(_CREDENTIAL)}{number} {kind} · {issuer}"


def _steps(
    checks: Sequence[Check], told: Headline, language: Language, *, signed: bool = True
) -> Iterator[str]:
    columns = max(width(language.say(name)) for name in STEPS)
    for step in sorted({check.step for check in checks}):
        name = language.say(STEPS[step - 1])
        lead = f"{step:>2} {name}{' ' * (columns - width(name))}"
        ticked = signed or step <= _PROOF
        for text in _findings([c for c in checks if c.step == step], told, language):
            yield f" {lead}  {text if ticked else text.replace(_TICK, _NO_TICK, 1)}"
            lead = " " * (columns + 3)


def _findings(checks: Sequence[Check], told: Headline, language: Language) -> Iterator[str]:
    """Yield each finding once, with the first few things that it was found of."""
    details: dict[tuple[str, str], list[str]] = {}
    for check in checks:
        finding = _follows(check, told, language) or _finding(check, language)
        about = details.setdefault(finding, [])
        if check.detail is not None and check not in told.consequences:
            about.append(printable(check.detail))
    for (said, basis), about in details.items():
        of = "; ".join(few(about, language, _MOST_DETAILS))
        yield said + (f" ({of})" if of else "") + basis


def _follows(check: Check, told: Headline, language: Language) -> tuple[str, str] | None:
    """Point to the step of the cause, where a finding is undecided because of another's."""
    if told.check is None or check.result is not Result.UNDECIDED:
        return None
    if check not in told.consequences or check.step == told.check.step:
        return None
    step = told.check.step
    because = Bilingual(f"因第 {step} 步，未能判断。", f"Not settled, because of step {step}.")
    return f"{MARKS[check.result]} {language.say(because)}", ""


def _finding(check: Check, language: Language) -> tuple[str, str]:
    """Return what was found and, apart, what by; in between stands what it was found of."""
    basis = "" if check.basis is None else f"  {_basis(check.basis, language)}"
    if check.waived:
        basis += f"  ≈ {language.say(_WAIVED)}"
    mark = NOTE if check.code in NOTED else MARKS[check.result]
    said = language.say(words_at("verdict", check.code).meaning)
    return f"{mark} {said}", basis


def _basis(basis: Basis, language: Language) -> str:
    word, *name = basis.source.split(" ", 1)
    source = language.say(_SOURCES[word]) if word in _SOURCES else quote(word)
    words = [" ".join([language.say(_DATA), source, *map(quote, name)])]
    if basis.age_seconds is not None:
        age = duration(basis.age_seconds)
        words.append(language.say(Bilingual(f"{age.zh}前", f"{age.en} old")))
    if basis.limit_seconds is not None:
        bound = duration(basis.limit_seconds)
        words.append(language.say(Bilingual(f"限 {bound.zh}", f"limit {bound.en}")))
    return ", ".join(words)
