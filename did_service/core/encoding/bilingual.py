"""A text in both languages as JSON has it: `{"zh","en"}`, as policies and statements do."""

from __future__ import annotations

from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue
from did_service.core.limits import MAX_BILINGUAL_CHARACTERS
from did_service.core.text import Bilingual


def parse(value: JsonValue, where: str) -> Bilingual:
    """Read `{"zh","en"}`, each of 1 to 400 characters.

    Raises:
        MalformedError: another shape.
    """
    fields = Fields(value, where)
    zh = fields.text("zh", max_chars=MAX_BILINGUAL_CHARACTERS)
    en = fields.text("en", max_chars=MAX_BILINGUAL_CHARACTERS)
    fields.close()
    return Bilingual(zh, en)


def encode(text: Bilingual | None) -> JsonObject | None:
    """Write a text in both languages, of whatever length; null where there is none."""
    return None if text is None else {"zh": text.zh, "en": text.en}
