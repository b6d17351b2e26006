"""Rows of an issuer.

challenge    a nonce given out, to be used once
application  what a citizen asked for, and how far it has come
credential   what was issued: digest, status index, state; not its content
lost         the status of what was issued by a database that has been lost since
list         the status lists as last anchored, which is how they are served
chain        the newest entry of each chain this agency writes, and one not yet anchored
batch, leaf  issuance batches and the place of each record in its batch
"""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class ChallengeRow(SQLModel, table=True):
    """A challenge; `expires` in POSIX seconds."""

    __tablename__ = "issuer_challenge"

    challenge: str = Field(primary_key=True)
    expires: int


class ApplicationRow(SQLModel, table=True):
    """An application; `handed_out` is the POSIX second of the first pick-up.

    `credential` is kept until the wallet has it, or for a day after that.
    """

    __tablename__ = "issuer_application"

    id: str = Field(primary_key=True)
    item: str
    claims: str
    holder: str
    state: str = Field(index=True)
    note: str = ""
    received: int
    accepted_by: str | None = None
    approved_by: str | None = None
    returned_by: str | None = None
    pickup_sha256: bytes = Field(unique=True)
    credential: str | None = None
    handed_out: int | None = None


class CredentialRow(SQLModel, table=True):
    """An issued credential by its id; `record` is the SHA-256 of its secured bytes.

    `changed` is the POSIX second of the last change of state, `changed_by` who made it.
    """

    __tablename__ = "issuer_credential"

    id: str = Field(primary_key=True)
    application: str
    record: bytes = Field(unique=True)
    index: int = Field(unique=True)
    state: str = "valid"
    issued: int
    changed: int | None = None
    changed_by: str | None = None


class OrphanedStatusRow(SQLModel, table=True):
    """A status index of which the log tells the state, and nothing here the credential."""

    __tablename__ = "issuer_lost"

    index: int = Field(primary_key=True)
    state: str


class ListRow(SQLModel, table=True):
    """A status list as anchored; `issued` is its iat."""

    __tablename__ = "issuer_list"

    url: str = Field(primary_key=True)
    content: bytes
    issued: int


class ChainRow(SQLModel, table=True):
    """The newest entry of a chain as a log holds it, and the one on its way without `a`.

    `log` and `pending_log` are origins: the two differ around New Year.
    """

    __tablename__ = "issuer_chain"

    type: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    log: str | None = None
    newest: bytes | None = None
    index: int | None = None
    pending_log: str | None = None
    pending: bytes | None = None
    content: bytes | None = None


class BatchRow(SQLModel, table=True):
    """An evidence batch; `log` and `entry_index` are its place in a data log, once anchored."""

    __tablename__ = "issuer_batch"

    root: bytes = Field(primary_key=True)
    made: int
    log: str | None = None
    entry_index: int | None = None


class LeafRow(SQLModel, table=True):
    """The place of one issued record in its batch; `path` is 32-byte hashes end to end."""

    __tablename__ = "issuer_leaf"

    record: bytes = Field(primary_key=True)
    root: bytes = Field(index=True)
    salt: bytes
    position: int
    path: bytes


TABLES = (
    ChallengeRow,
    ApplicationRow,
    CredentialRow,
    OrphanedStatusRow,
    ListRow,
    ChainRow,
    BatchRow,
    LeafRow,
)
CHALLENGE, APPLICATION, CREDENTIAL, ORPHANED, LIST, CHAIN, BATCH, LEAF = (
    SQLModel.metadata.tables[str(model.__tablename__)] for model in TABLES
)
