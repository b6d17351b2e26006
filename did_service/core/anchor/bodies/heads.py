"""The body of a `heads` entry: what a control log says about itself or a data log.

    b = {"size", "count", "root", "at"[, "tree": root of the data log at that size]}

`root` and `count` are of the heads snapshot (`anchor.snapshot`) of the first `size` entries.
"""

from dataclasses import dataclass

from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.encoding import b64
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import MalformedError


@dataclass(frozen=True, slots=True)
class HeadsBody:
    """What a `heads` entry says.

    Attributes:
        size: Number of entries that it covers.
        count: Number of records in their snapshot.
        root: Root of the snapshot's tree, 32 bytes.
        at: POSIX second at which the entry was sequenced.
        tree: Root of a data log at `size`; None about a control log, whose own tree holds it.
    """

    size: int
    count: int
    root: bytes
    at: int
    tree: bytes | None = None

    def encode(self) -> JsonObject:
        """Return the entry body."""
        body: JsonObject = {
            "size": self.size,
            "count": self.count,
            "root": b64.encode_url(self.root),
            "at": self.at,
        }
        return body if self.tree is None else {**body, "tree": b64.encode_url(self.tree)}

    def tree_about(self, subject: str, control: str) -> bytes | None:
        """Return the tree that the entry names for a log: none for its own, one for others.

        Args:
            subject: Origin of the log that the entry is about.
            control: Origin of the log in which it stands.

        Raises:
            MalformedError: `member_missing`.
        """
        if subject == control:
            return None
        if self.tree is None:
            raise MalformedError("member_missing", "heads.tree is missing")
        return self.tree


def parse_heads_body(body: JsonObject) -> HeadsBody:
    """Read the body of a `heads` entry that is to be judged.

    Raises:
        MalformedError: another shape.
    """
    fields = Fields(body, "heads")
    heads = _read(fields)
    fields.close()
    return heads


def read_heads_body(body: JsonObject) -> HeadsBody:
    """Read what this release knows of a `heads` entry that a quorum stands behind.

    A later release may say more in it, which changes nothing of the rest (docs/adr/0029).

    Raises:
        MalformedError: a member that is missing or of another shape.
    """
    return _read(Fields(body, "heads"))


def _read(fields: Fields) -> HeadsBody:
    return HeadsBody(
        size=fields.integer("size"),
        count=fields.integer("count"),
        root=fields.data("root", size=HASH_BYTES),
        at=fields.integer("at"),
        tree=fields.data("tree", size=HASH_BYTES) if fields.has("tree") else None,
    )
