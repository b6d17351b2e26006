"""Whether a service works, asked where it listens: for the engines that keep containers.

`/ready` says whether it works, `/health` whether its process lives. Who restarts a service asks
the second alone: a log that waits for the witnesses of others is not mended by a restart.
"""

from __future__ import annotations

from enum import StrEnum

from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonValue
from did_service.core.errors import DidServiceError, UnavailableError, quote
from did_service.core.limits import MAX_BODY_BYTES
from did_service.node.configuration import Configuration
from did_service.node.reaching import own_route

ASK_SECONDS = 5.0  # an engine that waits longer than this hears the reason


class HealthQuestion(StrEnum):
    """What a service is asked."""

    READY = "/ready"
    LIVES = "/health"


_WELL = {HealthQuestion.READY: "ready", HealthQuestion.LIVES: "ok"}


def check_health(configuration: Configuration, question: HealthQuestion) -> None:
    """Ask a service whether it works.

    Args:
        configuration: Of the service: where it listens.
        question: Whether it works, or whether its process lives.

    Raises:
        UnavailableError: `service_silent`: nobody answers there, or somebody else;
            `service_not_ready`: it answers, and waits for what the message names.
    """
    try:
        status, said, waiting = _asked(configuration, question)
    except DidServiceError as error:
        raise _silent(configuration, f"{error.code}: {error.message}") from error
    if (status, said) == (200, _WELL[question]):
        return
    if (question, status, said) == (HealthQuestion.READY, 503, "waiting"):
        what = f"{configuration.host} waits for {', '.join(map(quote, waiting))}"
        raise UnavailableError("service_not_ready", what)
    raise _silent(configuration, f"status {status}: another program answers there")


def _asked(
    configuration: Configuration, question: HealthQuestion
) -> tuple[int, JsonValue, list[str]]:
    """Return the status of the answer, its word, and what the service waits for."""
    routes = Routes({configuration.host: own_route(configuration)})
    url = f"https://{configuration.host}{question}"
    with Transport(routes) as transport, transport.within(ASK_SECONDS):
        answer = transport.request("GET", url, max_bytes=MAX_BODY_BYTES)
    told = strict_json.load_object(answer.body)
    words = strict_json.as_array(told.get("waiting_for", []), "waiting_for")
    named = [strict_json.as_text(word, "waiting_for") for word in words]
    return answer.status, told.get("status"), named


def _silent(configuration: Configuration, why: str) -> UnavailableError:
    where = quote(configuration.text("listen.address"))
    return UnavailableError("service_silent", f"{configuration.host} at {where}: {why}")
