"""Requests per second, and CPU of one, over httpx's own transport and over ours, against one server, in one run.

`python tests/benchmarks/transport.py`: prints both of each round, and the ratio of the rates. Loopback only.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

import httpx

from greenlight.linkedin.transport import Answered, Wire

ROUNDS = 7
REQUESTS = 600  # per transport and round
AT_ONCE = 32
LONGEST = 60.0  # seconds; no round is begun after that

_BODY = b'{"errors":{},"results":{},"statuses":{}}'
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
_QUERY = "?ids%5B0%5D.integrationContext=urn%3Ali%3Aorganization%3A4gX03uw&ids%5B0%5D.dataProvider=ATS"


class _Server(asyncio.Protocol):
    """As little of a server as will do, so that it is the clients that are measured."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._head = transport, b""

    def data_received(self, data: bytes) -> None:
        *heads, self._head = (self._head + data).split(b"\r\n\r\n")
        self._transport.write(_ANSWER * len(heads))


async def serve() -> None:
    """Serves until stdin is closed, so that it cannot outlive whoever started it."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Server, "127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


class Cost(NamedTuple):
    """Requests per second, and microseconds of CPU that one takes."""

    rate: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.rate:6.0f}/s, {self.cpu:3.0f} us of CPU"


async def cost(wire: Wire, url: str, requests: int) -> Cost:
    """With `AT_ONCE` of them on their way at any time."""
    left = iter(range(requests))

    async def work() -> None:
        for _ in left:
            answer: Answered = await wire.exchange("GET", url, headers={"Authorization": "Bearer x"})
            assert answer.body == _BODY

    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    cpu = time.process_time() - cpu
    return Cost(requests / (time.perf_counter() - start), cpu / requests * 1e6)


async def measure(url: str) -> None:
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    theirs = Wire(15, httpx.AsyncHTTPTransport(limits=limits, trust_env=False))
    ours = Wire(15)
    ratios: list[float] = []
    try:
        for wire in (theirs, ours):  # connections and caches
            await cost(wire, url, 2 * AT_ONCE)
        end = time.monotonic() + LONGEST
        for number in range(ROUNDS):
            if time.monotonic() > end:
                break
            # Whoever comes second must not always be the same.
            if number % 2:
                fast, slow = await cost(ours, url, REQUESTS), await cost(theirs, url, REQUESTS)
            else:
                slow, fast = await cost(theirs, url, REQUESTS), await cost(ours, url, REQUESTS)
            ratios.append(fast.rate / slow.rate)
            sys.stdout.write(f"round {number + 1}: httpx {slow}   ours {fast}   {ratios[-1]:.2f} x\n")
    finally:
        await theirs.aclose()
        await ours.aclose()
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    sys.stdout.write(f"ours / httpx: median {statistics.median(ratios):.2f}, from {spread} in {len(ratios)} rounds\n")


def main() -> None:
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
        return
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            asyncio.run(measure(server.stdout.readline().strip() + "/v2/atsIntegrations" + _QUERY))
        finally:
            server.stdin.close()


if __name__ == "__main__":
    main()
