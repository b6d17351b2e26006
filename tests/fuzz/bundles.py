"""Evidence, chosen, mixed and altered as a supplier would: it alone refuses nobody.

    directory ┐  each: parts of one to three copies of the evidence, of several times; kinds
    bundle    ├─ left out, heads taken off, members and bytes altered; as a set or as lines,
    staple    ┘  packed or not

Or all that is newest, but for one subject, of which an older entry is brought instead. What is
shown is as its parties signed it. A good credential is never refused, whatever the
evidence; a bad one is never accepted, whatever of it was left out.
"""

import gzip
import json
from dataclasses import asdict
from functools import cache
from random import Random

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.verification.report import Outcome
from tests.fuzz.attempts import Attempt, Target, described
from tests.fuzz.counter import (
    ACCEPTING,
    TRUST,
    Circumstances,
    Evidence,
    fault_of,
    judged,
)
from tests.fuzz.mutations import altered, spoilt
from tests.fuzz.world import World, built
from tests.support.counter import headless, joined, without

STAPLE = "staple"
SOURCES = (TRUST, "bundle", STAPLE)
# Bad by what was logged later: what supports them was true once, and is in the older copies.
ONCE_TRUE = (
    *("revoked", "revoked rdfc", "issued after the end", "key retired", "list withdrawn"),
    "by a custodian's stolen key",
)
KINDS = ("did", "authority", "schema", "status", "evidence", "heads")


@cache
def presented(name: str) -> JsonObject:
    """A credential, presented by the person at the counter."""
    world = built()
    return world.scene.present({**world.good, **world.bad}[name])


def make(random: Random) -> Attempt:
    """Show something as it is, under altered evidence."""
    world = built()
    at = Circumstances.draw(world, random)
    name = random.choice([*world.good] * 4 + [*ONCE_TRUE] * 4 + [*world.bad])
    issuer = {**world.good, **world.bad}[name]["issuer"]
    chosen = random.sample(SOURCES, random.choice((1, 1, 2, 3)))
    if random.random() < (0.6 if name in ONCE_TRUE else 0.1):
        sets = {chosen[0]: kept_back(world, issuer, random)}
    else:
        copies = world.copies[: random.choice((2, 4, 6, 8, 8, 8))]
        sets = {source: mixed(copies, world, issuer, random) for source in chosen}
    staple = sets.pop(STAPLE, None)
    members = {} if staple is None else {"staple": staple}
    shown = json.dumps({"vp_token": {"q": [presented(name)]}, **members}).encode()
    files = {source: written(each, random) for source, each in sets.items()}
    circumstances = described({**asdict(at), "credential": name})
    inputs = {"shown.json": shown, "at.json": circumstances, **files}

    def run() -> str | None:
        report = judged(shown, Evidence.read(files), at, world.scene.fed.policy)
        if report is None:
            return "no report for a presentation as it was signed"
        if name in world.good and report.outcome is Outcome.REFUSED:
            return f"refused: {name}, {_codes(report)}"
        if name not in world.good and report.outcome in ACCEPTING and at.nonce:
            return f"accepted: {name}"
        return fault_of(report)

    return Attempt(inputs, run)


def _codes(report) -> list[str]:
    return [check.code for check in report.checks if check.result.value == "failed"]


def kept_back(world: World, issuer: str, random: Random) -> JsonObject:
    """The newest copy, with an older entry of some subject in place of the newest."""
    newest = world.about(world.copies[-2], issuer)
    older = world.about(random.choice(world.copies[:-2:2]), issuer)
    known = [item["entry"] for item in newest["items"]]
    changed = [item for item in older["items"] if item["entry"] not in known]
    chains = [item for item in changed if item["entry"]["t"] not in ("heads", "evidence")]
    if not chains:
        return newest
    old = random.choice(chains)
    rest = [item for item in newest["items"] if item["entry"]["s"] != old["entry"]["s"]]
    shown = random.choice((old, _beheaded(old)))
    heads = [item for item in older["items"] if item["entry"]["t"] == "heads"]
    return joined({**newest, "items": rest}, {**older, "items": [shown, *heads]})


def mixed(copies: list[JsonObject], world: World, issuer: str, random: Random) -> JsonObject:
    """Parts of some copies, as a set."""
    chosen = random.choices(copies, k=random.choice((1, 1, 2, 3)))
    parts = [_some(world.about(copy, issuer), random) for copy in chosen]
    if random.random() < 0.5:
        parts.append(world.about(copies[-2], issuer))
    whole = joined(*parts)
    files = [copy["heads_files"] for copy in chosen if random.random() < 0.7]
    whole["heads_files"] = {root: file for each in files for root, file in each.items()}
    if random.random() < 0.3:
        random.shuffle(whole["items"])
    if random.random() < 0.4:
        return altered(whole, random, [random.choice(copies)])
    return whole


def _some(evidence: JsonObject, random: Random) -> JsonObject:
    """What is left of a copy."""
    change = random.randrange(6)
    if change == 0:
        return headless(evidence)
    if change == 1:
        return without(evidence, random.choice(KINDS))
    if change == 2:
        kept = [item for item in evidence["items"] if random.random() < 0.7]
        return {**evidence, "items": kept}
    if change == 3:
        kept = [
            _beheaded(item) if random.random() < 0.4 else item for item in evidence["items"]
        ]
        return {**evidence, "items": kept}
    if change == 4:
        kept = [note for note in evidence["checkpoints"] if random.random() < 0.7]
        return {**evidence, "checkpoints": kept}
    return evidence


def _beheaded(item: JsonObject) -> JsonObject:
    return {name: value for name, value in item.items() if name != "head"}


# --- as a file --------------------------------------------------------------------------------


def written(evidence: JsonObject, random: Random) -> bytes:
    """A set as it stands in a file, sometimes spoilt."""
    whole = isinstance(evidence, dict) and evidence.get("format") == "didsvc-evidence/1"
    if whole and random.random() < 0.5:
        data = b"\n".join(_lines(evidence, random)) + b"\n"
        data = gzip.compress(data, mtime=0) if random.random() < 0.7 else data
    else:
        data = json.dumps(evidence).encode()
    return spoilt(data, random) if random.random() < 0.1 else data


def _lines(evidence: JsonObject, random: Random) -> list[bytes]:
    """The lines of a bundle, one of them altered now and then."""
    pieces = [
        *({"checkpoint": note} for note in _listed(evidence, "checkpoints")),
        *({"item": item} for item in _listed(evidence, "items")),
        *({"content": text} for text in _named(evidence, "contents").values()),
        *({"batch": batch} for batch in _listed(evidence, "batches")),
        *(
            {"heads_file": {"root": root, "gzip": file}}
            for root, file in _named(evidence, "heads_files").items()
        ),
    ]
    if pieces and random.random() < 0.3:
        at = random.randrange(len(pieces))
        pieces[at] = altered(pieces[at], random, pieces[:3])
    lines = ({"format": "didsvc-bundle/1"}, *pieces)
    return [json.dumps(each, separators=(",", ":")).encode() for each in lines]


def _listed(evidence: JsonObject, name: str) -> list:
    found = evidence.get(name)
    return found if isinstance(found, list) else []


def _named(evidence: JsonObject, name: str) -> JsonObject:
    found = evidence.get(name)
    return found if isinstance(found, dict) else {}


TARGET = Target("bundles", make, most_steps=3_000_000)
