"""Why an agency did not take claims, field by field, in the reader's language.

The agency says it in English words, and as `reasons` and `titles` for machines, one for each
claim (`issuer.claim_reasons`): these are told, so its words are left out. Titles are foreign
text and in Chinese, as the forms are; a reader of English is told the claim's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import zip_longest
from urllib.parse import unquote

from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import DidServiceError
from did_service.core.text import Bilingual, quote

_MOST = 64
_COLUMNS = 40
_SUBJECT = "/credentialSubject"
_WORDS: Mapping[str, Bilingual] = {
    "required": Bilingual("缺少此项", "is missing"),
    "additionalProperties": Bilingual("不需要此项", "is not asked for"),
    "setByAgency": Bilingual("由机关填写，申请中不填", "is set by the agency: leave it out"),
    "type": Bilingual("类型不对", "is of another type"),
    "enum": Bilingual("不在可选值之中", "is none of the possible values"),
    "const": Bilingual("不是规定的值", "is not the value that is prescribed"),
    "minLength": Bilingual("太短", "is too short"),
    "maxLength": Bilingual("太长", "is too long"),
    "minimum": Bilingual("太小", "is too small"),
    "maximum": Bilingual("太大", "is too large"),
    "minItems": Bilingual("项数太少", "has too few entries"),
    "maxItems": Bilingual("项数太多", "has too many entries"),
    "uniqueItems": Bilingual("有重复的项", "has an entry twice"),
    "anyOf": Bilingual("姓和名至少填一项", "needs a family name or a given name"),
}
_OTHER = Bilingual("格式不符", "does not have the right form")
_WHOLE = Bilingual("申请内容", "the claims")


def reason_lines(error: DidServiceError, say: Callable[[Bilingual], str]) -> list[str]:
    """Return a line for each claim that was not taken; none where nothing is said of any."""
    lines = []
    for name, title, keyword in _reasons(error):
        english = quote(name, _COLUMNS) if name else _WHOLE.en
        chinese = (
            quote(title, _COLUMNS) if title else quote(name, _COLUMNS) if name else _WHOLE.zh
        )
        lines.append(
            f"  {say(Bilingual(chinese, english))}: {say(_WORDS.get(keyword, _OTHER))}"
        )
    return lines


def fields_view(error: DidServiceError) -> list[JsonValue]:
    """Return the same for scripts: name, title and keyword of each claim."""
    found: list[JsonValue] = []
    for name, title, keyword in _reasons(error):
        member: JsonObject = {"name": name, "title": title or None, "keyword": keyword}
        found.append(member)
    return found


def _reasons(error: DidServiceError) -> list[tuple[str, str, str]]:
    """Return name, title and keyword of each claim; the name without our envelope's path."""
    reasons, titles = error.details.get("reasons"), error.details.get("titles")
    if not isinstance(reasons, str):
        return []
    told = reasons.split("; ")[:_MOST]
    called = titles.split("; ")[: len(told)] if isinstance(titles, str) else []
    found = []
    for reason, title in zip_longest(told, called, fillvalue=""):
        path, _, keyword = reason.rpartition(" ")
        name = path.removeprefix(_SUBJECT).removeprefix("/").replace("/", ".")
        found.append((name, unquote(title), keyword))
    return found
