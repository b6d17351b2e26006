"""One town for all tests that talk to an agency: it takes seconds to start."""

import pytest

from tests.support.town import town_at


@pytest.fixture(scope="session")
def town(tmp_path_factory):
    with town_at(tmp_path_factory.mktemp("town")) as started:
        yield started
