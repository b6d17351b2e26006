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
from tests.support.engine import USER, Engine, missing
from tests.support.optional import CHECKOUT

FOLDER = CHECKOUT / "build" / "soak" / "container"
BASE = "localhost/did-base"
PASSPHRASE = "tiger-7-lantern-42"
KEY = SigningKey(bytes(range(32)))
REGIONS = {"gd": "440000", "hn": "430000", "cn": "000000"}
PATIENCE = 300
HOME, SOCKETS, SECRET = "/srv/did-service", "/run/did-service", "/run/secrets/passphrase"
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
    try:
        for act in (programs, folders, story, federation):
            act(engine, image)
    finally:
        engine.remove(*REGIONS)
    shutil.rmtree(FOLDER / "work", ignore_errors=True)
    return 0


# --- the image --------------------------------------------------------------------------------


def built(engine: Engine) -> str:
    """Return the name of the image for this tree; it is built unless it is there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(FOLDER / "work", ignore_errors=True)
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


def own_folder(name: str, user: int) -> Path:
    """Make a folder that a user of the machine owns."""
    path = FOLDER / "work" / name
    path.mkdir(mode=0o700, parents=True)
    os.chown(path, user, user)
    return path


def secret() -> Path:
    """Write the passphrase as a file that the image's user may read."""
    path = FOLDER / "work" / "passphrase"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o400)
        path.write_text(f"{PASSPHRASE}\n")
        os.chown(path, USER, USER)
    return path


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
    office, sockets = own_folder("office", USER), own_folder("sockets", USER)
    routes = {f"{name}.example": f"unix:{SOCKETS}/{name}.sock" for name in REGIONS}
    (office / "routes.json").write_text(json.dumps(routes))
    seen = {office: HOME, sockets: SOCKETS, secret(): f"{SECRET}:ro"}
    known = f"--env=DIDSVC_ROUTES={HOME}/routes.json"

    def typed(line: str, code: int = 0) -> dict:
        words = ("did-service", *line.split(), "--json")
        done = engine.run(image, *words, options=(known,), volumes=seen)
        right(done.returncode == code, line, done)
        return json.loads(done.stdout)["data"] if code == 0 else {}

    signed = founded(typed)
    begun = time.monotonic()
    for name in REGIONS:
        own = ("--detach", f"--name={name}", f"--workdir={HOME}/{name}", known)
        words = ("did-service", "region", "serve")
        done = engine.run(image, *words, options=own, volumes=seen)
        right(done.returncode == 0, words, done)
    for name in REGIONS:
        until(lambda each=name: engine.is_healthy(each), name, engine)
    took = time.monotonic() - begun
    for name in REGIONS:
        until(lambda each=name: not typed_quietly(typed, finish(each, signed)), name, engine)
    sizes = [engine.megabytes_of(name) for name in REGIONS]
    print(f"federation: three regions healthy in {took:.0f} s, {min(sizes)} to {max(sizes)} MB")
    typed("bundle --policy gd/policy.json --out newest.bundle.jsonl.gz")
    counter(engine, image, office, typed("policy show gd")["fingerprint"])
    ended(engine)


def founded(typed: Callable[..., dict]) -> str:
    """Type what docs/howto/found-a-federation.md prints; return the signed files' names."""
    for name, code in REGIONS.items():
        listen = f"--listen unix:{SOCKETS}/{name}.sock"
        typed(f"region init {name} --region {name} --host {name}.example {listen}")
        told = f"--name-zh {name} --name-en {name} --territory {code}"
        typed(f"federation join {name} {told} --out {name}.member.json")
    members = " ".join(f"{name}.member.json" for name in REGIONS)
    typed(
        f"federation start {members} --federation urn:didsvc:federation:south --out draft.json"
    )
    fingerprint = "".join(typed("policy show draft.json")["fingerprint"].split())
    for name in REGIONS:
        agreed = f"--fingerprint {fingerprint} --out {name}.signed.json"
        typed(f"federation sign {name} draft.json {agreed}")
    signed = " ".join(f"{name}.signed.json" for name in REGIONS)
    for name in REGIONS:
        typed(finish(name, signed), 8)  # nobody serves yet
    return signed


def finish(name: str, signed: str) -> str:
    """Return the command that puts the policy in place."""
    return f"federation finish {name} draft.json {signed}"


def typed_quietly(typed: Callable[..., dict], line: str) -> str:
    """Type a line; return why it did not end well, empty where it did."""
    try:
        typed(line)
    except AssertionError as error:
        return str(error)
    return ""


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


# --- asking -----------------------------------------------------------------------------------


def right(is_right: bool, what: object, told: object) -> None:
    """Raise with what was told unless something is right."""
    if not is_right:
        raise AssertionError(f"{what}: {told}")


def refused(done: subprocess.CompletedProcess[str], code: int, word: str) -> None:
    """Look at the refusal of a command: its exit code, its word, and what is told people."""
    told = json.loads(done.stdout)["error"]
    right((done.returncode, told["exit"], told["code"]) == (code, code, word), word, done)
    right("Traceback" not in done.stderr and told["next"]["zh"] != "", word, done)


def until(is_so: Callable[[], bool], name: str, engine: Engine) -> None:
    """Wait for something of a container."""
    last = time.monotonic() + PATIENCE
    while not is_so():
        right(time.monotonic() < last, name, engine.logged(name))
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
