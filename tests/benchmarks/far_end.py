"""As little of LinkedIn as `apply` needs: a token, what an integration shows, an enable; a process of its own.

A client id, a secret and an integration follow from a customer's number alone, so that nothing has to be handed over.
`python -m tests.benchmarks.far_end LATENCY` prints its address and serves until stdin is closed.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

INTEGRATION_TYPE, TENANT_TYPE = "APPLY_WITH_LINKEDIN", "JOBS"
TOKEN_PATH, API_PATH, COUNTS_PATH = "/oauth/v2/accessToken", "/v2/atsIntegrations", "/counts"

_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BEARER = re.compile(rb"\r\nauthorization: bearer token-of-(\S+)", re.IGNORECASE)
_CLIENT = re.compile(rb"client_id=([^&]+)")
_NAME = re.compile(rb'"integrationName": *("(?:[^"\\]|\\.)*")')


def client_id(number: int) -> str:
    return f"client{number:06}"


def client_secret(number: int) -> str:
    return f"secret-of-{number:06}/+="


def context(client: str) -> str:
    return f"urn:li:organization:{client}"


class World:
    """What was asked for, and which applications' integration is enabled, with its name."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.requests: Counter[str] = Counter()
        self.enabled: dict[bytes, str] = {}
        #: When each first was, by this machine's clock.
        self.enabled_at: list[float] = []
        self.violations: list[str] = []

    def answer(self, head: bytes, body: bytes) -> str:
        """A body in LinkedIn's format (docs/linkedin.md#enable); what no client should have sent is noted."""
        path = head.split(b" ", 2)[1].decode()
        if path == TOKEN_PATH:
            client = found[1] if (found := _CLIENT.search(body)) else b""
            self.requests["token"] += 1
            return f'{{"access_token":"token-of-{client.decode()}","expires_in":1800}}'
        if path == COUNTS_PATH:
            counts = {"requests": self.requests, "enabled": len(self.enabled), "enabled_at": self.enabled_at}
            return json.dumps({**counts, "violations": self.violations[:10], "cpu": time.process_time()})
        client = found[1] if (found := _BEARER.search(head)) else b""
        urn = context(client.decode())
        # Clients differ in how they write the colons of a URN.
        if not client or client.decode() not in path:
            self.violations.append(f"{client.decode() or 'nobody'} asked for another's integration")
        key = f"integrationContext={urn}&integrationType={INTEGRATION_TYPE}&tenantType={TENANT_TYPE}&dataProvider=ATS"
        if head.startswith(b"POST"):
            return self._enable(client, key, body)
        self.requests["verify"] += 1
        name = self.enabled.get(client)
        shown = '"onboardingStatus":"REQUESTED"' if name is None else f'"integrationName":{name},' + _ENABLED
        return f'{{"errors":{{}},"results":{{"{key}":{{{shown}}}}},"statuses":{{}}}}'

    def _enable(self, client: bytes, key: str, body: bytes) -> str:
        self.requests["enable"] += 1
        if client in self.enabled:
            self.violations.append(f"{client.decode()} was enabled again")
        else:
            self.enabled_at.append(time.time())
        self.enabled[client] = found[1].decode() if (found := _NAME.search(body)) else '""'
        return f'{{"errors":{{}},"results":{{"{key}":{{"status":204}}}}}}'


_ENABLED = '"onboardingStatus":"ENABLED"'


class _Connection(asyncio.Protocol):
    def __init__(self, world: World) -> None:
        self._world, self._left = world, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._left += data
        while (end := self._left.find(b"\r\n\r\n") + 4) > 3:
            head = self._left[:end]
            length = int(found[1]) if (found := _LENGTH.search(head)) else 0
            if len(self._left) < end + length:
                return
            body, self._left = self._left[end : end + length], self._left[end + length :]
            text = self._world.answer(head, body).encode()
            answer = _HEAD.encode() % len(text) + text
            if self._world.latency:
                asyncio.get_running_loop().call_later(self._world.latency, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def _serve(latency: float) -> None:
    loop, world = asyncio.get_running_loop(), World(latency)
    server = await loop.create_server(lambda: _Connection(world), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextmanager
def far_end(latency: float) -> Iterator[str]:
    """Its address; each is new, with every integration REQUESTED."""
    command = [sys.executable, "-m", "tests.benchmarks.far_end", str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def counts(address: str) -> dict[str, Any]:
    """`requests` by operation, how many are `enabled` and when each was, `violations`, and its own `cpu` seconds."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address + COUNTS_PATH) as answer:
        return json.load(answer)


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
