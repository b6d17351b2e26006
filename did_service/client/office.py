"""Calls of an officer to the office of an agency (docs/formats.md §9).

    GET  ISS/office/applications?state=STATE        oldest first
    POST ISS/office/applications/ID/VERB            accept, approve, return
    GET  ISS/office/credentials                     oldest first
    POST ISS/office/credentials/ID/VERB             revoke, suspend, reinstate

ISS is `https://HOST/agencies/ID`. The login is the officer's own bearer token.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote as in_url

from did_service.client.answers import HttpAnswer
from did_service.client.transport import Transport
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import JsonObject, Numbers, as_array, as_object
from did_service.core.errors import MalformedError, UnavailableError
from did_service.core.limits import MAX_JSON_BYTES

_PAGE = 1_000  # rows of one answer


@dataclass(frozen=True, slots=True)
class OfficeClient:
    """Acts as one officer at one agency.

    Attributes:
        transport: Reaches the agency.
        base: Its URL.
        token: The officer's.

    Every call raises what the transport raises, the problem that the agency names, and
    `UnavailableError` `answer_invalid` where an answer is not what it should be.
    """

    transport: Transport
    base: str
    token: str

    def applications(self, state: str = "") -> list[JsonObject]:
        """Return the applications in a state, or all, oldest first."""
        return self._rows("applications", f"state={in_url(state)}&" if state else "")

    def credentials(self) -> list[JsonObject]:
        """Return the credentials that were issued, oldest first."""
        return self._rows("credentials", "")

    def handle(self, application: str, verb: str, note: str | None = None) -> JsonObject:
        """Accept, approve or return an application.

        Args:
            application: Its id.
            verb: `accept`, `approve` or `return`.
            note: Why it goes back to its citizen.
        """
        body: JsonObject = {} if note is None else {"note": note}
        return self._post(f"applications/{in_url(application, safe='')}/{verb}", body)

    def change(self, credential: str, verb: str, reason: str) -> JsonObject:
        """Revoke, suspend or reinstate a credential; returns once the log has it.

        Args:
            credential: Its id.
            verb: `revoke`, `suspend` or `reinstate`.
            reason: Kept beside it.
        """
        path = f"credentials/{in_url(credential, safe='')}/{verb}"
        return self._post(path, {"reason": reason})

    def _rows(self, name: str, query: str) -> list[JsonObject]:
        found: list[JsonObject] = []
        while True:
            url = f"{self._url(name)}?{query}start={len(found)}"
            answer = self.transport.get(url, headers=self._login(), max_bytes=_MOST)
            page = _rows_in(answer, name)
            found += page
            if len(page) < _PAGE:
                return found

    def _post(self, path: str, body: JsonObject) -> JsonObject:
        answer = self.transport.post(
            self._url(path), jcs.encode(body), headers=self._login(), max_bytes=MAX_JSON_BYTES
        )
        return _object(answer)

    def _url(self, path: str) -> str:
        return f"{self.base.rstrip('/')}/office/{path}"

    def _login(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


_MOST = 64 * MAX_JSON_BYTES


def _rows_in(answer: HttpAnswer, name: str) -> list[JsonObject]:
    try:
        return [as_object(row, name) for row in as_array(_object(answer)[name], name)]
    except (KeyError, MalformedError) as error:
        raise UnavailableError("answer_invalid", f"no list of {name}") from error


def _object(answer: HttpAnswer) -> JsonObject:
    try:
        return strict_json.load_object(answer.body, max_bytes=_MOST, numbers=Numbers.FINITE)
    except MalformedError as error:
        raise UnavailableError("answer_invalid", error.message) from error
