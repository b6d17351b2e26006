"""What came from an address or a file: is it a credential, for whom, and is it new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from did_service.client.issuer import UnverifiedDelivery, parse_delivery
from did_service.core.credentials.model import Credential, parse_credential
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    LimitError,
    NotFoundError,
    RuleError,
    UnavailableError,
    quote,
)
from did_service.core.limits import MAX_CREDENTIAL_BYTES
from wallet_cli.holdings import (
    Application,
    HeldCredential,
    applications,
    credentials,
    identities,
    keep,
)
from wallet_cli.vault import Vault

if TYPE_CHECKING:
    from wallet_cli.session import Session


def parse_offered(delivery: UnverifiedDelivery) -> Credential:
    """Read the credential of a delivery.

    Raises:
        MalformedError, LimitError: it is none, or a larger one than anybody issues.
    """
    if len(jcs.encode(delivery.credential)) > MAX_CREDENTIAL_BYTES:
        raise LimitError("too_large", f"a credential of more than {MAX_CREDENTIAL_BYTES} bytes")
    return parse_credential(delivery.credential)


def check_delivery(answer: JsonObject) -> None:
    """See to it that an answer is a delivery of a credential before anything is kept of it.

    Raises:
        UnavailableError: `answer_invalid`: the address is asked again later.
    """
    try:
        parse_offered(parse_delivery(answer))
    except DidServiceError as error:
        raise UnavailableError("answer_invalid", f"no delivery: {error.message}") from error


def holder_of(vault: Vault, credential: Credential) -> str:
    """Return the key of this wallet that a credential is about, and nobody else with it.

    Raises:
        RuleError: `subject_foreign`, `subjects_several`.
    """
    own = {each.did for each in identities(vault)}
    subjects = [subject.get("id") for subject in credential.subjects]
    if len(subjects) > 1:
        raise RuleError("subjects_several", f"{len(subjects)} subjects")
    for subject in subjects:
        if isinstance(subject, str) and subject in own:
            return subject
    raise RuleError("subject_foreign", f"it is issued to {quote(subjects[0])}")


def check_key(vault: Vault, holder: str) -> None:
    """Check that the key that a credential is bound to is here: another window may delete it.

    Raises:
        RuleError: `subject_foreign`.
    """
    if all(each.did != holder for each in identities(vault)):
        raise RuleError("subject_foreign", f"the key {quote(holder)} was deleted meanwhile")


def keep_unless_gone(session: Session, fetched: Application) -> bool:
    """Keep what came, unless its application was ended or given up while it was fetched."""
    was_here = fetched.id in session.vault.records

    def change(vault: Vault) -> Vault:
        is_gone = was_here and fetched.id not in vault.records
        return vault if is_gone else keep(vault, fetched, session.rng)

    return fetched.id in session.commit(change).records


def same_credential(vault: Vault, delivery: JsonObject) -> HeldCredential:
    """Return the credential of a delivery that is in the wallet.

    Raises:
        NotFoundError: `credential_unknown`: it was deleted meanwhile.
    """
    for each in credentials(vault):
        if each.credential == delivery["credential"]:
            return each
    raise NotFoundError("credential_unknown", "it was deleted meanwhile")


def records_answered(
    vault: Vault, application: Application | None, credential: JsonObject
) -> tuple[str, ...]:
    """Return the records that a credential answers: of its address, and copies set apart."""
    address = application.pickup if application else ""
    own = () if application is None else (application.id,)
    return own + tuple(
        each.id
        for each in applications(vault)
        if (address and each.pickup == address)
        or (each.delivery is not None and each.delivery.get("credential") == credential)
    )


def check_new(vault: Vault, credential: JsonObject) -> None:
    """Check that a credential is new here.

    Raises:
        ConflictError: `credential_held`.
    """
    spelled = jcs.encode(credential)
    for each in credentials(vault):
        if jcs.encode(each.credential) == spelled:
            raise ConflictError("credential_held", f"it is here already as {each.alias}")
