"""What the attackers of the scenes do. Each holds what such an attacker really has.

A removed agency still has its key; whoever forks a log here has the log's true key. None of
them has the cosigning keys of the other regions.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from uuid import UUID

from did_service.client.registry import LogReader
from did_service.core.credentials import proof_set
from did_service.core.credentials.proof_set import SUITES, ProofOptions
from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import (
    JsonObject,
    JsonValue,
    as_array,
    as_object,
    as_text,
)
from did_service.core.evidence.moment import EvidenceMoment
from did_service.demo.world import DemoWorld
from did_service.node.local.members import ITEM, SCHOOL

Forge = Callable[[DemoWorld, JsonObject], JsonObject]


def credential(presented: JsonObject) -> JsonObject:
    """Return the credential inside a presentation file."""
    token = as_object(presented["vp_token"], "vp_token")
    shown = as_object(as_array(token["q"], "q")[0], "presentation")
    held = shown["verifiableCredential"]
    return as_object(held[0] if isinstance(held, list) else held, "credential")


def without_holder(presented: JsonObject) -> JsonObject:
    """Return a copy of the credential with its evidence, as anybody can make one."""
    return {"vp_token": {"q": [credential(presented)]}, "staple": presented["staple"]}


def tamper(presented: JsonObject) -> JsonObject:
    """Change a claim: the holder moves to another district."""
    changed = deepcopy(presented)
    subject = as_object(credential(changed)["credentialSubject"], "credentialSubject")
    residence = as_object(subject["residence"], "residence")
    residence["address"] = "广州市越秀区虚构路99号"
    return changed


def item_at_hand(world: DemoWorld) -> JsonObject:
    """Fetch, as anybody may, the evidence of the service item that is now the newest."""
    reader = LogReader.of_log(world.transport, "cn.example/reg")
    return strict_json.load_object(
        reader.evidence("schema", ITEM, moment=EvidenceMoment.NEWEST)
    )


def with_evidence(presented: JsonObject, more: JsonObject) -> JsonObject:
    """Put more evidence into the staple, which nobody signs."""
    staple = as_object(presented["staple"], "staple")
    notes = [*as_array(staple["checkpoints"], "notes"), *as_array(more["checkpoints"], "notes")]
    items = [*as_array(staple["items"], "items"), *as_array(more["items"], "items")]
    checkpoints: list[JsonValue] = [*dict.fromkeys(map(str, notes))]
    return {**presented, "staple": {**staple, "checkpoints": checkpoints, "items": items}}


def issue_after_end(world: DemoWorld, model: JsonObject) -> JsonObject:
    """Issue like an honest credential, dated in the second of the agency's end.

    Dated later than the newest evidence at the counter, it might rest on a grant of since then.
    """
    ended = world.offices[SCHOOL.id].statement.entry.at
    return _signed(world, model, timestamps.from_posix(ended))


def back_date(world: DemoWorld, model: JsonObject) -> JsonObject:
    """Issue like an honest credential, dated as the honest one was, before the end."""
    created = as_text(as_object(model["proof"], "proof")["created"], "created")
    return _signed(world, model, timestamps.parse(created))


def _signed(world: DemoWorld, model: JsonObject, created: datetime) -> JsonObject:
    """Sign what the model says, under a new id and date, with the removed agency's key."""
    identity = world.identity(SCHOOL)
    document: JsonObject = {
        **{name: value for name, value in model.items() if name != "proof"},
        "id": UUID(bytes=world.edge.rng(16), version=4).urn,
        "validFrom": timestamps.encode(created),
    }
    options = ProofOptions(identity.method, "assertionMethod", created)
    return proof_set.sign(document, identity.sign, options, SUITES[SCHOOL.cryptosuite])
