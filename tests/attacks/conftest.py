"""The federation, the counter and what is shown there, for those who attack them."""

import pytest

from tests.support.counter import Scene, custodial_scene
from tests.support.federation import Actor, Federation, founded


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.fed.tick()
    return made


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
