"""The body of a void: governance takes back what entries of a chain have said.

    b = {"op": "void", "of": number, "reason": {"zh","en"}, who the chain is about, "proof"}

It stands as the next entry of the chain, so that the chain's head moves. The entry `of`, and
each one after it, keeps its place and says nothing any more; nor does the void itself, until
the next entry states something anew. Who may void is in `rules/void` (docs/adr/0054).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from did_service.core.anchor.bodies.members import pass_proof
from did_service.core.encoding import bilingual
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import RuleError
from did_service.core.limits import MAX_ENTRY_NUMBER
from did_service.core.text import Bilingual

VOID = "void"
NAMING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"did": ("did",), "authority": ("granter", "grantee", "scope"), "schema": ()}
)
"""The types of which an entry can be voided, and the members that say whom a chain is about.

Whoever cannot read a void still sees whom it concerns (docs/adr/0029).
"""


class VoidBody(NamedTuple):
    """What a void says.

    Attributes:
        named: The members of `NAMING`, as the chain has them.
        number: The first entry of the chain that is void.
        reason: Why, in two languages.
    """

    named: Mapping[str, str]
    number: int
    reason: Bilingual

    def encode(self) -> JsonObject:
        """Return the entry body without its proof."""
        reason: JsonObject = {"zh": self.reason.zh, "en": self.reason.en}
        return {**self.named, "op": VOID, "of": self.number, "reason": reason}


def is_void(body: JsonObject) -> bool:
    """Say whether an entry takes back others of its chain."""
    return body.get("op") == VOID


def check_states(body: JsonObject) -> None:
    """Check that a body states something.

    Raises:
        RuleError: `entry_voided`: it is a void, so nothing is stated until the next entry.
    """
    if is_void(body):
        raise RuleError("entry_voided", "governance has voided what stood here")


def parse_void(kind: str, body: JsonObject) -> VoidBody:
    """Read a void in a chain of a type of `NAMING`; its proofs are left to `rules`.

    Raises:
        MalformedError: another shape.
    """
    fields = Fields(body, "void")
    fields.constant("op", VOID)
    void = VoidBody(
        {name: fields.text(name) for name in NAMING[kind]},
        fields.integer("of", least=1, most=MAX_ENTRY_NUMBER),
        bilingual.parse(fields.value("reason"), "void.reason"),
    )
    pass_proof(fields)
    fields.close()
    return void
