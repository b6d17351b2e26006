"""What is shown at the counter, read (step 1; docs/formats.md §6).

    {"vp_token":{"q":[presentation, …]},"state":…,"staple":{…}}   the file of `wallet present`
    {"type":[…], …}                                               a presentation or credential

Parsing proves nothing. A staple that cannot be read is absent, like any evidence. A byte order
mark is passed over (RFC 8259 §8.1).
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

from did_service.core.credentials import stated
from did_service.core.credentials.model import (
    CREDENTIAL_TYPE,
    ENVELOPED_TYPES,
    PRESENTATION_TYPE,
    Credential,
    Presentation,
    parse_credential,
    parse_presentation,
)
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue
from did_service.core.errors import (
    DidServiceError,
    LimitError,
    MalformedError,
    UnsupportedError,
)
from did_service.core.evidence.proven_set import Dropped
from did_service.core.evidence.sets import UnverifiedEvidence, parse_evidence
from did_service.core.limits import (
    MAX_ASKED_CHARACTERS,
    MAX_CREDENTIAL_BYTES,
    MAX_CREDENTIALS_IN_PRESENTATION,
    MAX_PRESENTED_BYTES,
    MAX_PRESENTED_VALUES,
    MAX_PROOFS,
)

# Compact JOSE: three parts signed, five encrypted, then the disclosures of an SD-JWT.
_JOSE = re.compile(rb"""\s*"?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){2,4}(~[A-Za-z0-9_.~-]*)?"?\s*""")
_JOSE_JSON = ({"payload", "signature"}, {"payload", "signatures"}, {"ciphertext", "iv"})
QUERY = "q"  # the one query of a presentation that answers no query object
STAPLE = "staple"


class PresentedCredential(NamedTuple):
    """One credential as shown: under which query, and in which presentation, if in one."""

    query: str
    credential: Credential
    presentation: Presentation | None


class PresentedFile(NamedTuple):
    """Everything that was shown; `dropped` is a staple that could not be read.

    `state` names the request that is answered; a proof of it is the nonce alone.
    """

    shown: tuple[PresentedCredential, ...]
    staple: UnverifiedEvidence | None = None
    dropped: Dropped | None = None
    state: str | None = None


def parse_presented(data: bytes) -> PresentedFile:
    """Read a presentation file, a presentation or a credential.

    Raises:
        LimitError: `too_large`, `too_deep`, also for more than 16 credentials.
        UnsupportedError: an SD-JWT or another form that this release does not take, or
            `too_large`: more statements under proofs than can be read in a second.
        MalformedError: anything else that is not one of the forms above.
    """
    text = data.removeprefix(BOM_UTF8)
    if _JOSE.fullmatch(text[:MAX_CREDENTIAL_BYTES]):
        raise UnsupportedError("credential_unsupported", "a JWT or SD-JWT credential")
    members = _load(text)
    presented = (
        _file(members) if "vp_token" in members else PresentedFile(_bare(QUERY, members))
    )
    if not presented.shown:
        raise MalformedError("member_missing", "no credential is shown")
    if len(presented.shown) > MAX_CREDENTIALS_IN_PRESENTATION:
        raise LimitError("too_large", f"{len(presented.shown)} credentials")
    stated.check_work(*_documents(presented.shown))
    return presented


def challenges_in(data: bytes) -> tuple[str, ...]:
    """Return the codes that the presentations in a file say they answer, each once.

    Read are their own proofs, up to 8 of each of up to 16: with more, nothing is accepted. What
    stands anywhere else, in a staple or a claim, is no answer and hides none.

    Raises:
        MalformedError, LimitError: it is no JSON object that `parse_presented` reads.
    """
    members = _load(data.removeprefix(BOM_UTF8))
    found = (text for each in _answers(members) for text in _challenges(each))
    return tuple(dict.fromkeys(islice(found, MAX_CREDENTIALS_IN_PRESENTATION * MAX_PROOFS)))


def _load(text: bytes) -> JsonObject:
    return strict_json.load_object(
        text,
        max_bytes=MAX_PRESENTED_BYTES,
        max_values=MAX_PRESENTED_VALUES,
        numbers=strict_json.Numbers.FINITE,
    )


def _answers(members: JsonObject) -> Iterator[JsonObject]:
    """Yield the presentations in a file that show a credential, before they are parsed."""
    answers = members.get("vp_token", {"": [members]})
    lists = answers.values() if isinstance(answers, dict) else ()
    for each in chain.from_iterable(each for each in lists if isinstance(each, list)):
        if isinstance(each, dict) and each.get("verifiableCredential", []) != []:
            yield each


def _challenges(presentation: JsonObject) -> Iterator[str]:
    proof = presentation.get("proof")
    proofs = proof if isinstance(proof, list) else [proof]
    for each in proofs if len(proofs) <= MAX_PROOFS else ():
        challenge = each.get("challenge") if isinstance(each, dict) else None
        if isinstance(challenge, str) and len(challenge) <= MAX_ASKED_CHARACTERS:
            yield challenge


def _documents(shown: tuple[PresentedCredential, ...]) -> Iterator[JsonObject]:
    """Yield every document that is shown; nobody need have signed any of them."""
    yield from (each.credential.raw for each in shown)
    whole = {id(each.presentation): each.presentation for each in shown if each.presentation}
    yield from (each.raw for each in whole.values())


def _file(members: JsonObject) -> PresentedFile:
    fields = Fields(members, "presentation file")
    answers = fields.fields("vp_token")
    shown = tuple(
        shown
        for query in answers.names()
        for answer in answers.array(query, most=MAX_CREDENTIALS_IN_PRESENTATION)
        for shown in _bare(query, answer)
    )
    state = (
        fields.text("state", max_chars=MAX_ASKED_CHARACTERS) if fields.has("state") else None
    )
    staple = fields.value(STAPLE) if fields.has(STAPLE) else None
    fields.close()
    if not isinstance(staple, dict):
        return PresentedFile(shown, state=state)
    try:
        return PresentedFile(shown, parse_evidence(staple), state=state)
    except DidServiceError as error:
        dropped = Dropped(STAPLE, "staple", error.code)
        return PresentedFile(shown, dropped=dropped, state=state)


def _bare(query: str, value: JsonValue) -> tuple[PresentedCredential, ...]:
    if isinstance(value, str):
        raise UnsupportedError("credential_unsupported", "a JWT or SD-JWT credential")
    if isinstance(value, dict) and any(value.keys() >= form for form in _JOSE_JSON):
        raise UnsupportedError("credential_unsupported", "a credential in JOSE")
    kinds = value.get("type") if isinstance(value, dict) else None
    names = kinds if isinstance(kinds, list) else [kinds]
    if PRESENTATION_TYPE in names or ENVELOPED_TYPES[1] in names:
        presentation = parse_presentation(value)
        return tuple(_shown(query, each, presentation) for each in presentation.credentials)
    if CREDENTIAL_TYPE in names or ENVELOPED_TYPES[0] in names:
        return (_shown(query, parse_credential(value), None),)
    raise MalformedError("member_invalid", "neither a credential nor a presentation")


def _shown(
    query: str, credential: Credential, presentation: Presentation | None
) -> PresentedCredential:
    size = len(jcs.encode(credential.raw))
    if size > MAX_CREDENTIAL_BYTES:
        raise LimitError("too_large", f"a credential of {size} bytes")
    return PresentedCredential(query, credential, presentation)
