"""Taking in what an issuer hands over: kept first, checked then, and whole or not at all.

    pick-up ──► sealed beside its application ──► checked ──► a credential; the issuer is told,
                                                     │        and the application ends
                                                     └─ refused: it stays, with the reason

So neither a killed process nor a refusal loses what cannot be fetched again after a day.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum

from did_service.client.issuer import (
    IssuerClient,
    NotYet,
    UnverifiedDelivery,
    issuer_of_pickup,
    parse_delivery,
)
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.credentials.model import Credential, parse_credential
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    LimitError,
    RuleError,
    quote,
)
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.limits import MAX_CREDENTIAL_BYTES
from did_service.core.verification.report import Report
from wallet_cli.holdings import (
    Application,
    HeldCredential,
    applications,
    credentials,
    identities,
    keep,
)
from wallet_cli.judging import (
    check_acceptable,
    is_authority_proven,
    is_signature_proven,
    judge,
)
from wallet_cli.naming import new_alias, short_name
from wallet_cli.session import Session
from wallet_cli.staples import EvidenceSources, Missing, collect
from wallet_cli.vault import Vault, new_id

_DELIVERY_ROOM = 4 * MAX_CREDENTIAL_BYTES  # the largest delivery, as it is stored


class IssuerCheck(Enum):
    """Whether a credential is kept although its issuer has no authority for it."""

    LISTED = "listed"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Received:
    """A credential that was taken in; `report` is None where no policy is pinned."""

    held: HeldCredential
    report: Report | None
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class Receiver:
    """Receives into one wallet."""

    session: Session
    trusting: IssuerCheck = IssuerCheck.LISTED

    def pick_up(self, application: Application) -> Received | NotYet:
        """Fetch what lies at an application's address, unless that was done; take it in.

        Raises:
            DidServiceError: what the transport raises; `pickup_used`; what `take_in` raises,
                and then the delivery stays with its application.
        """
        session = self.session
        if application.delivery is None:
            session.directory.check_room(_DELIVERY_ROOM)
            client = IssuerClient(session.transport, application.issuer)
            answer = client.pick_up(application.pickup)
            if isinstance(answer, NotYet):
                return answer
            application = replace(application, delivery=answer)
            session.commit(lambda vault: keep(vault, application, session.rng))
        return self._take_in_kept(application)

    def at_address(self, url: str) -> Application:
        """Return the application of a pick-up address; one that is new begins here.

        Raises:
            UsageError: `pickup_invalid`.
        """
        known = (each for each in applications(self.session.vault) if each.pickup == url)
        return next(known, None) or Application(
            id=new_id(self.session.rng),
            issuer=issuer_of_pickup(url),
            item="",
            holder="",
            applied=self.session.stamp(),
            pickup=url,
        )

    def take_in(
        self, delivery: UnverifiedDelivery, application: Application | None
    ) -> Received:
        """Check a delivery and keep its credential.

        Args:
            delivery: What came.
            application: What it answers; None for a file.

        Raises:
            MalformedError, LimitError: no credential.
            RuleError: `subject_foreign`, `credential_spoilt`, `issuer_without_authority`.
            ConflictError: `credential_held`.
        """
        session = self.session
        credential = _parse(delivery)
        held = HeldCredential(
            id=new_id(session.rng),
            alias="",
            holder=_holder(session.vault, credential),
            delivery=delivery.encode(),
            issuer_url=application.issuer if application else "",
            received=session.stamp(),
        )
        received = self._checked(held, delivery)
        name = application.item if application else ""
        done = () if application is None else (application.id,)

        def change(vault: Vault) -> Vault:
            _check_new(vault, delivery.credential)
            alias = new_alias(vault, short_name((name,) if name else credential.types))
            named = replace(received.held, alias=alias)
            return keep(vault.drop(done), named, session.rng)

        vault = session.commit(change)
        named = next(each for each in credentials(vault) if each.id == held.id)
        return replace(received, held=named)

    def _take_in_kept(self, application: Application) -> Received:
        session = self.session
        try:
            received = self.take_in(parse_delivery(application.delivery or {}), application)
        except DidServiceError as error:
            told = replace(application, note=f"{error.code}: {error.message}"[:1000])
            session.commit(lambda vault: keep(vault, told, session.rng))
            raise
        self._acknowledge(application)
        return received

    def _acknowledge(self, application: Application) -> None:
        """Let the issuer forget what is kept here; if it does not hear it, a day does it."""
        session = self.session
        if not session.settings.offline:
            with suppress(DidServiceError):
                client = IssuerClient(session.transport, application.issuer)
                client.acknowledge(application.pickup)

    def _checked(self, held: HeldCredential, delivery: UnverifiedDelivery) -> Received:
        """Collect what evidence there is and judge the credential by it."""
        session = self.session
        policy = session.trust.policy()
        if policy is None:
            session.terminal.warn("issuer_not_checked")
            return Received(held, None)
        if session.settings.offline:
            received = Received(held, self._judged(held, policy))
        else:
            received = self._collected(held, policy, delivery, EvidenceMoment.EPOCH)
            if not is_signature_proven(received.report):  # an issuer of this very hour
                received = self._collected(
                    received.held, policy, delivery, EvidenceMoment.NEWEST
                )
        self._accept(received.report)
        return received

    def _collected(
        self,
        held: HeldCredential,
        policy: Policy,
        delivery: UnverifiedDelivery,
        moment: EvidenceMoment,
    ) -> Received:
        places = EvidenceSources(self.session.transport, delivery.evidence, moment)
        collected = collect(held, policy, places)
        held = collected.into(held)
        return Received(held, self._judged(held, policy), collected.missing)

    def _judged(self, held: HeldCredential, policy: Policy) -> Report:
        session = self.session
        evidence = (session.trust.evidence(), held.staple)
        return judge(held.credential, policy, evidence, session.now())

    def _accept(self, report: Report | None) -> None:
        """Refuse what is spoilt or was issued without authority; say what was not checked."""
        session = self.session
        try:
            if report is not None:
                check_acceptable(report)
        except RuleError as error:
            if error.code != "issuer_without_authority" or self.trusting is IssuerCheck.LISTED:
                raise
            session.terminal.warn(error.code, error.message)
        if not is_signature_proven(report):
            session.terminal.warn("signature_not_checked")
        elif not is_authority_proven(report):
            session.terminal.warn("authority_not_proven")


def _parse(delivery: UnverifiedDelivery) -> Credential:
    if len(jcs.encode(delivery.credential)) > MAX_CREDENTIAL_BYTES:
        raise LimitError("too_large", f"a credential of more than {MAX_CREDENTIAL_BYTES} bytes")
    return parse_credential(delivery.credential)


def _holder(vault: Vault, credential: Credential) -> str:
    """Return the key of this wallet that a credential is about."""
    own = {each.did for each in identities(vault)}
    subjects = [subject.get("id") for subject in credential.subjects]
    for subject in subjects:
        if isinstance(subject, str) and subject in own:
            return subject
    raise RuleError("subject_foreign", f"it is issued to {quote(subjects[0])}")


def _check_new(vault: Vault, credential: JsonObject) -> None:
    spelled = jcs.encode(credential)
    for each in credentials(vault):
        if jcs.encode(each.credential) == spelled:
            raise ConflictError("credential_held", f"it is here already as {each.alias}")
