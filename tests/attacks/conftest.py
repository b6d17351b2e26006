"""The federation, the counter and what is shown there, for those who attack them."""

from pathlib import Path

import pytest

from tests.support.citizen import Citizen
from tests.support.counter import Scene, custodial_scene
from tests.support.federation import Actor, Federation, founded


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.fed.tick()
    return made


@pytest.fixture
def citizen(tmp_path: Path, scene: Scene) -> Citizen:
    """A wallet with the policy, and with no credential."""
    scene.publish()
    return Citizen(tmp_path, scene)


@pytest.fixture
def custodial() -> Scene:
    return custodial_scene()


@pytest.fixture
def fed() -> Federation:
    """The founded federation, in memory."""
    return founded()


@pytest.fixture
def gd(fed: Federation) -> Actor:
    """The root of gd."""
    return fed.root("gd")
