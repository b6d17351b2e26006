"""deploy/container: an image that holds no secret and runs without rights, and its neighbours.

Whether the image can be built, and what it does then, `make soak PART=container` shows.
"""

import os
import re
import subprocess

import pytest
import yaml

from did_service.core.errors import UnavailableError
from did_service.node.setting_table import SETTINGS
from did_service.program.version import __version__
from tests.docs.test_what_to_do import known
from tests.support import optional
from tests.support.live import running
from tests.support.proxy import Authority, Proxy, free_port, started

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("proxy")]

FOLDER = optional.CHECKOUT / "deploy" / "container"
FILE = (FOLDER / "Containerfile").read_text()
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
OURS = ("region", "witness", "agency")
USER = "65532:65532"
VARIABLES = {row.variable for row in SETTINGS}
SECRET = re.compile(r"(?i)passphrase|password|token|secret|BEGIN")


def instructions():
    """The lines of the Containerfile as word and rest, comments left out."""
    lines = [line for line in FILE.splitlines() if not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in whole.splitlines() if line.strip()]


INSTRUCTIONS = instructions()


def all_of(word):
    return [rest for name, rest in INSTRUCTIONS if name == word]


# --- the image --------------------------------------------------------------------------------


def test_the_base_is_one_version_that_can_be_named_by_its_digest():
    (base,) = all_of("ARG")
    assert re.fullmatch(
        r"BASE=[a-z./]+/python:\d+\.\d+\.\d+-[a-z-]+(@sha256:[0-9a-f]{64})?", base
    )
    assert {rest.split()[0] for rest in all_of("FROM")} == {"${BASE}"}


def test_nothing_is_fetched_and_nothing_comes_but_from_the_release():
    assert all_of("ADD") == []
    assert all_of("COPY") == [". /release", "--from=install /opt/did-service /opt/did-service"]
    fetching = r"\b(curl|wget|apt|apt-get|pip|git|https?:)\b"
    assert [run for run in all_of("RUN") if re.search(fetching, run)] == []


def test_the_release_is_checked_with_a_key_from_elsewhere_before_it_is_installed():
    first = all_of("RUN")[0]
    assert first == (
        "--mount=type=secret,id=release.pem /release/install /run/secrets/release.pem"
    )


def test_no_secret_is_in_the_image():
    told = [rest for word, rest in INSTRUCTIONS if word in {"ARG", "ENV", "LABEL", "COPY"}]
    allowed = "CREDENTIALS_DIRECTORY=/run/secrets"
    assert [each for each in told if SECRET.search(each.replace(allowed, ""))] == []


def test_the_image_ends_as_a_user_without_rights():
    words = [word for word, _ in INSTRUCTIONS]
    assert all_of("USER") == [USER]
    assert {*words[words.index("USER") :]} == {"USER", "WORKDIR", "HEALTHCHECK", "CMD"}


def test_no_volume_is_made_that_nobody_named():
    """An engine would make one, and a log would be gone with its container."""
    assert all_of("VOLUME") == []


def test_the_health_check_is_a_command_of_ours():
    (check,) = all_of("HEALTHCHECK")
    words = yaml.safe_load(check.partition("CMD ")[2])
    assert words[0] == "did-service"
    assert known(words[1:])


# --- compose ----------------------------------------------------------------------------------


def judged(text, folder):
    file = folder / "compose.yaml"
    file.write_text(text)
    program = optional.peers_python().with_name("check-jsonschema")
    words = [program, "--builtin-schema", "vendor.compose-spec", file]
    return subprocess.run(words, capture_output=True, check=False).returncode


def test_the_example_is_compose_and_a_misspelt_member_is_seen(tmp_path):
    text = (FOLDER / "compose.yaml").read_text()
    assert judged(text, tmp_path) == 0
    assert judged(text.replace("read_only:", "readonly:"), tmp_path) == 1


