"""The body of a `didweb` entry: somebody saw this document at the address of a did:web.

    b = {"by": DID of the observer, "at": POSIX second, "proof"}      d = SHA-256 of did.json

It says what was served to one reader at one second, and gives the DID no home: a did:web has
no history, so an observation proves neither that this is its latest document nor its owner's.
"""

from typing import NamedTuple

from did_service.core.anchor.bodies.members import pass_proof
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject


class DidWebBody(NamedTuple):
    """What a `didweb` entry says: who fetched the document, and when (POSIX seconds)."""

    observer: str
    at: int

    def encode(self) -> JsonObject:
        """Return the entry body without its proof."""
        return {"by": self.observer, "at": self.at}


def parse_didweb_body(body: JsonObject) -> DidWebBody:
    """Read the body of a `didweb` entry; its proof is left to `rules`.

    Raises:
        MalformedError: another shape.
    """
    fields = Fields(body, "didweb")
    seen = DidWebBody(
        fields.text("by"), fields.integer("at", most=timestamps.MAX_POSIX_SECONDS)
    )
    pass_proof(fields)
    fields.close()
    return seen
