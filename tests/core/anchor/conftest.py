"""A federation whose rules are asked."""

import pytest

from tests.support.federation import Actor, Federation, founded


@pytest.fixture
def fed() -> Federation:
    """The founded federation, in memory."""
    return founded()


@pytest.fixture
def gd(fed: Federation) -> Actor:
    """The root of gd."""
    return fed.root("gd")
