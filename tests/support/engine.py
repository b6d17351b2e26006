"""Debian's buildah and podman, with a store of their own: nothing of the machine's is touched.

    engine = Engine(folder)
    engine.build(release, key, base, image)      as docs/howto/containers.md has it built
    done = engine.run(image, "did-verify", "--help")

Every container is run as the examples of deploy/ have it: without rights, with a root that
nobody writes to, and here without a network.
"""

import resource
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

PROGRAMS = ("buildah", "podman", "runc", "mmdebstrap")
PACKAGES = ("python3", "python3-venv", "ca-certificates", "openssl")
USER = 65532
# What `podman run` is given for each; a machine without systemd has no timers for checks.
_LOCKED = (
    "--pull=never", "--network=none", "--read-only", "--read-only-tmpfs=false",
    "--cap-drop=ALL", "--security-opt=no-new-privileges", "--health-interval=disable",
    "--tmpfs=/tmp:rw,noexec,nosuid,nodev,mode=1777,size=64m",
)  # fmt: skip
_NOISE = "unable to get systemd connection"


def missing() -> list[str]:
    """Return what has to be installed first."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


class Engine:
    """See the module's docstring."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store = ["--root", folder / "store", "--runroot", folder / "run"]
        self._podman = ["podman", *self._store, "--runtime=runc", "--cgroup-manager=cgroupfs"]

    def base(self, name: str) -> None:
        """Make a base of Debian's packages, unless it is there."""
        if self.has(name):
            return
        archive = self.folder / "base.tar"
        if not archive.exists():
            part = archive.with_suffix(".part.tar")
            words = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
            _done([*words, "bookworm", part])
            part.rename(archive)
        _done([*self._podman, "import", "-q", archive, name])

    def has(self, image: str) -> bool:
        """Say whether an image is there."""
        words = [*self._podman, "image", "exists", image]
        return subprocess.run(list(map(str, words)), check=False).returncode == 0

    def build(self, release: Path, key: Path, base: str, image: str) -> None:
        """Build the image from a release folder, without a network."""
        words = ["buildah", *self._store, "build", "--pull-never", "--format=docker"]
        given = [
            "--network=none",
            f"--secret=id=release.pem,src={key}",
            f"--build-arg=BASE={base}",
        ]
        file = release / "deploy" / "container" / "Containerfile"
        _done([*words, "--runtime=runc", *given, "-f", file, "-t", image, release])

    def megabytes(self, image: str) -> int:
        """Return the size of an image."""
        words = [*self._podman, "image", "inspect", "--format={{.Size}}", image]
        return int(_done(words).stdout) // 1_000_000

    def run(
        self,
        image: str,
        *words: str,
        options: tuple[str, ...] = (),
        volumes: Mapping[Path, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a container to its end, or with `--detach` until it has started.

        Args:
            image: Its name.
            words: What it runs.
            options: Of `podman run`, beside those that all have.
            volumes: Where each folder or file of this machine is seen.
        """
        mounts = [f"--volume={path}:{place}" for path, place in (volumes or {}).items()]
        kept = () if "--detach" in options else ("--rm",)
        command = [*self._podman, "run", *_LOCKED, *_limits(), *kept, *options, *mounts]
        done = _ran([*command, image, *words])
        told = [line for line in done.stderr.splitlines() if _NOISE not in line]
        done.stderr = "\n".join(told)
        return done

    def is_healthy(self, name: str) -> bool:
        """Run the health check of a container's image in it."""
        return _ran([*self._podman, "healthcheck", "run", name]).returncode == 0

    def inside(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a container that runs."""
        return _ran([*self._podman, "exec", name, *words])

    def megabytes_of(self, name: str) -> int:
        """Return the resident memory of a container's first process."""
        told = _done([*self._podman, "inspect", "--format={{.State.Pid}}", name]).stdout
        status = Path(f"/proc/{told.strip()}/status").read_text()
        (line,) = [each for each in status.splitlines() if each.startswith("VmRSS:")]
        return int(line.split()[1]) // 1_000

    def stop(self, name: str) -> int:
        """Send SIGTERM; return the exit code of the container."""
        _done([*self._podman, "stop", "--time=60", name])
        told = _done([*self._podman, "inspect", "--format={{.State.ExitCode}}", name]).stdout
        return int(told)

    def logged(self, name: str) -> str:
        """Return what a container has said."""
        done = _ran([*self._podman, "logs", name])
        return done.stdout + done.stderr

    def remove(self, *names: str) -> None:
        """Remove containers, whether they run or not."""
        _ran([*self._podman, "rm", "--force", "--time=0", "--ignore", *names])


def _limits() -> tuple[str, ...]:
    """Return limits that whoever may not raise its own can give."""
    wanted = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    hard = {name: resource.getrlimit(kind)[1] for name, kind in wanted.items()}
    most = {name: 4_096 if value < 0 else min(value, 4_096) for name, value in hard.items()}
    return tuple(f"--ulimit={name}={value}:{value}" for name, value in most.items())


def _ran(words: list) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, words)),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def _done(words: list) -> subprocess.CompletedProcess[str]:
    done = _ran(words)
    if done.returncode:
        raise AssertionError(
            f"{words[:8]} ended with {done.returncode}: {done.stderr[-2_000:]}"
        )
    return done
