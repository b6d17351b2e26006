"""The counter and what is shown there, for attacks on the verdict."""

import pytest

from tests.support.counter import Scene, custodial_scene


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.fed.tick()
    return made


@pytest.fixture
def custodial() -> Scene:
    return custodial_scene()
