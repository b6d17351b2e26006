"""`make soak PART=container`: the image of deploy/container, built and lived in.

As root, with Debian's buildah and podman (`make image-system`), without a registry of
images: the base is made of Debian's packages, the image of a release folder. Shown is that

    every program runs without rights, and a whole demonstration with them
    a federation is founded and served by containers, each step a command of its own
    the health check of the image says what is true
    a counter checks in another container, without a network, what was published
    a missing or a locked folder is told in plain words

What was made stays: a part that was cut off goes on with it. The image is made anew for another
release folder.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from did_service.core.crypto.ed25519 import SigningKey
from did_service.program.version import __version__
from scripts import release
from tests.support.contained import (
    FOLDER,
    HOME,
    PASSPHRASE,
    REGIONS,
    SECRET,
    SOCKETS,
    ContainedTown,
    own_folder,
    right,
    secret,
)
from tests.support.engine import USER, Engine, missing
from tests.support.optional import CHECKOUT

BASE = "localhost/did-base"
KEY = SigningKey(bytes(range(32)))
_LATER = ("--now", "+9d")  # when the evidence of the file is too old
_RIGHTS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def main() -> int:
    """Run the part; 1 where anything is otherwise than it should be, 2 where it cannot run."""
    if os.geteuid() or missing():
        print(f"container: as root, with {', '.join(missing()) or 'its programs'}; ")
        print("`make image-system` installs what Debian has")
        return 2
    engine = Engine(FOLDER)
    image = built(engine)
    for act in ACTS:
        once(act, engine, image)
    shutil.rmtree(FOLDER / "work", ignore_errors=True)
    shutil.rmtree(FOLDER / "done", ignore_errors=True)
    return 0


def once(act: Callable[[Engine, str], None], engine: Engine, image: str) -> None:
    """Do one act with an image, unless a part that was cut off has done it."""
    mark = FOLDER / "done" / f"{image.rpartition(':')[2]}-{act.__name__}"
    if mark.exists():
        print(f"{act.__name__}: done before")
        return
    act(engine, image)
    mark.parent.mkdir(exist_ok=True)
    mark.touch()


# --- the image --------------------------------------------------------------------------------


def built(engine: Engine) -> str:
    """Return the name of the image for this tree; it is built unless it is there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    place = FOLDER / "release"
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run(["make", "-s", "wheels", "wheel"], cwd=CHECKOUT, check=True)
    own = CHECKOUT / "dist" / f"did_service-{__version__}-py3-none-any.whl"
    release.make_folder(place, own, CHECKOUT / ".wheels", KEY)
    (FOLDER / "release.pem").write_bytes(release.public_pem(KEY.public))
    digest = sha256((place / "SHA256SUMS").read_bytes()).hexdigest()[:16]
    image = f"localhost/did-service:{digest}"
    engine.base(BASE)
    begun = time.monotonic()
    if not engine.has(image):
        engine.build(place, FOLDER / "release.pem", BASE, image)
    took, size = time.monotonic() - begun, engine.megabytes(image)
    print(f"image: {size} MB, {size - engine.megabytes(BASE)} above its base, in {took:.0f} s")
    return image


# --- programs ---------------------------------------------------------------------------------


def programs(engine: Engine, image: str) -> None:
    """Run each program; look at what a process in the image may do."""
    for words in (("did-service",), ("did-verify",), ("wallet",)):
        done = engine.run(image, *words, "--help")
        right(done.returncode == 0 and bool(done.stdout), words, done)
    right(f"uid={USER}" in engine.run(image, "id").stdout, "id", None)
    status = engine.run(image, "cat", "/proc/self/status").stdout
    told = dict(line.split(":", 1) for line in status.splitlines())
    right(all(int(told[each], 16) == 0 for each in _RIGHTS), "capabilities", status)
    right(told["NoNewPrivs"].strip() == "1", "NoNewPrivs", status)
    for place in ("/opt/did-service", "/etc", "/srv", HOME, SOCKETS):
        right(engine.run(image, "touch", f"{place}/x").returncode != 0, place, None)
    found = engine.run(image, "find", "/", "-xdev", "-type", "f", "-perm", "/6000").stdout
    right(found == "", "no file gives rights", found)
    print("programs: three run as nobody, without a capability, on a root nobody writes to")


# --- folders ----------------------------------------------------------------------------------


