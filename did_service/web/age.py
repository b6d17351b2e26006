"""How old the data behind an answer are, as HTTP says it of what is not the origin's own.

Age: 12        seconds since the origin has confirmed it (RFC 9111); caches go on counting
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class DataAge:
    """ASGI middleware that says the age of the data in each answer.

    Args:
        app: What is served.
        age: Returns seconds, None while nothing is known; it must not wait.
    """

    def __init__(self, app: ASGIApp, age: Callable[[], int | None]) -> None:
        self._app = app
        self._age = age

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def aged(message: Message) -> None:
            seconds = self._age()
            if message["type"] == "http.response.start" and seconds is not None:
                header = (b"age", str(seconds).encode())
                message = {**message, "headers": [*message.get("headers", ()), header]}
            await send(message)

        await self._app(scope, receive, aged)
