"""Checkpoint (c2sp.org/tlog-checkpoint v1.0.0): what a log says about itself, three lines.

    gd.example/reg                                     origin: the log's identity and key name
    5131                                               tree size
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=       root hash

The specification allows extension lines and advises against them; here there are none, since a
cosigner might not cover them.
"""

import re
from typing import NamedTuple

from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.encoding import b64
from did_service.core.errors import MalformedError, quote
from did_service.core.limits import MAX_TREE_SIZE
from did_service.core.log.note import NoteSigner, check_key_name, parse_note, sign_note

_DECIMAL = re.compile("0|[1-9][0-9]{0,18}")


class Checkpoint(NamedTuple):
    """A tree head; nothing says yet who signed it.

    Attributes:
        origin: The log's identity, equal to its key name.
        size: Number of leaves.
        root: 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def encode(self) -> bytes:
        """Write the note text, with its last newline."""
        return f"{self.origin}\n{self.size}\n{b64.encode_std(self.root)}\n".encode()


def checkpoint_in(note: bytes) -> Checkpoint:
    """Return the tree head in a signed note, whose signatures are left to its log's policy.

    Raises:
        MalformedError: as `parse_note` and `parse_checkpoint`.
    """
    return parse_checkpoint(parse_note(note).text)


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read a checkpoint from the text of a note.

    Raises:
        MalformedError: `checkpoint_invalid`, `decimal_invalid`, `key_name_invalid` and what
            base64 raises.
    """
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise MalformedError("checkpoint_invalid", "a checkpoint is UTF-8") from error
    if len(lines) != 4 or lines[3]:
        raise MalformedError("checkpoint_invalid", "a checkpoint has exactly three lines")
    origin, size, root, _ = lines
    check_key_name(origin)
    return Checkpoint(origin, parse_number(size), b64.decode_std(root, size=HASH_BYTES))


def parse_number(text: str) -> int:
    """Read a tree size or leaf index: decimal, no sign, no leading zero.

    Raises:
        MalformedError: `decimal_invalid`, also above `MAX_TREE_SIZE`.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_TREE_SIZE:
        raise MalformedError("decimal_invalid", f"not a size in canonical form: {quote(text)}")
    return int(text)


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> bytes:
    """Write a checkpoint as a note signed by its log.

    Raises:
        MalformedError: `origin_mismatch` unless the key's name is the origin.
    """
    if signer.name != checkpoint.origin:
        raise MalformedError("origin_mismatch", f"a key of {quote(signer.name)}")
    return sign_note(checkpoint.encode(), signer)