def folders(engine: Engine, image: str) -> None:
    """Start a region without its volume, and with one that it cannot write to."""
    passphrase = secret()
    serve = ("did-service", "region", "serve", "--json")
    init = ("did-service", "region", "init", "--region", "gd", "--host", "gd.example", "--json")
    refused(engine.run(image, *serve), 7, "configuration_missing")
    refused(engine.run(image, *init), 7, "file_missing")
    given = {passphrase: f"{SECRET}:ro"}
    refused(engine.run(image, *init, volumes=given), 8, "file_not_written")
    theirs = own_folder("theirs", 0)
    refused(engine.run(image, *init, volumes={**given, theirs: HOME}), 8, "system_refused")
    ours = own_folder("ours", USER)
    done = engine.run(image, *init, volumes={**given, ours: HOME})
    right(done.returncode == 0, init, done)
    locked = {**given, ours: f"{HOME}:ro"}
    refused(engine.run(image, *serve, volumes=locked), 8, "file_not_written")
    refused(engine.run(image, *init, volumes=locked), 2, "file_exists")
    done = engine.run(image, "did-service", "health", "--json", volumes={ours: HOME})
    refused(done, 8, "service_silent")
    print("folders: missing, another's and locked ones are told by their codes")


# --- a story ----------------------------------------------------------------------------------


def story(engine: Engine, image: str) -> None:
    """Play the demonstration in one container; check its files in another one."""
    place = own_folder("story", USER)
    begun = time.monotonic()
    done = engine.run(image, "did-service", "demo", "--keep", "kept", volumes={place: HOME})
    right(done.returncode == 0, "demo", done)
    took = time.monotonic() - begun
    check = ("did-verify", "check", "--policy", "policy.json", "--document")
    only = (f"--workdir={HOME}/kept",)
    for scene, later, code in (("accept-offline", (), 0), ("undecided-stale", _LATER, 5)):
        words = (*check, f"scenes/{scene}/input.json", *later)
        seen = engine.run(image, *words, options=only, volumes={place: f"{HOME}:ro"})
        right(seen.returncode == code, words, seen)
    print(
        f"story: the demonstration in {took:.0f} s; its files are checked in another container"
    )


# --- a federation -----------------------------------------------------------------------------


def federation(engine: Engine, image: str) -> None:
    """Found a federation of three regions, serve it, and check at a counter."""
    engine.remove(*REGIONS)
    try:
        town = ContainedTown(engine, image)
        signed = town.founded()
        print(f"federation: {town.served(signed)}")
        town.typed("bundle --policy gd/policy.json --out newest.bundle.jsonl.gz")
        counter(engine, image, town.office, town.typed("policy show gd")["fingerprint"])
        ended(engine)
    finally:
        engine.remove(*REGIONS)


def counter(engine: Engine, image: str, office: Path, fingerprint: str) -> None:
    """Check at a counter, which has files and no network, what the regions have published."""
    place = own_folder("counter", USER)
    for name in ("gd/policy.json", "newest.bundle.jsonl.gz"):
        shutil.copy(office / name, place)
        os.chown(place / Path(name).name, USER, USER)
    for words in (
        ("trust", "pin", "policy.json", "--fingerprint", fingerprint),
        ("trust", "import", "newest.bundle.jsonl.gz"),
        ("trust", "show"),
    ):
        done = engine.run(image, "did-verify", *words, volumes={place: HOME})
        right(done.returncode == 0, words, done)
    shown = ("did-verify", "trust", "show", "--json")
    told = json.loads(engine.run(image, *shown, volumes={place: HOME}).stdout)["data"]
    named = json.dumps(told)
    right(all(f"{name}.example/reg" in named for name in REGIONS), shown, named)
    print("counter: policy and bundle of the served regions are taken in, without a network")


def ended(engine: Engine) -> None:
    """End a region: its end is a good one, and no other region's health is touched."""
    live = engine.inside("hn", "did-service", "health", "--live")
    right(live.returncode == 0, "health --live", live)
    right(engine.stop("gd") == 0, "stop", engine.logged("gd"))
    right(not engine.is_healthy("gd"), "a container that has ended is not healthy", None)
    right(PASSPHRASE not in engine.logged("gd"), "no log has the passphrase", None)


ACTS = (programs, folders, story, federation)


# --- asking -----------------------------------------------------------------------------------


def refused(done: subprocess.CompletedProcess[str], code: int, word: str) -> None:
    """Look at the refusal of a command: its exit code, its word, and what is told people."""
    told = json.loads(done.stdout)["error"]
    right((done.returncode, told["exit"], told["code"]) == (code, code, word), word, done)
    right("Traceback" not in done.stderr and told["next"]["zh"] != "", word, done)


if __name__ == "__main__":
    sys.exit(main())
