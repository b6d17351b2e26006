"""did:webvh logs, altered by somebody without their keys: what resolves is what was written.

a log of up to seven versions, its witness file ──altered──► refused, or the first versions
"""

import json
from datetime import timedelta
from functools import cache
from random import Random

from did_service.core.did.webvh.history import History, verify_history
from did_service.core.did.webvh.state import HistoryState
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError
from tests.fuzz.attempts import Attempt, Target
from tests.fuzz.mutations import altered, spoilt
from tests.support.dids import Author, Controller, hash_of, multikey_of, resigned

STEPS = ("touch", "document", "keys", "commit", "uncommit", "witness", "move", "ttl")
LOGS = 16


@cache
def written() -> tuple[Controller, ...]:
    """Logs whose controllers did all kinds of things."""
    made = []
    for number in range(LOGS):
        author, random = Author(), Random(number)
        author.made = Controller.create(location=f"log{number}.example", portable=True)
        for _ in range(random.randrange(7)):
            author.do(random.choice(STEPS))
        made.append(author.made)
    return tuple(made)


def make(random: Random) -> Attempt:
    """Resolve an altered log."""
    chosen, other = random.choices(written(), k=2)
    log = _altered(chosen, other, random)
    proofs = [{"versionId": name, "proof": each} for name, each in chosen.proofs.items()]
    if random.random() < 0.3:
        proofs = altered(proofs, random, [other.entries])
    witness = None if random.random() < 0.1 else json.dumps(proofs).encode()
    did = None if random.random() < 0.2 else chosen.did
    now = chosen.now + timedelta(minutes=random.choice((-400, -3, -1, 0, 1, 1_000_000)))

    def run() -> str | None:
        try:
            history = verify_history(log, witness_file=witness, did=did, now=now)
        except DidServiceError:
            return None
        return _foreign(history)

    inputs = {"did.jsonl": log, "did-witness.json": witness or b""}
    return Attempt({**inputs, "now.txt": f"{did} {now.isoformat()}\n".encode()}, run)


def _altered(chosen: Controller, other: Controller, random: Random) -> bytes:
    form = random.randrange(6)
    if form == 0:
        return spoilt(chosen.log, random)
    entries = chosen.entries[: random.randint(1, len(chosen.entries))]
    if form == 1:
        entries = [*entries, _by_a_stranger(entries, random)]
    elif form > 2:
        entries = altered(entries, random, [other.entries, chosen.entries])
    lines = entries if isinstance(entries, list) else [entries]
    end = random.choice((b"\n", b"\n", b"\n", b"\r\n"))
    return end.join(json.dumps(each).encode() for each in lines) + end


def _by_a_stranger(entries: list[JsonObject], random: Random) -> JsonObject:
    """The newest entry, altered and rightly hashed, under the proof of nobody's key."""
    newest = entries[-1]
    number, _, _ = newest["versionId"].partition("-")
    state = random.choice((newest["state"], altered(newest["state"], random)))
    own = {"updateKeys": [multikey_of("stranger")], "nextKeyHashes": [hash_of("stranger's")]}
    parameters = random.choice(({}, newest["parameters"], {"deactivated": True}, own, own))
    made = {**newest, "versionId": f"{int(number) + 1}-", "state": state}
    later = timestamps.parse(newest["versionTime"]) + timedelta(seconds=30)
    made |= {"parameters": parameters, "versionTime": timestamps.encode(later)}
    try:
        return resigned(made, "stranger", newest["versionId"])
    except DidServiceError:  # what is no JSON of ours cannot be signed
        return newest


# --- what was resolved ------------------------------------------------------------------------


@cache
def _versions() -> dict[str, list[bytes]]:
    """The true versions of each DID, by its SCID."""
    return {
        each.state.scid: [_told(state) for state in _resolved(each).states]
        for each in written()
    }


def _resolved(made: Controller) -> History:
    return verify_history(made.log, witness_file=made.witness_file, did=made.did, now=made.now)


def _told(state: HistoryState) -> bytes:
    version = state.version
    return jcs.encode({"id": version.version_id, "document": version.document.raw})


def _foreign(history: History) -> str | None:
    """Say what resolves that its controller has not written."""
    known = _versions().get(history.states[0].scid, [])
    for number, state in enumerate(history.states):
        if _told(state) not in known[number : number + 1]:
            return f"version {number + 1}: {_told(state).decode()}"
    return None


TARGET = Target("did-logs", make, most_steps=1_000_000)
