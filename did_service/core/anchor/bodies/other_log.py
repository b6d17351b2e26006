"""Member `x` of a body: the checkpoint of another region's log on which an entry rests.

x = {"origin", "size", "root", "proof": the checkpoint with its cosignatures, as text}
"""

from typing import NamedTuple

from did_service.core.encoding import b64
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.limits import MAX_NOTE_BYTES


class OtherLog(NamedTuple):
    """The checkpoint of another region's control log; `note` is its text."""

    origin: str
    size: int
    root: bytes
    note: str

    def encode(self) -> JsonObject:
        """Return the member `x`."""
        return {
            "origin": self.origin,
            "size": self.size,
            "root": b64.encode_url(self.root),
            "proof": self.note,
        }


def read_other(fields: Fields) -> OtherLog:
    """Read the member `x`; errors as `Fields`."""
    other = OtherLog(
        fields.text("origin"),
        fields.integer("size", least=1),
        fields.data("root", size=32),
        fields.text("proof", max_chars=MAX_NOTE_BYTES),
    )
    fields.close()
    return other
