"""Services started by command, as an operator starts them: child processes and real signals."""

import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import pytest

from did_service.cli.service_lines import state_lines
from did_service.client.registry import LogReader, RegistryClient
from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.core.anchor.entry import compose
from did_service.core.errors import UnavailableError
from did_service.node.configuration import FILE, read_configuration
from did_service.node.status import ServiceStatus
from did_service.program.clock import SYSTEM
from did_service.signer.keyring import open_keyring
from tests.support.founded import HOST, PASSPHRASE, found, region_folder
from tests.support.serving_process import few_files, has_few_heaps, has_files_enough

pytestmark = pytest.mark.clock

PATIENCE = 60


@pytest.fixture(scope="module")
def founded():
    return found(SYSTEM)


@pytest.fixture
def passphrase(tmp_path):
    file = tmp_path / "pass"
    file.touch(0o600)
    file.write_text(f"{PASSPHRASE}\n")
    return file


@pytest.fixture
def folder(tmp_path, founded, passphrase):
    return region_folder(tmp_path / "gd", founded, passphrase, SYSTEM)


def environment(**variables):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE", "DIDSVC"))}
    return {**kept, "DIDSVC_LANG": "en", **variables}


def command(*words, **variables):
    return subprocess.run(
        [sys.executable, "-m", "did_service.cli", *map(str, words)],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class Manager:
    """What systemd is to a service: a datagram socket that it is told of."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(PATIENCE)
        self.told = []

    def wait(self, word):
        while word not in (said := self.socket.recv(4_096).decode().split("\n")[0]):
            self.told.append(said)
        self.told.append(said)


@contextmanager
def served(folder, tmp_path, *words, **variables):
    manager = Manager(tmp_path / "notify")
    child = subprocess.Popen(
        [sys.executable, "-m", "did_service.cli", "region", "serve", str(folder), *words],
        env=environment(NOTIFY_SOCKET=str(tmp_path / "notify"), **variables),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield child, manager
    finally:
        child.kill()
        child.communicate()
        manager.socket.close()


def ready(folder):
    route = UnixRoute(str(folder / "run" / "service.sock"))
    with Transport(Routes({HOST: route})) as transport:
        return transport.request("GET", f"https://{HOST}/ready").status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_region_serves_until_told_to_end_and_leaves_nothing_open(folder, tmp_path, number):
    with served(folder, tmp_path) as (child, manager):
        manager.wait("READY=1")
        assert ready(folder) == 200
        child.send_signal(number)
        manager.wait("STOPPING=1")
        _, told = child.communicate(timeout=PATIENCE)
        assert child.returncode == 0
    assert "Traceback" not in told
    assert "info node: serving" in told
    assert "info node: ended" in told
    assert not (folder / "run" / "service.sock").exists()
    assert not list((folder / "data").glob("*-wal"))  # SQLite folds it in at a clean end


def test_a_served_region_keeps_two_heaps_and_takes_the_files_that_it_may(folder, tmp_path):
    with few_files(), served(folder, tmp_path) as (child, manager):
        manager.wait("READY=1")
        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(ready, [folder] * 64)) == {200}
        assert has_few_heaps(child.pid)
        assert has_files_enough(child.pid)


def test_a_killed_region_starts_again(folder, tmp_path):
    with served(folder, tmp_path) as (_, manager):
        manager.wait("READY=1")
    (tmp_path / "notify").unlink()
    with served(folder, tmp_path) as (_, manager):
        manager.wait("READY=1")
        assert ready(folder) == 200


def test_sighup_reads_everything_again_and_refuses_nobody(folder, tmp_path):
    file = folder / "did-service.toml"
    with served(folder, tmp_path) as (child, manager):
        manager.wait("READY=1")
        text = file.read_text()
        file.write_text(text.replace('# level = "info"', 'level = "debug"\nformat = "json"'))
        child.send_signal(signal.SIGHUP)
        manager.wait("RELOADING=1")
        assert ready(folder) == 200  # asked while it reloads
        manager.wait("READY=1")
        file.write_text(text.replace('# level = "info"', 'level = "loud"'))
        child.send_signal(signal.SIGHUP)
        manager.wait("RELOADING=1")
        manager.wait("READY=1")
        assert ready(folder) == 200  # as it was
        child.terminate()
        _, told = child.communicate(timeout=PATIENCE)
        assert child.returncode == 0
    refusal = next(json.loads(line) for line in told.splitlines() if "not reloaded" in line)
    assert "configuration_invalid" in refusal["message"]
    assert "did-service.toml:" in refusal["message"]
    assert refusal["level"] == "error"


def test_a_reload_drops_no_request_and_says_what_needs_a_restart(folder, tmp_path):
    file = folder / "did-service.toml"
    with served(folder, tmp_path) as (child, manager), ThreadPoolExecutor(4) as pool:
        manager.wait("READY=1")
        text = file.read_text()
        changed = text.replace('# address = "unix:run', 'address = "unix:elsewhere')
        file.write_text(changed.replace("# least = 2.0", "least = 3.0"))
        child.send_signal(signal.SIGHUP)
        asked = [pool.submit(ready, folder) for _ in range(40)]
        manager.wait("RELOADING=1")
        manager.wait("READY=1")
        assert {answer.result(timeout=PATIENCE) for answer in asked} == {200}
        child.terminate()
        _, told = child.communicate(timeout=PATIENCE)
        assert child.returncode == 0
    (line,) = [line for line in told.splitlines() if "before a restart" in line]
    assert line.endswith("not taken before a restart: listen.address")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_waits_for_the_quorum_is_answered_before_the_server_ends(
    folder, tmp_path, founded, number
):
    """No witness runs, so the wait would last its ten seconds: longer than a server stays."""
    control = f"{HOST}/reg"
    body = {"policy": founded.policy.members}
    entry = compose("policy", founded.policy.federation, body)
    routes = Routes({HOST: UnixRoute(str(folder / "run" / "service.sock"))})
    with (
        served(folder, tmp_path) as (child, manager),
        Transport(routes) as transport,
        ThreadPoolExecutor(8) as pool,
    ):
        manager.wait("READY=1")
        client = RegistryClient(transport, control)
        first = client.submit(entry)
        waits = [pool.submit(client.submit, entry, wait_seconds=10) for _ in range(8)]
        done, _ = wait(waits, timeout=1)
        assert not done  # they wait
        child.send_signal(number)
        answers = [each.result(timeout=PATIENCE) for each in waits]
        assert {each.index for each in answers} == {first.index}
        assert not any(each.witnessed for each in answers)
        if number == signal.SIGHUP:
            manager.wait("RELOADING=1")
            manager.wait("READY=1")
            assert client.submit(entry).index == first.index
            child.terminate()
        child.communicate(timeout=PATIENCE)
        assert child.returncode == 0


def test_the_watchdog_is_told_that_it_lives(folder, tmp_path):
    with served(folder, tmp_path, WATCHDOG_USEC="200000") as (_, manager):
        manager.wait("READY=1")
        manager.wait("WATCHDOG=1")


def test_a_folder_in_use_is_not_served_twice(folder, tmp_path):
    with served(folder, tmp_path) as (_, manager):
        manager.wait("READY=1")
        second = command("region", "serve", folder, "--json")
        assert second.returncode == 8
        assert json.loads(second.stdout)["error"]["code"] == "address_in_use"
        assert ready(folder) == 200


def test_status_says_how_it_is(folder, tmp_path):
    stopped = command("region", "status", folder, "--json")
    assert stopped.returncode == 8
    assert json.loads(stopped.stdout)["data"]["running"] is False
    told = command("region", "status", folder).stdout
    assert f"does not run; start it: did-service region serve {folder}\n" in told
    with served(folder, tmp_path) as (_, manager):
        manager.wait("READY=1")
        data = json.loads(command("region", "status", folder, "--json").stdout)["data"]
        assert data["running"]
        assert data["ready"]
        origins = {log["origin"] for log in data["logs"]}
        assert f"{HOST}/reg" in origins
        assert command("region", "status", folder).stdout.startswith(f"{HOST}: ready\n")


def test_a_word_that_it_waits_for_is_explained(folder):
    configuration = read_configuration(folder / FILE, {})
    found = ServiceStatus(configuration, ("not_published", "no_such_word"), (), ())
    told = [line.zh for line in state_lines(found)]
    assert told[0].startswith(f"{HOST}：等待 not_published：")
    assert told[1] == f"{HOST}：等待 no_such_word"


def test_check_says_what_would_be_served_and_changes_nothing(folder, founded):
    before = sorted(folder.rglob("*"))
    done = command("region", "serve", folder, "--check", "--json")
    assert done.returncode == 0
    data = json.loads(done.stdout)["data"]
    assert data["policy"] == founded.policy.fingerprint
    assert data["witness"] == f"{HOST}/witness"
    assert sorted(folder.rglob("*")) == before
    told = command("region", "serve", folder, "--check", DIDSVC_LANG="zh").stdout
    assert f"监听：{data['listen']}\n" in told
    assert f"密钥：\n  {data['keys'][0]}\n" in told, "each value has a line"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda f: (f / "did-service.toml").unlink(), "configuration_missing"),
        (lambda f: (f / "did-service.toml").write_text("[x]"), "configuration_invalid"),
        (lambda f: (f / "policy.json").unlink(), "policy_file_missing"),
        (lambda f: (f / "policy.json").write_text("{"), "json_invalid"),
        (lambda f: (f / "keys/keyring.json").unlink(), "keyring_missing"),
        (lambda f: (f / "keys/keyring.json").write_text("{}"), "member_missing"),
        (lambda f: (f / "keys/keyring.json").chmod(0o644), "keyring_open_to_others"),
        (lambda f: (f.parent / "pass").write_text("wrong\n"), "keyring_not_opened"),
        (lambda f: (f.parent / "pass").write_text("\n"), "passphrase_empty"),
        (lambda f: (f.parent / "pass").chmod(0o644), "passphrase_open_to_others"),
        (lambda f: (f.parent / "pass").unlink(), "file_missing"),
    ],
)
def test_what_keeps_it_from_starting_is_told_with_its_file(folder, spoil, code):
    spoil(folder)
    done = command("region", "serve", folder, "--check", "--json")
    error = json.loads(done.stdout)["error"]
    assert error["code"] == code
    assert any(name in error["detail"] for name in ("toml", "policy.json", "keyring", "pass"))
    assert PASSPHRASE not in done.stdout + done.stderr


def test_a_service_of_another_kind_is_not_started(folder):
    done = command("witness", "serve", folder, "--check", "--json")
    assert json.loads(done.stdout)["error"]["code"] == "folder_of_other_service"


# --- init ----------------------------------------------


def init(place, passphrase, *words):
    given = ("--region", "gd", "--host", HOST, "--passphrase-file", passphrase)
    return command("region", "init", place, *given, *words)


def test_a_second_init_overwrites_nothing(tmp_path, passphrase):
    place = tmp_path / "new"
    first = init(place, passphrase)
    assert first.returncode == 0
    assert f"did-service federation join {place} --help" in first.stdout
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    again = init(place, passphrase, "--json")
    assert json.loads(again.stdout)["error"]["code"] == "file_exists"
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_what_was_left_out_is_called_missing():
    done = command("region", "init", "--host", HOST, DIDSVC_LANG="zh")
    assert '缺少："--region" [usage]' in done.stderr


def test_init_without_a_passphrase_says_how_to_give_one(tmp_path):
    done = command("region", "init", tmp_path / "new", "--region", "gd", "--host", HOST)
    assert "[credential_not_passed]" in done.stderr
    assert "--passphrase-file" in done.stderr


def test_init_refuses_what_is_off_before_it_makes_anything(tmp_path, passphrase):
    done = init(tmp_path / "new", passphrase, "--listen", "0.0.0.0:80", "--json")
    assert json.loads(done.stdout)["error"]["code"] == "configuration_invalid"
    assert not (tmp_path / "new").exists()


def test_an_init_that_was_killed_goes_on_with_its_keys(tmp_path, passphrase):
    place = tmp_path / "new"
    init(place, passphrase)
    before = (place / "keys/keyring.json").read_bytes()
    (place / "did-service.toml").unlink()  # it is written last
    assert init(place, passphrase).returncode == 0
    assert (place / "keys/keyring.json").read_bytes() == before


def test_an_agency_has_a_did_of_its_own_keys(tmp_path, passphrase):
    words = ("--host", "gz.gd.example", "--url", "https://gz.gd.example/agencies/a",
             "--jurisdiction", "440100", "--log-host", HOST)  # fmt: skip
    place = tmp_path / "gz"
    done = command("agency", "init", place, *words, "--passphrase-file", passphrase, "--json")
    made = json.loads(done.stdout)["data"]
    assert made["did"].endswith(":gz.gd.example")
    checked = command("agency", "serve", place, "--check", "--json")
    assert json.loads(checked.stdout)["data"]["did"] == made["did"]


# --- keys, and where no secret may be ----------------------------------------------


def test_keys_leave_by_backup_and_come_back_marked(folder, tmp_path, passphrase):
    other = tmp_path / "other"
    other.touch(0o600)
    other.write_text("a-passphrase-for-the-safe\n")
    file = tmp_path / "gd.keys"
    words = ("--backup-passphrase-file", other)
    assert command("key", "backup", folder, "--out", file, *words).returncode == 0
    listed = command("key", "list", folder, DIDSVC_LANG="zh").stdout
    assert listed.startswith(f"登记簿(log) {HOST}/")
    assert file.stat().st_mode & 0o777 == 0o600
    assert (
        command("key", "backup", folder, "--out", file, *words).returncode == 2
    )  # it is there

    place = tmp_path / "new"
    init(place, passphrase)
    (place / "policy.json").write_bytes((folder / "policy.json").read_bytes())
    assert command("key", "restore", place, "--from", file, *words).returncode == 0
    assert "waits for its guard" in command("key", "list", place).stdout
    done = command("region", "serve", place, "--check", "--json")
    assert json.loads(done.stdout)["error"]["code"] == "key_restored"


def test_a_passphrase_comes_by_descriptor_or_credential(folder, tmp_path):
    reader, writer = os.pipe()
    os.write(writer, PASSPHRASE.encode())
    os.close(writer)
    done = subprocess.run(
        [sys.executable, "-m", "did_service.cli", "region", "serve", str(folder), "--check",
         "--passphrase-fd", str(reader)],
        env=environment(), pass_fds=[reader], capture_output=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip
    os.close(reader)
    assert done.returncode == 0
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "gd").write_text(PASSPHRASE)
    variables = {
        "CREDENTIALS_DIRECTORY": str(credentials),
        "DIDSVC_KEYS_PASSPHRASE": "credential:gd",
    }
    assert command("region", "serve", folder, "--check", **variables).returncode == 0


def test_no_secret_stands_in_arguments_environment_log_or_files(folder, tmp_path):
    with served(folder, tmp_path, DIDSVC_LOG_LEVEL="debug") as (child, manager):
        manager.wait("READY=1")
        process = Path("/proc") / str(child.pid)
        seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        limit = next(
            line
            for line in (process / "limits").read_text().splitlines()
            if line.startswith("Max core file size")
        )
        child.terminate()
        _, told = child.communicate(timeout=PATIENCE)
    assert limit.split()[4:6] == ["0", "0"]
    keyring = open_keyring(folder / "keys/keyring.json", PASSPHRASE, SYSTEM.rng)
    secrets = [PASSPHRASE.encode()]
    for record in keyring.records:
        seed = keyring.key(record.role, record.name).seed
        secrets += [seed, seed.hex().encode()]
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    for secret in secrets:
        assert not any(secret in data for data in (seen, told.encode(), *files))


def test_what_nobody_serves_is_not_reached(folder):
    route = UnixRoute(str(folder / "run" / "service.sock"))
    with (
        Transport(Routes({HOST: route})) as transport,
        pytest.raises(UnavailableError),
    ):
        LogReader.of_log(transport, f"{HOST}/reg").checkpoint()
