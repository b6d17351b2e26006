"""A process that only reads from a standby, played in the test's own."""

import json
from contextlib import closing
from datetime import timedelta

from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.core.log.checkpoint import checkpoint_in
from did_service.node.configuration import FILE, read_configuration
from did_service.node.reading import prepare_replica
from did_service.node.services import open_service
from did_service.program.clock import SYSTEM, ClockAndRandom
from did_service.web.serve import Server, unix_socket


class Reader:
    """It reads gd from the standby of a pair; its clock may go ahead."""

    def __init__(self, pair, gd, opened):
        variables = gd.town.routes() | {
            "DIDSVC_STORAGE_DATABASE": pair.standby_url(gd.database),
            "DIDSVC_STORAGE_REPLICA": "true",
        }
        self.ahead = timedelta(0)
        edge = ClockAndRandom(lambda: SYSTEM.clock() + self.ahead, SYSTEM.rng)
        setup = prepare_replica(
            read_configuration(gd.folder / FILE, variables), variables, edge
        )
        opened.enter_context(closing(setup.transport))
        service = opened.enter_context(closing(open_service(setup)))
        service.start()
        at = gd.town.sockets / "reader.sock"
        opened.enter_context(Server(service.app, unix_socket(at)))
        self.transport = Transport(Routes({"gd.example": UnixRoute(str(at))}))
        opened.enter_context(closing(self.transport))

    def get(self, path):
        return self.transport.request("GET", f"https://gd.example{path}")

    def head(self):
        return checkpoint_in(self.get("/reg/checkpoint").body)

    def age(self, path):
        return int(self.get(path).headers["age"])

    def resolves(self, did):
        answer = self.get(f"/1.0/identifiers/{did}")
        return answer.status, json.loads(answer.body)
