"""Whether a server's connections wait with what they send (Nagle's algorithm and a receiver that delays its word)."""

import socket
from typing import Any

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol


def waits_of(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each connection that a server takes from now on, whether it holds small pieces back."""
    found: list[bool] = []
    made = H11Protocol.connection_made

    def connection_made(self: H11Protocol, transport: Any) -> None:
        connection = transport.get_extra_info("socket")
        found.append(not connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        made(self, transport)

    monkeypatch.setattr(H11Protocol, "connection_made", connection_made)
    return found
