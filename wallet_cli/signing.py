"""What the holder's key signs: applications and presentations, always for one addressee.

Both carry an eddsa-jcs-2022 proof for `authentication` over a challenge and a domain, made by a
did:key of the wallet (docs/formats.md §6, §9).
"""

from __future__ import annotations

from did_service.core.did.key import did_key_method
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from wallet_cli.holdings import HolderIdentity

_CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"
QUERY = "q"  # formats.md §6: the one query of a request without a query object


def signed_application(
    item: str,
    claims: JsonObject,
    holder: HolderIdentity,
    addressee: tuple[str, str],
    created: str,
) -> JsonObject:
    """Return a signed application.

    Args:
        item: The service item.
        claims: What the credential should say.
        holder: Signs.
        addressee: The issuer's challenge, and its URL.
        created: RFC 3339.
    """
    document: JsonObject = {"item": item, "claims": claims, "holder": holder.did}
    return _signed(document, holder, addressee, created)


def signed_presentation(
    credential: JsonObject, holder: HolderIdentity, addressee: tuple[str, str], created: str
) -> JsonObject:
    """Return a signed presentation of one credential.

    Args:
        credential: As its issuer wrote it.
        holder: Signs; the credential's subject.
        addressee: The counter's nonce, and its audience.
        created: RFC 3339.
    """
    document: JsonObject = {
        "@context": [_CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": holder.did,
        "verifiableCredential": [credential],
    }
    return _signed(document, holder, addressee, created)


def presentation_file(
    presentation: JsonObject, staple: JsonObject | None, state: str | None = None
) -> JsonObject:
    """Return the file that goes to a counter.

    Args:
        presentation: Signed.
        staple: Its evidence, where there is some.
        state: Of the counter's request, to be given back as it came.
    """
    return {
        "vp_token": {QUERY: [presentation]},
        **({} if state is None else {"state": state}),
        **({} if staple is None else {"staple": staple}),
    }


def _signed(
    document: JsonObject, holder: HolderIdentity, addressee: tuple[str, str], created: str
) -> JsonObject:
    key = holder.key
    challenge, domain = addressee
    options: JsonObject = {
        "created": created,
        "verificationMethod": did_key_method(key.public),
        "proofPurpose": "authentication",
        "challenge": challenge,
        "domain": domain,
    }
    proof = data_integrity.create(document, options, key, eddsa_jcs_2022)
    return {**document, "proof": proof}
