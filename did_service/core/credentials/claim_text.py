"""Claims as people read them: no text of theirs hides anything (docs/threat-model.md rule 30).

The agency asks it of what is applied for, the wallet before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import RuleError, quote
from did_service.core.text import hidden_in


def check_claim_text(claims: JsonObject) -> None:
    """Check that whoever reads the claims sees all of them.

    Raises:
        RuleError: `claim_hidden_character`, naming the claim and the character as `U+202E`.
    """
    for path, text in _texts(claims, ""):
        hidden = hidden_in(text)
        if hidden is not None:
            name = f"U+{ord(hidden):04X}"
            raise RuleError(
                "claim_hidden_character",
                f"{quote(path)} has {name}",
                claim=path,
                character=name,
            )


def _texts(value: JsonValue, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _texts(member, f"{path}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}/{index}")
