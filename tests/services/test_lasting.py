"""A federation on one machine: begun anew after a crash, one process a folder."""

import pytest

from did_service.core.errors import ConflictError
from did_service.node.commands import check_service
from did_service.node.local.lasting import Step, lasting
from did_service.node.setting_table import ServiceKind
from did_service.program.clock import SYSTEM
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.held import demand_policy
from tests.support import health

pytestmark = pytest.mark.clock


class KilledError(Exception):
    """What stands for the end of the process."""


def killed_before(step):
    def tell(now):
        if now is step:
            raise KilledError

    return tell


def nothing(_step):
    """Tell nobody."""


@pytest.mark.parametrize("step", [Step.FOUND, Step.COSIGN])
def test_a_first_start_that_was_killed_is_begun_anew(tmp_path, step):
    """The folder's name leaves a socket no room: sockets lie elsewhere, and are found."""
    folder = tmp_path / ("long" * 25)
    with pytest.raises(KilledError), lasting(folder, SYSTEM, killed_before(step)):
        raise AssertionError("it was killed before")
    told = []
    with lasting(folder, SYSTEM, told.append) as federation:
        assert told == [Step.FOUND, Step.BEGIN, Step.AUTHORISE, Step.COSIGN]
        assert not (folder / "unfinished").exists()
        assert folder not in federation.sockets["gd.example"].parents
        pinned = demand_policy(TrustDirectory(folder / "counter" / "trust"))
        assert pinned.fingerprint == federation.policy.fingerprint
        assert health.words(federation.registries["gd"]) == []
        twice = pytest.raises(ConflictError, match="another process")
        with twice, lasting(folder, SYSTEM, nothing):
            raise AssertionError("it runs already")
    environment = {"DIDSVC_ROUTES": str(folder / "routes.json")}
    for kind, name in (
        (ServiceKind.REGION, "regions/gd"),
        (ServiceKind.AGENCY, "agencies/school"),
    ):
        assert check_service(folder / name, kind, None, environment)["service"] == kind


@pytest.mark.parametrize("name", ["letter.txt", "policy.json", "unfinished"])
def test_a_folder_with_other_things_is_left_as_it_is(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConflictError) as refused, lasting(tmp_path, SYSTEM, nothing):
        raise AssertionError("there is something")
    assert refused.value.code == "folder_not_empty"
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"
