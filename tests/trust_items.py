"""`make soak PART=trust-items`: a trust directory that holds every issuer of a country.

five control logs of 80,000 entries ─► bundles of 16,384 items ─► import each ─► one check

The program that is measured is `did-verify` itself, each time as a process of its own; what is
recorded are its peak of memory and its seconds. The directory and the record stand under
build/soak/trust-items: a run that was cut goes on after the last bundle that was imported, and
one that came to its end removes them.
"""

import gzip
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import run
from time import monotonic

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from did_service.core.anchor import entry as entries
from did_service.core.evidence.audit_path import AuditPath
from did_service.core.evidence.bundle import encode_bundle
from did_service.core.evidence.pieces import UnverifiedItem
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.log.merkle import node_hash
from tests.support.counter import Scene
from tests.support.federation import TERRITORY
from tests.support.optional import CHECKOUT

FOLDER = CHECKOUT / "build" / "soak" / "trust-items"
COUNT = 400_000
ITEMS = 16_384  # of one bundle
PROGRAM = """
import sys
from datetime import UTC, datetime
from time import process_time
from did_service.verify_cli.__main__ import main
now = datetime.fromtimestamp(int(sys.argv[1]), UTC)
code = main(sys.argv[2:], clock=lambda: now)
lines = open("/proc/self/status").read().splitlines()
(peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
print(code, peak, process_time(), file=sys.stderr)
"""
MOST_KIB = 300_000_000 // 1_024


def grow(scene: Scene, region: str, size: int) -> None:
    """Fill a control log with records of agencies, most of which never existed.

    Nobody judges them: they are more than a region may write in a day.
    """
    fed, origin = scene.fed, f"{region}.example/reg"
    log = fed.logs[origin]
    pattern = log.newest("did", fed.root(region).id).entry
    while log.size() < size - 1:
        subject = f"Q{log.size():043d}{region}"
        log.force(entries.compose("did", subject, pattern.body).sequenced(fed.now))
    log.force(fed.compose_heads(origin).sequenced(fed.now))
    fed.cosign(origin)


def bundles(scene: Scene, region: str) -> Iterator[UnverifiedEvidence]:
    """Yield the newest entries of a control log in bundles, each with the whole heads file."""
    origin = f"{region}.example/reg"
    log = scene.fed.logs[origin]
    paths = [*every_path([placed.leaf for placed in log.entries])]
    heads = log.entries[-1]
    snapshot = log.snapshot(log.size() - 1)
    newest = {
        (p.entry.type, p.entry.subject): p for p in log.entries if p.entry.type != "heads"
    }
    placed = sorted(newest.values(), key=lambda each: each.index)
    for first in range(0, len(placed), ITEMS):
        chosen = (heads, *placed[first : first + ITEMS])
        yield UnverifiedEvidence(
            checkpoints=(scene.fed.notes[origin],),
            items=tuple(
                UnverifiedItem(origin, log.size(), p.index, p.entry, paths[p.index])
                for p in chosen
            ),
            heads_files={snapshot.root: gzip.compress(snapshot.encode(), mtime=0)},
        )


def every_path(leaves: list[bytes]) -> Iterator[AuditPath]:
    """Yield the audit path of each leaf; a node without a sibling is its own parent."""
    floors = [leaves]
    while len(floors[-1]) > 1:
        pairs = [floors[-1][n : n + 2] for n in range(0, len(floors[-1]), 2)]
        floors.append([node_hash(*pair) if len(pair) == 2 else pair[0] for pair in pairs])
    for index in range(len(leaves)):
        beside = [(floor, (index >> up) ^ 1) for up, floor in enumerate(floors[:-1])]
        yield AuditPath(floor[at] for floor, at in beside if at < len(floor))


def measured(now: int, *words: object) -> list[float]:
    """Run `did-verify` in a process of its own.

    Returns:
        Its exit code, its peak in KiB, its seconds, and how many of them it had a processor.
    """
    begun = monotonic()
    words = (sys.executable, "-c", PROGRAM, now, *words)
    done = run([*map(str, words)], check=False, capture_output=True, cwd=CHECKOUT, text=True)
    code, peak, processor = done.stderr.split()[-3:]
    return [int(code), int(peak), monotonic() - begun, float(processor)]


def set_up(count: int) -> None:
    """Write the policy, what is presented and the bundles, and pin the policy; once."""
    scene = Scene()
    scene.publish()
    for region in TERRITORY:
        grow(scene, region, count // len(TERRITORY))
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "bundles").mkdir(parents=True)
    policy = FOLDER / "policy.json"
    policy.write_text(json.dumps(scene.fed.policy.members))
    shown = scene.file(scene.present(nonce=None, audience=None))
    (FOLDER / "shown.json").write_bytes(shown)
    for region in TERRITORY:
        for number, evidence in enumerate(bundles(scene, region)):
            path = FOLDER / "bundles" / f"{region}-{number}"
            path.write_bytes(encode_bundle(evidence))
            print(f"{path.name}: {len(evidence.items) - 1} items", flush=True)
    now, code = scene.fed.now + 1, scene.fed.policy.fingerprint
    measured(now, "trust", "pin", policy, "--fingerprint", code, "--trust", FOLDER / "trust")
    write_record({"count": count, "now": now})


def read_record() -> dict[str, object]:
    path = FOLDER / "record.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write_record(record: dict[str, object]) -> None:
    (FOLDER / "record.json.new").write_text(json.dumps(record))
    (FOLDER / "record.json.new").replace(FOLDER / "record.json")


def main(count: int = COUNT) -> int:
    """Build, import, check; 0 where each ended well and below 300 MB."""
    if read_record().get("count") != count:
        set_up(count)
    record, trust = read_record(), ("--trust", FOLDER / "trust")
    for bundle in sorted((FOLDER / "bundles").iterdir()):
        if bundle.name not in record:
            ended = measured(record["now"], "trust", "import", bundle, *trust)
            record[bundle.name] = ended
            write_record(record)
            print(f"{bundle.name}: import {told(*ended)}", flush=True)
    again = measured(record["now"], "trust", "import", bundle, *trust)
    checked = measured(record["now"], "check", FOLDER / "shown.json", "--document", *trust)
    shown = measured(record["now"], "trust", "show", *trust)
    imports = [each for each in record.values() if isinstance(each, list)]
    every = [*imports, again, checked, shown]
    print(f"{bundle.name} again: {told(*again)}\ncheck: {told(*checked)}\nshow: {told(*shown)}")
    print(
        f"{count} items: imported in {sum(each[2] for each in imports):.0f} s"
        f" ({sum(each[3] for each in imports):.0f} s of processor),"
        f" peak {max(each[1] for each in every) * 1_024 / 1e6:.0f} MB"
    )
    failed = any(each[0] for each in every) or any(each[1] > MOST_KIB for each in every)
    if not failed:
        shutil.rmtree(FOLDER)
    return int(failed)


def told(code: float, kib: float, seconds: float, processor: float) -> str:
    """Say how a run ended."""
    return f"exit {code}, {kib * 1_024 / 1e6:.0f} MB, {seconds:.1f} s ({processor:.1f} s)"


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
