"""How long a connection may take, and how many there may be: nobody who is slow keeps others from being served."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

#: A phone on a bad line sends a request's head in a second or two.
HEAD_SECONDS = 10.0
#: From a request's head to the end of its answer, with the body in between and whoever reads the answer slowly.
ANSWER_SECONDS = 60.0
#: For what is left of an answer when the connection is to end.
END_SECONDS = 5.0
#: Well below what a process may have open. One more, and the one that has waited longest for its sender ends.
MOST_CONNECTIONS = 500

_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Connection(H11Protocol):
    """One connection of uvicorn's, bounded. Between two requests the server's own keep-alive limit counts."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._phase: object = None
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._follow()
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._follow()

    def connection_lost(self, exc: Exception | None) -> None:
        self._limit(None)
        super().connection_lost(exc)

    def _follow(self) -> None:
        """Start the clock of what this connection does now, unless it runs already: drips start nothing anew."""
        phase, seconds = self._doing()
        if phase == self._phase:
            return
        self._phase, self._since = phase, self.loop.time()
        self._limit(seconds)

    def _doing(self) -> tuple[object, float | None]:
        if self.transport.is_closing():
            return "ending", END_SECONDS
        if not self._is_answered:
            return self.cycle, ANSWER_SECONDS
        if self.cycle is None or self.conn.trailing_data[0]:
            return "head", HEAD_SECONDS
        return "idle", None

    def _limit(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._is_late)

    def _is_late(self) -> None:
        if self._phase == "head" and self.conn.trailing_data[0] and not self.transport.is_closing():
            self.transport.write(_LATE)
            self.transport.close()
            self._follow()
        else:
            self.transport.abort()

    def _make_room(self) -> None:
        others = (cast(Connection, each) for each in self.connections if each is not self)
        waiting = [each for each in others if each._is_answered and not each.transport.is_closing()]
        (min(waiting, key=lambda each: each._since) if waiting else self).transport.abort()
