"""deploy/kubernetes: manifests that the API's own schemas take, and pods without rights."""

import re
import subprocess

import pytest
import yaml

from did_service.node.setting_table import SETTINGS
from did_service.program.version import __version__
from tests.docs.test_what_to_do import known
from tests.support import optional

pytestmark = pytest.mark.clock

FOLDER = optional.CHECKOUT / "deploy" / "kubernetes"
FILES = sorted(FOLDER.glob("*.yaml"))
OBJECTS = [made for file in FILES for made in yaml.safe_load_all(file.read_text())]
SERVED = ("region", "agency")
VARIABLES = {row.variable for row in SETTINGS} | {"CREDENTIALS_DIRECTORY"}
COMPOSE = yaml.safe_load((FOLDER.parent / "container" / "compose.yaml").read_text())
USER = 65532


def judged(*files):
    program = optional.peers_python().with_name("kubernetes-validate")
    done = subprocess.run([program, "--strict", *files], capture_output=True, check=False)
    return done.returncode


def one(kind, name):
    (found,) = [o for o in OBJECTS if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    return found


def pods():
    """Name and specification of each pod."""
    for made in OBJECTS:
        if made["kind"] == "Pod":
            yield made["metadata"]["name"], made["spec"]
        elif made["kind"] == "StatefulSet":
            yield made["metadata"]["name"], made["spec"]["template"]["spec"]


PODS = dict(pods())
CONTAINERS = [
    pytest.param(each, pod, id=f"{name}-{each['name']}")
    for name, pod in PODS.items()
    for each in pod["containers"]
]


def in_pod(name):
    """The container of ours in a pod."""
    return PODS[name]["containers"][0]


def probes(name):
    return {word: each for word, each in in_pod(name).items() if word.endswith("Probe")}


# --- the API takes them -----------------------------------------------------------------------


def test_the_schemas_of_the_api_take_every_manifest():
    assert judged(*FILES) == 0


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("runAsNonRoot: true", "runAsNonroot: true"),
        ("runAsNonRoot: true", 'runAsNonRoot: "yes"'),
        ("replicas: 1", "replica: 1"),
        ("drop: [ALL]", "drop: ALL"),
    ],
)
def test_a_mistake_in_a_manifest_is_seen(tmp_path, right, wrong):
    """An unknown member would be left out in silence, and its protection with it."""
    text = (FOLDER / "region.yaml").read_text()
    assert right in text
    (tmp_path / "region.yaml").write_text(text.replace(right, wrong))
    assert judged(tmp_path / "region.yaml") != 0


def test_everything_is_in_one_namespace_that_lets_no_pod_have_rights():
    namespace = one("Namespace", "did-service")
    enforced = namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert enforced == "restricted"
    others = [made for made in OBJECTS if made["kind"] != "Namespace"]
    assert {made["metadata"]["namespace"] for made in others} == {"did-service"}


# --- pods -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PODS)
def test_a_pod_runs_as_nobody_and_has_no_word_with_the_cluster(name):
    pod = PODS[name]
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (USER,) * 3
    assert context["fsGroupChangePolicy"] == "OnRootMismatch"  # a keyring stays 0600
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys()
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]


@pytest.mark.parametrize(("container", "pod"), CONTAINERS)
def test_a_container_can_change_nothing_but_its_volumes(container, pod):
    context = dict(container["securityContext"])
    assert context.pop("runAsUser", USER) > 0
    assert context == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    kept = {each["name"] for each in pod["volumes"]} | {"folder"}
    assert {mount["name"] for mount in container["volumeMounts"]} <= kept


