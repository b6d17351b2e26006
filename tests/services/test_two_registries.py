"""Two processes of a registry on one database: one writes, both are read, one takes over."""

import pytest

from did_service.core.errors import UnavailableError
from tests.support import postgres
from tests.support.refusals import refused
from tests.support.registry_processes import region

pytestmark = pytest.mark.clock
TAKE_OVER = 15  # 5 on a machine of its own (test_leader); this one founds and proves meanwhile


def test_a_second_process_is_read_waits_and_takes_over(tmp_path):
    server = postgres.server()
    with region(tmp_path, server.url(server.create())) as gd:
        gd.start("one")
        gd.begin()
        first = gd.accepted(gd.submit)
        gd.until_published(first.index + 1)

        gd.start("two")  # and reached from now on
        assert gd.waits()
        assert gd.head().size > first.index  # it serves what the other one publishes
        with refused("another_leads", UnavailableError):
            gd.submit()
        gd.kill("one")
        assert gd.until(gd.leads) < TAKE_OVER
        second = gd.accepted(gd.submit)
        assert second.index > first.index
        gd.until_published(second.index + 1)
