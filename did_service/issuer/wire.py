"""Bodies of the issuer's HTTP calls, for the published API document.

Requests are parsed strictly by the rooms that own them; these models say to readers and
generated clients what those accept and answer.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from did_service.issuer.states import ApplicationState, CredentialState

Members = dict[str, JsonValue]


class Wire(BaseModel):
    """A closed body."""

    model_config = ConfigDict(extra="forbid")


class ChallengeAnswer(Wire):
    """A challenge for one application."""

    challenge: str = Field(description="random text, to be signed within ten minutes")
    expires: str = Field(description="RFC 3339, UTC")


class ApplicationBody(Wire):
    """An application, signed by the holder's key over the challenge."""

    item: str = Field(
        min_length=1,
        max_length=64,
        description="id of the service item",
        examples=["residence-permit"],
    )
    claims: Members = Field(description="what the credential should say")
    holder: str = Field(description="did:key of the holder")
    proof: Members = Field(
        description="eddsa-jcs-2022, purpose authentication, challenge, domain = agency URL"
    )


class ApplicationAnswer(Wire):
    """Where an application has come to stand."""

    id: str
    pickup: str = Field(description="where the credential will be, a secret")


class HandoverAnswer(Wire):
    """An issued credential."""

    credential: Members
    batch: Members | None = Field(description="its place in an issuance batch")
    evidence: list[str] = Field(description="base URLs of logs and mirrors")
    authority: list[str] = Field(description="subjects of the issuer's authority statements")


class WaitingAnswer(Wire):
    """Nothing to pick up so far."""

    state: Literal[
        ApplicationState.RECEIVED, ApplicationState.ACCEPTED, ApplicationState.RETURNED
    ]
    note: str = Field(description="why it was returned; else empty")


class BatchAnswer(Wire):
    """The place of a record in an issuance batch (docs/formats.md §5)."""

    log: str
    index: int
    record: str
    salt: str
    position: int
    path: list[str]


class OfficeApplication(Wire):
    """An application as officers see it."""

    id: str
    item: str
    holder: str = Field(description="did:key of whom it is for; empty once deleted")
    state: ApplicationState
    note: str
    received: str
    claims: Members
    accepted_by: str | None
    approved_by: str | None


class OfficeApplications(Wire):
    """Applications, oldest first."""

    applications: list[OfficeApplication]


class OfficeCredential(Wire):
    """What the office knows of an issued credential."""

    id: str
    application: str
    state: CredentialState
    index: int = Field(description="its bit in both status lists")
    issued: str
    reason: str = Field(description="why its state was changed last; else empty")
    published: bool = Field(description="whether the published lists show the state")


class OfficeCredentials(Wire):
    """Credentials, oldest first."""

    credentials: list[OfficeCredential]


class OfficeIndex(Wire):
    """A place in the status lists whose credential the agency's database has forgotten."""

    index: int
    state: CredentialState
    reason: str = Field(description="why its state was changed last; else empty")
    published: bool = Field(description="whether the published lists show the state")


class OfficeIndices(Wire):
    """Places in the status lists, rising."""

    indices: list[OfficeIndex]


class ReasonBody(Wire):
    """Why the state of a credential is changed; kept, and shown to officers alone."""

    reason: str = Field(min_length=1, max_length=400)


class ReturnBody(Wire):
    """Why an application goes back to its citizen."""

    note: str = Field(min_length=1, max_length=400)


class ApplicationStateAnswer(Wire):
    """The state of an application now."""

    state: ApplicationState


class CredentialStateAnswer(Wire):
    """The state of a credential now, anchored and served."""

    state: CredentialState


class ApprovalAnswer(Wire):
    """What an approval has issued."""

    credential: str = Field(description="id of the credential, urn:uuid")
