"""The second run of the offline tests has no network; `make test` runs this file first."""

import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.clock, pytest.mark.offline]

IN_NAMESPACE = "DIDSVC_TEST_NO_NETWORK" in os.environ

CONNECT_TO_LOOPBACK = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), timeout=5).close()
"""


def test_even_loopback_is_gone_in_the_namespace_and_only_there():
    child = subprocess.run(
        [sys.executable, "-c", CONNECT_TO_LOOPBACK], capture_output=True, check=False
    )
    assert (child.returncode != 0) is IN_NAMESPACE
    assert (b"Network is unreachable" in child.stderr) is IN_NAMESPACE
