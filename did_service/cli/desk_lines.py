"""What the desk tells officers, line by line. What came from others is quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.limits import MAX_SENTENCE_COLUMNS
from did_service.core.text import Bilingual, named, printable, quote, width

_STATES: Mapping[str, Bilingual] = {
    "received": Bilingual("待受理", "received"),
    "accepted": Bilingual("待审批", "accepted"),
    "returned": Bilingual("已退回", "returned"),
    "issued": Bilingual("已签发，待领取", "issued, not collected yet"),
    "collected": Bilingual("已领取", "collected"),
    "valid": Bilingual("有效", "valid"),
    "suspended": Bilingual("已暂停", "suspended"),
    "revoked": Bilingual("已作废", "revoked"),
}
_PLAIN = re.compile("[A-Za-z0-9.:+-]{1,40}")  # a date, a number
_NAME_COLUMNS = 40
_NEXT: Mapping[str, Bilingual] = {
    "accept": Bilingual(
        "已受理；请另一人审批（desk approve）",
        "accepted; now another officer approves it (desk approve)",
    ),
    "approve": Bilingual(
        "已签发；公民可以领取（wallet receive）",
        "issued; the citizen can receive it (wallet receive)",
    ),
    "return": Bilingual("已退回公民", "returned to the citizen"),
}


def application_lines(row: JsonObject) -> Iterator[Bilingual]:
    """Yield an application: what it is, whom it is for, and what it says."""
    state = state_words(row.get("state"))
    head = f"{_shown(row.get('id'))}  {_shown(row.get('item'))}  {_shown(row.get('received'))}"
    yield Bilingual(f"{head}  {state.zh}", f"{head}  {state.en}")
    holder = _shown(row.get("holder"))
    yield Bilingual(f"  持证人: {holder}", f"  holder: {holder}")
    claims = row.get("claims")
    for name, value in claims.items() if isinstance(claims, dict) else ():
        yield _same(f"  {named(name)}: {_claim(value)}")
    if row.get("note"):
        note = named(_text(row["note"]))
        yield Bilingual(f"  说明: {note}", f"  note: {note}")


def credential_line(row: JsonObject) -> Bilingual:
    """Return an issued credential in a line."""
    state = state_words(row.get("state"))
    head = f"{_shown(row.get('id'))}  {_shown(row.get('issued'))}"
    reason = f"  {named(_text(row['reason']))}" if row.get("reason") else ""
    return Bilingual(f"{head}  {state.zh}{reason}", f"{head}  {state.en}{reason}")


def handled_lines(verb: str, data: JsonObject) -> Iterator[Bilingual]:
    """Yield what became of an application, and who is next."""
    name = _shown(data.get("application"))
    told = _NEXT[verb]
    yield Bilingual(f"{name}：{told.zh}", f"{name}: {told.en}")
    if "credential" in data:
        yield _same(_shown(data["credential"]))


def changed_lines(data: JsonObject) -> Iterator[Bilingual]:
    """Yield what a credential is now."""
    name, state = _shown(data.get("credential")), state_words(data.get("state"))
    yield Bilingual(f"{name}：{state.zh}", f"{name}: {state.en}")


def state_words(state: JsonValue) -> Bilingual:
    """Return a state in words; one that is not known as it is."""
    return _STATES.get(str(state)) or _same(_shown(state))


def _shown(value: JsonValue) -> str:
    return printable(_text(value))


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else jcs.encode(value).decode()


def _claim(value: JsonValue) -> str:
    """Show what a citizen wrote: a name or number as it is, anything else between marks."""
    text = _text(value)
    if _PLAIN.fullmatch(text) or (width(text) <= _NAME_COLUMNS and named(text) == text):
        return text
    return quote(text, MAX_SENTENCE_COLUMNS)


def _same(text: str) -> Bilingual:
    return Bilingual(text, text)
