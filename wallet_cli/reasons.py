"""Why an agency did not take claims, in the reader's language.

The agency says it twice: in English words, and as `reasons` for machines, one `PATH KEYWORD`
each, where KEYWORD is that of JSON Schema which the claim breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from did_service.core.errors import DidServiceError
from did_service.core.text import Bilingual, quote

_MOST = 5
_SUBJECT = "/credentialSubject/"
_WORDS: Mapping[str, Bilingual] = {
    "required": Bilingual("缺少此项", "is missing"),
    "additionalProperties": Bilingual("不需要此项", "is not asked for"),
    "type": Bilingual("类型不对", "is of another type"),
    "enum": Bilingual("不在可选值之中", "is none of the possible values"),
    "minLength": Bilingual("太短", "is too short"),
    "maxLength": Bilingual("太长", "is too long"),
    "anyOf": Bilingual("姓和名至少填一项", "needs a family name or a given name"),
}
_OTHER = Bilingual("格式不符", "does not have the right form")


def reason_lines(error: DidServiceError, say: Callable[[Bilingual], str]) -> list[str]:
    """Return a line for each claim that was not taken; none where nothing is said of any."""
    reasons = error.details.get("reasons")
    if not isinstance(reasons, str):
        return []
    parts = [each.rpartition(" ") for each in reasons.split("; ")[:_MOST]]
    return [
        f"  {quote(path.removeprefix(_SUBJECT), 40)}: {say(_WORDS.get(keyword, _OTHER))}"
        for path, _, keyword in parts
    ]
