"""The question that an answer was judged by, as a report tells it (docs/adr/0044)."""

from datetime import datetime
from typing import NamedTuple

from did_service.core.encoding import bilingual, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.text import Bilingual


class Asked(NamedTuple):
    """The question that an answer was judged by, so that nobody takes it for another one's.

    Attributes:
        audience: Whose question it is; None where no holder was asked for.
        item: The service item that it was asked for; None where none was named.
        item_name: What that is called, by its entry at hand.
        state: Names the question without telling its nonce; the request file has it too.
        until: Until when it may be answered, where that is remembered.
    """

    audience: str | None = None
    item: str | None = None
    item_name: Bilingual | None = None
    state: str | None = None
    until: datetime | None = None

    def encode(self) -> JsonObject:
        """Write the member `asked` of a report."""
        return {
            "audience": self.audience,
            "item": self.item,
            "item_name": bilingual.encode(self.item_name),
            "state": self.state,
            "until": None if self.until is None else timestamps.encode(self.until),
        }