@pytest.mark.parametrize(("container", "pod"), CONTAINERS)
def test_a_secret_is_a_file_that_one_container_sees(container, pod):
    variables = container.get("env", [])
    assert {each["name"] for each in variables} <= VARIABLES
    assert all(each.keys() == {"name", "value"} for each in variables)
    assert "envFrom" not in container
    secret = {
        volume["name"]: volume["secret"] for volume in pod["volumes"] if "secret" in volume
    }
    assert all(each["defaultMode"] == 0o400 for each in secret.values())
    mounted = {mount["name"] for mount in container["volumeMounts"]} & secret.keys()
    assert mounted == ({"tls"} if container["name"] == "nginx" else {"passphrase"})


def test_images_are_those_of_the_compose_example_and_of_this_release():
    images = {each["image"] for pod in PODS.values() for each in pod["containers"]}
    nginx = COMPOSE["services"]["nginx"]["image"]
    assert images == {f"did-service:{__version__}", nginx}


# --- a service that is served -----------------------------------------------------------------


@pytest.mark.parametrize("name", SERVED)
def test_a_folder_has_one_writer_and_outlives_it(name):
    spec = one("StatefulSet", name)["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    assert spec["replicas"] == 1
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]
    kept = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert spec["persistentVolumeClaimRetentionPolicy"] == kept


@pytest.mark.parametrize("name", SERVED)
def test_a_service_that_waits_for_others_is_neither_restarted_nor_hidden(name):
    """Hidden from its peers, a witness would wait for ever for the logs that wait for it."""
    asked = {word: each["exec"]["command"] for word, each in probes(name).items()}
    assert asked == {
        "startupProbe": ["did-service", "health", "--live"],
        "livenessProbe": ["did-service", "health", "--live"],
        "readinessProbe": ["did-service", "health"],
    }
    assert one("Service", name)["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("name", SERVED)
def test_a_start_may_take_as_long_as_the_unit_of_systemd_lets_it(name):
    probe = probes(name)["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 15 * 60
    assert all(each["timeoutSeconds"] > 5 for each in probes(name).values())


@pytest.mark.parametrize("name", SERVED)
def test_what_a_container_starts_is_a_command(name):
    args = in_pod(name)["args"]
    assert (args[0], known(args[1:])) == ("did-service", True)


@pytest.mark.parametrize("name", SERVED)
def test_names_that_belong_together_agree(name):
    labels = one("StatefulSet", name)["spec"]["template"]["metadata"]["labels"]
    assert one("StatefulSet", name)["spec"]["selector"]["matchLabels"] == labels
    assert one("Service", name)["spec"]["selector"] == labels
    assert one("NetworkPolicy", name)["spec"]["podSelector"]["matchLabels"] == labels
    assert one("StatefulSet", name)["spec"]["serviceName"] == name
    nginx = PODS[name]["containers"][1]
    sockets = [m["mountPath"] for m in nginx["volumeMounts"] if m["name"] == "socket"]
    assert sockets == [f"/run/did-service/{name}"]  # where `front` has nginx look
    assert nginx["command"] == COMPOSE["services"]["nginx"]["entrypoint"]


@pytest.mark.parametrize("name", SERVED)
def test_only_https_comes_in_and_only_https_and_names_go_out(name):
    nothing = one("NetworkPolicy", "nothing")["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    spec = one("NetworkPolicy", name)["spec"]
    coming = [port["port"] for rule in spec["ingress"] for port in rule["ports"]]
    going = {port["port"] for rule in spec["egress"] for port in rule["ports"]}
    assert (coming, going) == (["https"], {443, 53})


# --- the office -------------------------------------------------------------------------------


def test_the_office_has_the_folder_of_the_region_and_serves_nothing():
    volumes = {volume["name"]: volume for volume in PODS["office"]["volumes"]}
    claimed = volumes["folder"]["persistentVolumeClaim"]["claimName"]
    (claim,) = one("StatefulSet", "region")["spec"]["volumeClaimTemplates"]
    assert claimed == f"{claim['metadata']['name']}-region-0"
    assert "ports" not in in_pod("office")
    spoken = re.sub(r"\s*#.*", "", (FOLDER / "office.yaml").read_text())
    assert "serve" not in spoken.replace("did-service", "")
