"""A counter and what is shown there, for the rooms that judge."""

import pytest

from tests.support.counter import Scene, custodial_scene


@pytest.fixture
def scene() -> Scene:
    """Everything in order, published a second after it was made."""
    made = Scene()
    made.fed.tick()
    made.publish()
    return made


@pytest.fixture
def custodial() -> Scene:
    return custodial_scene()
