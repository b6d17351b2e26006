"""What anybody can do to a signed document on its way, without any key.

rewritten(policy.members)["turned"]     # the proofs the other way round
spelled(members, random)                # members in another order, at every depth
"""

from copy import deepcopy
from random import Random

from did_service.core.did.key import did_key_method
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from tests.support.dids import key

JUNK: JsonObject = {"type": "Advertisement", "text": "x" * 1_000}


def rewritten(document: JsonObject) -> dict[str, JsonObject]:
    """The document with its list of proofs turned, doubled, and with foreign ones in it."""
    proofs = document["proof"]
    variants = {
        "turned": proofs[::-1],
        "doubled": [*proofs, proofs[0]],
        "a stranger's": [*proofs, strangers_proof(document)],
        "junk": [JUNK, *proofs],
        "a broken one": [*proofs, {**proofs[0], "proofValue": proofs[1]["proofValue"]}],
    }
    return {name: {**document, "proof": deepcopy(listed)} for name, listed in variants.items()}


def strangers_proof(document: JsonObject) -> JsonObject:
    """A valid proof over a document by a key that nobody asked for."""
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    stranger = key("stranger")
    options: JsonObject = {
        "created": "2026-11-21T08:00:00Z",
        "verificationMethod": did_key_method(stranger.public),
        "proofPurpose": "assertionMethod",
    }
    return data_integrity.create(unsigned, options, stranger, eddsa_jcs_2022)


def spelled(value: JsonValue, random: Random) -> JsonValue:
    """The same JSON value with its members in another order, at every depth."""
    if isinstance(value, list):
        return [spelled(each, random) for each in value]
    if not isinstance(value, dict):
        return value
    names = list(value)
    random.shuffle(names)
    return {name: spelled(value[name], random) for name in names}