@pytest.mark.parametrize("name", [*OURS, "nginx"])
def test_a_service_has_no_rights_and_nothing_to_write_to_but_its_volumes(name):
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"]
    user, _, group = service["user"].partition(":")
    assert (int(user) > 0, int(group)) == (True, 65532)
    assert all("noexec,nosuid,nodev" in each for each in service["tmpfs"])
    given = ("privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "env_file")
    assert [member for member in given if member in service] == []


@pytest.mark.parametrize("name", OURS)
def test_a_service_has_a_folder_that_lasts_and_a_socket_and_no_port(name):
    service = COMPOSE["services"][name]
    assert service["user"] == USER
    assert service["volumes"] == [f"{name}:/srv/did-service", f"{name}-socket:/run/did-service"]
    assert "ports" not in service
    assert service["image"].startswith("did-service:${VERSION:?")
    command = service["command"]
    assert (command[0], known(command[1:])) == ("did-service", True)


@pytest.mark.parametrize("name", OURS)
def test_the_variables_of_a_service_are_settings_and_no_secret(name):
    variables = COMPOSE["services"][name]["environment"]
    assert variables.keys() <= VARIABLES
    assert not [each for each in variables.items() if SECRET.search(str(each))]


def test_secrets_are_files_and_each_is_given_to_one_service():
    secrets = COMPOSE["secrets"]
    assert all(each.keys() == {"file"} for each in secrets.values())
    given = [
        each["source"] if isinstance(each, dict) else each
        for service in COMPOSE["services"].values()
        for each in service["secrets"]
    ]
    assert sorted(given) == sorted(secrets)


# --- nginx in a container ---------------------------------------------------------------------


def front(*words):
    return subprocess.run(
        [FOLDER / "front", *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "word",
    ["bundle=gd.example", "region", "region=gd", "region=GD.example", "region=gd.example;x",
     "region=a..example", "region=../gd.example", "region=", "=gd.example"],
)  # fmt: skip
def test_what_is_no_service_with_a_host_makes_no_file(tmp_path, word):
    done = front(tmp_path / "out", "agency=gz.gd.example", word)
    assert (done.returncode, (tmp_path / "out").exists()) == (2, False)
    assert done.stderr.startswith("front: ")


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path):
    assert front(tmp_path, "region=gd.example").returncode == 2
    assert [*tmp_path.iterdir()] == []


def test_what_front_makes_is_what_compose_mounts(tmp_path):
    assert front(tmp_path / "out", "region=gd.example", "agency=gz.gd.example").returncode == 0
    texts = (file.read_text() for file in (tmp_path / "out").iterdir())
    text = re.sub(r"(?m)^ *#.*$", "", "".join(texts))
    nginx = COMPOSE["services"]["nginx"]
    targets = [each.split(":")[1] for each in nginx["volumes"]]
    secrets = [f"/run/secrets/{name}" for name in nginx["secrets"]]
    kept = [each.partition(":")[0] for each in nginx["tmpfs"]]
    named = set(re.findall(r"(?<=[ :])(/(?:etc|run|var|tmp|dev)/[\w./*-]+)", text))
    allowed = (*targets, *secrets, *kept, "/dev/stdout", "/dev/null")
    assert {path for path in named if not path.startswith(allowed)} == set()
    assert {*secrets} <= named


def test_a_region_is_reached_through_what_front_makes(tmp_path, tmp_path_factory):
    """Debian's nginx with these files; only the places and the port are this test's own."""
    host, out = "gd.example", tmp_path / "out"
    assert front(out, f"region={host}").returncode == 0
    authority = Authority(tmp_path / "ca")
    authority.certify(host, tmp_path / f"{host}.pem", tmp_path / f"{host}.key")
    address = f"127.0.0.1:{free_port()}"
    with running(tmp_path_factory.mktemp("fed")) as fed:
        replaced = {
            "/tmp/": f"{tmp_path}/nginx-",
            "/etc/did-front/": f"{out}/",
            "/run/secrets/": f"{tmp_path}/",
            "/run/did-service/region/service.sock": str(fed.sockets / "gd.sock"),
            "/dev/stdout": str(tmp_path / "requests"),
            "/var/cache/nginx/": f"{tmp_path}/cache-",
            "listen 443": f"listen {address}",
            "    listen [::]:443 ssl;\n": "",
            "    listen [::]:443 ssl default_server;\n": "",
        }
        for file in out.iterdir():
            text = file.read_text()
            for old, new in replaced.items():
                text = text.replace(old, new)
            file.write_text(text)
        words = [
            optional.program("nginx"),
            "-p",
            tmp_path,
            "-e",
            "stderr",
            "-c",
            out / "nginx.conf",
        ]
        user = "user root; " if os.geteuid() == 0 else ""
        start = [*map(str, words), "-g", f"{user}daemon off;"]
        with started(start, tmp_path, tmp_path / "nginx-nginx.pid"):
            proxy = Proxy(host, address, tmp_path)
            with proxy.transport(authority.file) as transport:
                assert transport.get(f"https://{host}/health").status == 200
            other = Authority(tmp_path / "other").file
            with proxy.transport(other) as stranger, pytest.raises(UnavailableError):
                stranger.get(f"https://{host}/health")
    assert " /health " in (tmp_path / "requests").read_text()


PAGES = ("containers.md", "kubernetes.md")


def printed(name):
    page = (optional.CHECKOUT / "docs/howto" / name).read_text()
    return re.findall(r"(?ms)^ *```sh\n(.*?)^ *```$", page)


@pytest.mark.parametrize("name", PAGES)
def test_both_languages_print_the_same(name):
    assert printed(name) == printed(name.replace(".md", ".zh-CN.md"))
    assert printed(name)


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_has_typed_in_a_container_is_a_command(name):
    lines = [line for block in printed(name) for line in block.splitlines()]
    typed = [line.rpartition(" did-service ")[2] for line in lines if " did-service " in line]
    ours = [
        each.split() for each in typed if not each.startswith(("create", "delete", "scale"))
    ]
    ours = [words for words in ours if words[0] not in {"cp", "exec"}]
    assert len(ours) >= 2
    assert all(known(words) for words in ours)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_this_release_and_files_that_are_there(name):
    page = (optional.CHECKOUT / "docs/howto" / name).read_text()
    assert {*re.findall(r"did-service:(\d[\w.]*\w)", page)} == {__version__}
    files = re.findall(r"deploy/(?:container|kubernetes)/[\w.-]+", page)
    assert files
    assert all((optional.CHECKOUT / each).exists() for each in files)


def test_the_image_of_the_pages_is_built_as_its_file_says():
    (command,) = [line for line in printed("containers.md")[0].splitlines() if "build" in line]
    printed_in_file = FILE.partition("#   docker build")[2].partition("\n#\n")[0]
    for option in re.findall(r"--\w+ \S+|-f \S+", printed_in_file.replace("#", "")):
        assert option in command
