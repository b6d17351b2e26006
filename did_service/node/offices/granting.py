"""`region grant|suspend|reinstate|end|take-custody|publish-…`: what a region's office decides.

Each is planned first, shown to a person, and only then signed with the root's key. What the log
holds already is found there and not written twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from did_service.client.registry import LogReader, RegistryClient, UnverifiedLogged
from did_service.core.anchor.bodies.authority import Authority, parse_authority, subject_of
from did_service.core.anchor.bodies.did import DidBody
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import LoggedEntry, compose
from did_service.core.anchor.region import control_origin, year_of
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.hashes import sha256
from did_service.core.crypto.keyring import KeyRole
from did_service.core.did.syntax import did_id
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import NotFoundError, RuleError, quote
from did_service.core.text import Bilingual
from did_service.node.administration import Administration
from did_service.node.founding import OfficeIdentity
from did_service.node.offices.grant import AgencyGrant
from did_service.node.offices.request import AgencyRequest
from did_service.signer.keyring import Keyring

ENDINGS: Mapping[str, str] = {"suspend": "suspended", "end": "ended"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the office says beside the request.

    Attributes:
        until: When the authority ends, aware UTC.
        basis: The legal basis.
        types: Of those asked for; empty for all. `territory` likewise.
    """

    until: datetime
    basis: Bilingual
    types: tuple[str, ...] = ()
    territory: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegionOffice:
    """The office of one region.

    Attributes:
        policy: In force.
        region: Its id.
        office: Writes its entries.
        root: Its root DID and the key behind it.
    """

    policy: Policy
    region: str
    office: Administration
    root: OfficeIdentity

    def planned(self, request: AgencyRequest, limits: Limits) -> Authority:
        """Return the statement that a request leads to, before anybody signs it.

        Raises:
            RuleError: `grant_beyond_request`: more is to be granted than was asked for.
            PolicyError: `home_unknown`, or a DID of another region.
        """
        home = self.policy.home_of_did(request.state.version.did)
        if home.id != self.region:
            raise RuleError("not_at_home", f"{quote(request.state.did)} belongs to {home.id}")
        for asked, given in (
            (request.types, limits.types),
            (request.territory, limits.territory),
        ):
            beyond = sorted(set(given) - set(asked))
            if beyond:
                raise RuleError("grant_beyond_request", f"{quote(beyond[0])} was not asked for")
        return Authority(
            granter=self.root.did,
            grantee=request.state.did,
            scope=request.scope,
            name=request.name,
            roles=request.roles,
            types=limits.types or request.types,
            items=(),
            prefixes=(),
            territory=limits.territory or request.territory,
            valid_from=self.office.edge.posix(),
            until=timestamps.to_posix(limits.until),
            state="active",
            since=None,
            status_lists=request.status_lists,
            status_custodian=self.root.did,
            basis=limits.basis,
            other=None,
        )

    def grant(self, request: AgencyRequest, statement: Authority) -> AgencyGrant:
        """Register the agency's DID where that is missing, and publish the statement.

        A statement that is there and says the same is not written again.
        """
        self._register(request)
        client = self._client()
        found = client.newest("authority", statement.subject)
        if found is not None and self._same(found, statement):
            held = parse_authority(found.placed.entry.body)
            return self._told(held, found.placed)
        placed = self.office.state(self.root, statement, found.placed if found else None)
        return self._told(statement, placed)

    def changed(self, grantee: str, scope: str, verb: str) -> tuple[Authority, LoggedEntry]:
        """Return the statement that suspends, reinstates or ends one, and the one before it.

        Raises:
            NotFoundError: `grant_not_found`.
            RuleError: `grant_ended`: nothing follows an end.
        """
        subject = subject_of(self.root.did, grantee, scope)
        found = self._client().newest("authority", subject)
        if found is None:
            raise NotFoundError("grant_not_found", f"no statement about {quote(grantee)}")
        held = parse_authority(found.placed.entry.body)
        if held.state == "ended":
            raise RuleError("grant_ended", f"what {quote(grantee)} was granted has ended")
        if verb == "reinstate":
            return held._replace(state="active", since=None), found.placed
        now = self.office.edge.posix()
        return held._replace(state=ENDINGS[verb], since=now), found.placed

    def statement(self, subject: str) -> Authority:
        """Return the newest statement of a chain.

        Raises:
            NotFoundError: `grant_not_found`.
        """
        found = self._client().newest("authority", subject)
        if found is None:
            raise NotFoundError("grant_not_found", "the log has no such statement")
        return parse_authority(found.placed.entry.body)

    def change(self, statement: Authority, after: LoggedEntry) -> AgencyGrant:
        """Publish such a statement."""
        return self._told(statement, self.office.state(self.root, statement, after))

    def take_custody(self, statement: Authority) -> list[tuple[str, int]]:
        """Sign each status list of an ended statement anew; return list and log index.

        Raises:
            RuleError: `grant_stands`: the agency still keeps its lists itself.
            NotFoundError: `custody_list_missing`: none of its lists was ever published.
        """
        if statement.state != "ended" and statement.until > self.office.edge.posix():
            raise RuleError("grant_stands", "the statement has not ended")
        taken = []
        for url in statement.status_lists:
            newest = next(self._lists(url), None)
            if newest is not None:
                origin, found, content = newest
                placed = self.office.take_custody(self.root, found.placed, origin, content)
                taken.append((url, placed.index))
        if not taken:
            raise NotFoundError(
                "custody_list_missing", "none of its status lists was published"
            )
        return taken

    def publish_schema(self, identifier: str, schema: JsonObject) -> LoggedEntry:
        """Publish a JSON Schema under its id."""
        return self.office.publish_schema(self.root, identifier, schema)

    def publish_item(self, item: JsonObject) -> LoggedEntry:
        """Publish a service item, or its next version."""
        found = self._client().newest("schema", str(item["id"]))
        after = None if found is None else found.placed
        return self.office.publish_item(self.root, item, after)

    # --- parts --------------------------------------------------------------------------------

    def _client(self) -> RegistryClient:
        return RegistryClient(self.office.transport, self.office.control)

    def _register(self, request: AgencyRequest) -> None:
        """Hand in each version of the agency's DID that the log does not hold yet."""
        scid = did_id(request.state.did)
        found = self._client().newest("did", scid)
        after = None if found is None else found.placed
        number = 0 if after is None else after.entry.number
        for version in request.versions[number:]:
            body = DidBody(request.state.did, version, None)
            after = self.office.submit(compose("did", scid, body.encode(), after=after))

    def _same(self, found: UnverifiedLogged, statement: Authority) -> bool:
        """Say whether a statement grants the same already; its beginning is its own."""
        held = parse_authority(found.placed.entry.body)
        return held == statement._replace(valid_from=held.valid_from)

    def _told(self, statement: Authority, placed: LoggedEntry) -> AgencyGrant:
        wide = [
            r for r in self.policy.regions if r.id == self.region or "000000" in r.territory
        ]
        mirrors = tuple(f"https://{control_origin(region)}" for region in wide)
        return AgencyGrant(statement, self.office.control, placed.index, mirrors)

    def _lists(self, url: str) -> Iterator[tuple[str, UnverifiedLogged, bytes]]:
        """Yield a list's newest version by log, the newest year first."""
        own = next(region for region in self.policy.regions if region.id == self.region)
        years = sorted((o for o in own.logs if year_of(o)), key=str, reverse=True)
        for origin in years:
            found = RegistryClient(self.office.transport, origin).newest("status", url)
            if found is None or found.placed.entry.digest is None:
                continue
            digest = found.placed.entry.digest
            content = LogReader.of_log(self.office.transport, origin).content(digest)
            if sha256(content) == digest:
                yield origin, found, content


def root_identity(did: str, method: str, key: SigningKey) -> OfficeIdentity:
    """Return the identity that signs statements; its other keys are not needed for that."""
    return OfficeIdentity(did, method, key, key, key, {})


def root_of(policy: Policy, region: str, host: str, keyring: Keyring) -> OfficeIdentity:
    """Return a region's root with the key that signs for it, `#key-1` of its first version.

    Raises:
        NotFoundError: `key_missing`.
    """
    did = next(each.root for each in policy.regions if each.id == region)
    return root_identity(did, f"{did}#key-1", keyring.key(KeyRole.ASSERTION, host))
