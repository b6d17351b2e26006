"""Rows of an issuer.

about        whose database it is, and the key of its challenges
challenge    a challenge that an application has answered, until it would have expired
officer      who may do what, until when; of a token the digest alone
login        who was wrong of late, by digests, for all processes of the agency
alarm        what is or was wrong with this agency; kept for ever
application  what a citizen asked for, and how far it has come
credential   what was issued: digest, status index, state; not its content
lost         the status of what was issued by a database that has been lost since
list         the status lists as last anchored, which is how they are served
chain        the newest entry of each chain this agency writes, and one not yet anchored
batch, leaf  issuance batches and the place of each record in its batch
"""

from __future__ import annotations

from pathlib import Path

from sqlmodel import Field, SQLModel

from did_service.storage.history import TableHistory


class AboutRow(SQLModel, table=True):
    """What the database knows of itself: `agency`, its DID; `challenge_key`, 32 bytes."""

    __tablename__ = "issuer_about"

    name: str = Field(primary_key=True)
    value: bytes


class ChallengeRow(SQLModel, table=True):
    """A challenge that was used; `expires` in POSIX seconds."""

    __tablename__ = "issuer_challenge"

    challenge: str = Field(primary_key=True)
    expires: int


class ApplicationRow(SQLModel, table=True):
    """An application; `handed_out` is the POSIX second of the first pick-up.

    `signed` is the application as its holder signed it; of one that came before it was kept,
    None. `credential` is kept until the wallet has it, or for a day after that. `ended` is the
    POSIX second of return or collection: what is personal is deleted a stated time after it.
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
    signed: bytes | None = None
    ended: int | None = Field(default=None, index=True)


class CredentialRow(SQLModel, table=True):
    """An issued credential by its id; `record` is the SHA-256 of its secured bytes.

    `changed` is the POSIX second of the last change of state, `changed_by` who made it, and
    `reason` why.
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
    reason: str | None = None


class OrphanedStatusRow(SQLModel, table=True):
    """A status index of which the log tells the state, and nothing here the credential."""

    __tablename__ = "issuer_lost"

    index: int = Field(primary_key=True)
    state: str
    changed: int | None = None
    changed_by: str | None = None
    reason: str | None = None


class OfficerRow(SQLModel, table=True):
    """An officer: roles with spaces between, times in POSIX seconds.

    `prefix` is the beginning of the token, by which a login is counted before it is judged.
    """

    __tablename__ = "issuer_officer"

    name: str = Field(primary_key=True)
    token_sha256: bytes = Field(unique=True)
    prefix: str
    roles: str
    added: int
    expires: int
    revoked: int | None = None


class LoginRow(SQLModel, table=True):
    """Wrong log-ins of a peer, or of a beginning of a token: `key` is the SHA-256 of either.

    `until` is the POSIX millisecond at which none of them counts any more.
    """

    __tablename__ = "issuer_login"

    key: bytes = Field(primary_key=True)
    until: int


class IssuerAlarmRow(SQLModel, table=True):
    """Something that was wrong from `since` to `until`, which is None while it is."""

    __tablename__ = "issuer_alarm"

    word: str = Field(primary_key=True)
    since: int = Field(primary_key=True)
    until: int | None = None
    detail: str = ""


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
    AboutRow,
    OfficerRow,
    LoginRow,
    IssuerAlarmRow,
    ChallengeRow,
    ApplicationRow,
    CredentialRow,
    OrphanedStatusRow,
    ListRow,
    ChainRow,
    BatchRow,
    LeafRow,
)
(
    ABOUT,
    OFFICER,
    LOGIN,
    ALARM,
    CHALLENGE,
    APPLICATION,
    CREDENTIAL,
    ORPHANED,
    LIST,
    CHAIN,
    BATCH,
    LEAF,
) = (SQLModel.metadata.tables[str(model.__tablename__)] for model in TABLES)
HISTORY = TableHistory(
    "issuer",
    TABLES,
    newest=3,
    folder=Path(__file__).parent / "migrations",
    since_0_2_0="issuer_chain",
)
