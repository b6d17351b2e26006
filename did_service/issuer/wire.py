"""Bodies of the issuer's HTTP calls, for the published API document.

Requests are parsed strictly by the rooms that own them; these models say to readers and
generated clients what those accept and answer.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    """A closed body."""

    model_config = ConfigDict(extra="forbid")


class ChallengeAnswer(Wire):
    """A challenge for one application."""

    challenge: str = Field(description="random text, to be signed within ten minutes")
    expires: str = Field(description="RFC 3339, UTC")


class ApplicationBody(Wire):
    """An application, signed by the holder's key over the challenge."""

    item: str = Field(description="id of the service item", examples=["residence-permit"])
    claims: dict[str, Any] = Field(description="what the credential should say")
    holder: str = Field(description="did:key of the holder")
    proof: dict[str, Any] = Field(
        description="eddsa-jcs-2022, purpose authentication, challenge, domain = agency URL"
    )


class ApplicationAnswer(Wire):
    """Where an application has come to stand."""

    id: str
    pickup: str = Field(description="one-time address of the credential")


class HandoverAnswer(Wire):
    """An issued credential."""

    credential: dict[str, Any]
    batch: dict[str, Any] | None = Field(description="its place in an issuance batch")
    evidence: list[str] = Field(description="base URLs of logs and mirrors")
    authority: list[str] = Field(description="subjects of the issuer's authority statements")


class StateAnswer(Wire):
    """The state of an application or a credential."""

    state: str
    note: str = ""


class OfficeApplication(Wire):
    """An application as officers see it."""

    id: str
    item: str
    state: Literal["received", "accepted", "returned", "issued", "collected"]
    note: str
    received: str
    claims: dict[str, Any]
    accepted_by: str | None
    approved_by: str | None


class ReturnBody(Wire):
    """Why an application goes back to its citizen."""

    note: str = Field(min_length=1, max_length=400)


class ApprovalAnswer(Wire):
    """What an approval has issued."""

    credential: str = Field(description="id of the credential, urn:uuid")


class OfficeApplications(Wire):
    """Applications, oldest first."""

    applications: list[OfficeApplication]
