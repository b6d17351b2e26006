"""`make soak PART=trust-items`: a trust directory that holds every issuer of a country.

    five control logs of 2^N entries ─► bundles of 8,192 items ─► import each ─► one check

The program that is measured is `did-verify` itself, each time as a process of its own; printed
are its peak of memory and its seconds. Run again after it was cut off, it begins anew.
"""

import gzip
import json
import sys
import tempfile
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

ITEMS = 8_192  # of one bundle
PROGRAM = """
import sys
from datetime import UTC, datetime
from did_service.verify_cli.__main__ import main
now = datetime.fromtimestamp(int(sys.argv[1]), UTC)
code = main(sys.argv[2:], clock=lambda: now)
lines = open("/proc/self/status").read().splitlines()
(peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
print(code, peak, file=sys.stderr)
"""
LEVELS = 16  # a log has two to the power of it
MOST_KIB = 300_000_000 // 1_024


def grow(scene: Scene, region: str, levels: int) -> None:
    """Fill a control log with records of agencies, most of which never existed."""
    fed, origin = scene.fed, f"{region}.example/reg"
    log = fed.logs[origin]
    pattern = log.newest("did", fed.root(region).id).entry
    while log.size() < (1 << levels) - 1:
        subject = f"Q{log.size():045d}"
        log.force(entries.compose("did", subject, pattern.body).sequenced(fed.now))
    fed.heads(origin)
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
    """Yield the audit path of each leaf of a tree whose size is a power of two."""
    floors = [leaves]
    while len(floors[-1]) > 1:
        below = floors[-1]
        floors.append([node_hash(*below[n : n + 2]) for n in range(0, len(below), 2)])
    for index in range(len(leaves)):
        yield AuditPath(floor[(index >> up) ^ 1] for up, floor in enumerate(floors[:-1]))


def measured(now: int, *words: object) -> tuple[int, int, float]:
    """Run `did-verify` in a process of its own; its exit code, its peak in KiB, its seconds."""
    begun = monotonic()
    words = (sys.executable, "-c", PROGRAM, now, *words)
    done = run([*map(str, words)], check=False, capture_output=True, cwd=CHECKOUT, text=True)
    code, peak = done.stderr.split()[-2:]
    return int(code), int(peak), monotonic() - begun


def main(levels: int = LEVELS) -> int:
    """Build, import, check; 0 where each ended well and below 300 MB."""
    scene, peaks, count = Scene(), [], 0
    scene.publish()
    for region in TERRITORY:
        grow(scene, region, levels)
    print("the logs are written", flush=True)
    with tempfile.TemporaryDirectory(prefix="trust-items-") as name:
        folder, now = Path(name), scene.fed.now + 1
        trust = ("--trust", folder / "trust")
        policy, bundle, shown = (folder / each for each in ("policy.json", "b", "shown.json"))
        policy.write_text(json.dumps(scene.fed.policy.members))
        shown.write_bytes(scene.file(scene.present(nonce=None, audience=None)))
        code = scene.fed.policy.fingerprint
        measured(now, "trust", "pin", policy, "--fingerprint", code, *trust)
        for region in TERRITORY:
            for evidence in bundles(scene, region):
                bundle.write_bytes(encode_bundle(evidence))
                ended = measured(now, "trust", "import", bundle, *trust)
                peaks.append(ended)
                count += len(evidence.items) - 1
            print(f"{count} items: import exit {ended[0]}, {ended[2]:.1f} s", flush=True)
        checked = measured(now, "check", shown, *trust)
    most = max(peak for _, peak, _ in (*peaks, checked))
    print(f"check exit {checked[0]}, {checked[2]:.1f} s; peak {most * 1_024 / 1e6:.0f} MB")
    failed = [code for code, _, _ in peaks if code] or checked[0]
    return int(bool(failed) or most > MOST_KIB)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
