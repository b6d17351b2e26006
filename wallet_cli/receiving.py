"""Taking in what an issuer hands over: read, kept, checked, and whole or not at all.

    pick-up ──► is a delivery ──► sealed beside its application ──► checked ──► a credential;
      ▲             │ no                                             │         the issuer is
      └─ again ─────┘                     refused, nothing proven: it stays,   told
         and so is what was refused       apart from credentials

So neither a killed process nor a refusal loses what cannot be fetched again after a day, and
nothing that an address answers by mistake ends a pick-up: it is asked again while it lives.
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
from did_service.core.credentials.model import Credential
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import ConflictError, DidServiceError, RuleError
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.limits import COLLECTION_SECONDS, MAX_CREDENTIAL_BYTES
from did_service.core.verification.report import Report
from wallet_cli.deliveries import (
    check_delivery,
    check_key,
    check_new,
    holder_of,
    keep_unless_gone,
    parse_offered,
    records_answered,
    same_credential,
)
from wallet_cli.holdings import Application, HeldCredential, applications, credentials, keep
from wallet_cli.judging import (
    check_acceptable,
    is_authority_proven,
    is_signature_proven,
    judge,
)
from wallet_cli.naming import new_alias, short_name
from wallet_cli.received import Received, SetAside
from wallet_cli.session import Session
from wallet_cli.sources import EvidenceSources, RequestBudget
from wallet_cli.staples import collect
from wallet_cli.submitting import hand_in
from wallet_cli.vault import Vault, new_id
from wallet_cli.views import SET_ASIDE

_DELIVERY_ROOM = 4 * MAX_CREDENTIAL_BYTES  # the largest delivery, as it is stored


class IssuerCheck(Enum):
    """Whether a credential is kept although its issuer has no authority for it."""

    REQUIRED = "required"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Receives into one wallet."""

    session: Session
    trusting: IssuerCheck = IssuerCheck.REQUIRED

    def pick_up(self, application: Application) -> Received | SetAside | NotYet:
        """Take in what is held of an application, else what its address gives now.

        Raises:
            DidServiceError: what the transport raises; `pickup_used`; `answer_invalid`; what
                `take_in` raises, and then the delivery stays with its application.
        """
        session = self.session
        if application.signed is not None:  # its answer was lost
            application = hand_in(session, application, application.signed)
        if application.delivery is None:
            return self._fetched(application)
        can_ask = application.pickup and not session.settings.offline
        try:
            kept = self._take_in_kept(application)
        except DidServiceError as refused:
            if not can_ask:
                raise
            with suppress(DidServiceError):
                return self._fetched(application)
            raise refused from None
        if isinstance(kept, SetAside) and can_ask:
            with suppress(DidServiceError):
                return self._fetched(application)
        return kept

    def _fetched(self, application: Application) -> Received | SetAside | NotYet:
        """Fetch what lies at the address, keep it, and take it in.

        Raises:
            ConflictError: `delivery_same`: it is what is held already.
            NotFoundError: `credential_unknown`: it was given up while it was fetched.
            UnavailableError: `answer_invalid`: what came is no delivery of a credential.
        """
        session = self.session
        session.directory.check_room(_DELIVERY_ROOM)
        client = IssuerClient(session.transport, application.issuer)
        answer = client.pick_up(application.pickup)
        if isinstance(answer, NotYet):
            return answer
        if answer == application.delivery:
            raise ConflictError("delivery_same", "it was tried before")
        check_delivery(answer)
        fetched = replace(application, delivery=answer)
        if keep_unless_gone(session, fetched):
            return self._take_in_kept(fetched)
        return self._held_already(fetched, answer)

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
    ) -> Received | SetAside:
        """Check a delivery and keep its credential.

        Args:
            delivery: What came.
            application: What it answers; None for a file.

        Raises:
            MalformedError, LimitError: no credential.
            RuleError: `subject_foreign`, `subjects_several`, `credential_spoilt`,
                `issuer_without_authority`.
            ConflictError: `credential_held`.
        """
        session = self.session
        credential = parse_offered(delivery)
        held = HeldCredential(
            id=new_id(session.rng),
            alias="",
            holder=holder_of(session.vault, credential),
            delivery=delivery.encode(),
            issuer_url=application.issuer if application else "",
            received=session.stamp(),
        )
        check_new(session.vault, delivery.credential)
        received = self._checked(held, delivery)
        was_asked_for = application is not None and application.item
        if not (was_asked_for or is_signature_proven(received.report)):
            return self._set_aside(application, received.held)
        return self._kept(received, application, credential)

    def _set_aside(self, application: Application | None, held: HeldCredential) -> SetAside:
        """Keep what anybody may have written apart from credentials, to be tried again."""
        session = self.session
        apart = application or Application(held.id, "", "", held.holder, held.received)
        apart = replace(
            apart,
            holder=held.holder,
            delivery=held.delivery,
            note=f"{SET_ASIDE}: nothing at hand proves who issued it",
        )

        def change(vault: Vault) -> Vault:
            check_key(vault, apart.holder)
            known = (each for each in applications(vault) if each.delivery == apart.delivery)
            same = next(known, apart)
            return keep(vault, replace(apart, id=same.id), session.rng)

        session.commit(change)
        return SetAside(apart)

    def _kept(
        self, received: Received, application: Application | None, credential: Credential
    ) -> Received:
        session = self.session
        if received.report is not None and not is_signature_proven(received.report):
            session.terminal.warn("signature_not_checked")
        elif received.report is not None and not is_authority_proven(received.report):
            session.terminal.warn("authority_not_proven")
        name = application.item if application else ""

        def change(vault: Vault) -> Vault:
            check_new(vault, credential.raw)
            check_key(vault, received.held.holder)
            alias = new_alias(vault, short_name((name,) if name else credential.types))
            named = replace(received.held, alias=alias)
            done = records_answered(vault, application, credential.raw)
            return keep(vault.drop(done), named, session.rng)

        vault = session.commit(change)
        named = next(each for each in credentials(vault) if each.id == received.held.id)
        return replace(received, held=named)

    def _take_in_kept(self, application: Application) -> Received | SetAside:
        """Take in the delivery of an application; one that is here already ends it too."""
        delivery = application.delivery or {}
        try:
            received = self.take_in(parse_delivery(delivery), application)
        except DidServiceError as error:
            if error.code != "credential_held":
                self._note(application, error)
                raise
            received = self._held_already(application, delivery)
        if isinstance(received, Received) and application.pickup:
            self._acknowledge(application)
        return received

    def _note(self, application: Application, error: DidServiceError) -> None:
        """Keep why a delivery was refused, unless its application has ended meanwhile."""
        session = self.session
        told = replace(application, note=f"{error.code}: {error.message}"[:1000])
        session.commit(
            lambda vault: keep(vault, told, session.rng) if told.id in vault.records else vault
        )

    def _held_already(self, application: Application, delivery: JsonObject) -> Received:
        """End an application whose credential is in the newest vault, maybe just come there."""

        def change(vault: Vault) -> Vault:
            held = same_credential(vault, delivery)
            return vault.drop(records_answered(vault, application, held.credential))

        return Received(same_credential(self.session.commit(change), delivery), None)

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
            received = self._collected(held, policy, delivery)
        self._accept(received.report)
        return received

    def _collected(
        self, held: HeldCredential, policy: Policy, delivery: UnverifiedDelivery
    ) -> Received:
        """Collect the staple and judge by it: as of the hour, else as of now."""
        session = self.session
        received, budget = Received(held, None), RequestBudget()
        known = session.trust.known().remembered
        with session.transport.within(COLLECTION_SECONDS):
            for moment in EvidenceMoment:
                places = EvidenceSources(session.transport, delivery.evidence, moment, budget)
                collected = collect(received.held, policy, places, known)
                session.report_forks(collected.forks)
                held = collected.into(received.held)
                report, is_fresh = self._judged(held, policy), moment is EvidenceMoment.NEWEST
                received = Received(held, report, collected.missing, is_fresh=is_fresh)
                if is_signature_proven(received.report):  # else an issuer of this very hour
                    break
        return received

    def _judged(self, held: HeldCredential, policy: Policy) -> Report:
        session = self.session
        evidence = (session.trust.evidence(held.credential, held.staple), held.staple)
        return judge(held.credential, policy, evidence, session.now())

    def _accept(self, report: Report | None) -> None:
        """Refuse what is spoilt or was issued without authority."""
        try:
            if report is not None:
                check_acceptable(report)
        except RuleError as error:
            may_be_skipped = error.code == "issuer_without_authority"
            if not may_be_skipped or self.trusting is IssuerCheck.REQUIRED:
                raise
            self.session.terminal.warn(error.code, error.message)
