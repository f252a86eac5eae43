"""The way to LinkedIn: one bounded HTTP exchange. The only module that knows which transport carries it.

aiohttp underneath keeps httpx's interface at several times the requests per second of httpx's own transport
(docs/adr/0005-httpx-over-aiohttp.md; `tests/benchmarks/transport.py` measures both in one run).
"""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from typing_extensions import override

from greenlight.domain.way import Way
from greenlight.linkedin.compression import TooLong, decompressed
from greenlight.linkedin.way import failed_step, never_connected
from greenlight.trust import trusting

#: Far above any documented answer for the 23 keys that one request holds at most.
MAX_BODY_BYTES = 1_000_000

#: What every request says of itself.
_HEADERS = {"User-Agent": "greenlight", "Accept": "application/json", "Accept-Encoding": "identity"}
#: The part of a request's time that connecting may take, so that the step which took too long is known.
_CONNECT_SHARE = 0.9


class NoAnswer(Exception):
    """The exchange ended without a whole answer. The text names the step that failed, and hosts, but no address.

    `by_proxy` says that the proxy on the way said no, `unsent` that not one byte of the request has left.
    """

    def __init__(self, words: str, *, by_proxy: bool = False, unsent: bool = False) -> None:
        super().__init__(words)
        self.by_proxy = by_proxy
        self.unsent = unsent


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer, read to its end; `headers` are found by any letter case.

    `body` is decompressed, and None where it was longer than MAX_BODY_BYTES before or after.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | None


def _proxy(address: str) -> httpx.Proxy:
    """Credentials go into a header of CONNECT alone."""
    url = httpx.URL(address)
    if not url.username and not url.password:
        return httpx.Proxy(url)
    encoded = b64encode(f"{url.username}:{url.password}".encode()).decode()
    bare = url.copy_with(username="", password="")
    return httpx.Proxy(bare, headers={"Proxy-Authorization": f"Basic {encoded}"})


class _Transport(AiohttpTransport):
    """aiohttp without what must not be shared between customers: cookies and the environment's proxies."""

    def __init__(self, context: ssl.SSLContext, connections: int, proxy: str | None = None) -> None:
        self._connections = connections
        super().__init__(
            verify=context,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=False,
            client=self._session,
            proxy=None if proxy is None else _proxy(proxy),
        )

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=self._connections, ssl=self.ssl_context)
        session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
        )
        # aiohttp would send a GET again by itself, uncounted, when a kept connection turns out to be cut.
        session._retry_connection = False
        return session

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except aiohttp.ClientError as error:
            # Those that the adapter leaves as they are, such as an answer that is not HTTP.
            raise httpx.RemoteProtocolError(type(error).__name__) from error


class _Ways(httpx.AsyncBaseTransport):
    """Each host by the way that leads to it."""

    def __init__(self, way: Way) -> None:
        self._way, context = way, trusting(way.ca_file)
        self._direct = _Transport(context, way.connections)
        self._proxied = _Transport(context, way.connections, way.proxy)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        proxied = self._way.leads_through_proxy(request.url.host)
        return await (self._proxied if proxied else self._direct).handle_async_request(request)

    @override
    async def aclose(self) -> None:
        await self._direct.aclose()
        await self._proxied.aclose()


class Wire:
    """Sends requests: no redirects, no cookies, no proxies of the environment, a limit on time and on body.

    `way` is how LinkedIn is reached from here. Raises OSError where its `ca_file` cannot be used.
    `transport` is httpx's interface and is given by tests; create a Wire inside the event loop that uses it.
    """

    def __init__(
        self, timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None, *, way: Way | None = None
    ) -> None:
        self._timeout = timeout_seconds
        way = way or Way()
        # Waiting for a free connection must not count against a request's time.
        self._gate = asyncio.Semaphore(way.connections)
        # Some get ready meanwhile, so that no connection waits for that, and none is ready for long.
        self._getting_ready = asyncio.Semaphore(way.connections + way.connections // 2)
        # Without httpx's client: what it does beyond a transport is what must not be done here.
        self._transport = transport or _Ways(way)
        # One limit on the whole exchange; the shorter one tells which step it was that took so long.
        self._extensions = {"timeout": httpx.Timeout(None, connect=timeout_seconds * _CONNECT_SHARE).as_dict()}

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        ready: Callable[[], Awaitable[None]] | None = None,
        leaving: Callable[[], bool] = lambda: True,
    ) -> Answered:
        """One request and its whole answer within the time limit. Raises NoAnswer.

        `ready` is awaited when a connection is free or soon will be, and `leaving` is called right before the request
        leaves; what either raises keeps it here, and where `leaving` says no, it gets ready anew.
        """
        request = httpx.Request(
            method,
            _parsed(url),
            headers={**_HEADERS, **(headers or {})},
            data=form,
            content=content,
            extensions=self._extensions,
        )
        async with self._getting_ready:
            while True:
                if ready is not None:
                    await ready()
                async with self._gate:
                    if leaving():
                        return await self._exchange(request)

    async def _exchange(self, request: httpx.Request) -> Answered:
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._transport.handle_async_request(request)
                try:
                    body = await _bounded(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise NoAnswer(f"no answer within {self._timeout:g} s") from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
            # The adapter's own names for these mislead: a cut connection is a connect time-out to it.
            step = failed_step(error, request.url.host)
            raise NoAnswer(step.words, by_proxy=step.by_proxy, unsent=never_connected(error)) from None
        except ValueError:
            # A status line or a Location header that cannot be decoded.
            raise NoAnswer("the answer is not HTTP") from None
        return Answered(response.status_code, response.headers, body)

    async def aclose(self) -> None:
        await self._transport.aclose()


@lru_cache(maxsize=4096)
def _parsed(url: str) -> httpx.URL:
    """Each integration has one address for its looks and its enable, and parsing it costs as much as sending it."""
    return httpx.URL(url)


async def _bounded(response: httpx.Response) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return None
        chunks.append(chunk)
    try:
        return decompressed(b"".join(chunks), response.headers.get("content-encoding", ""), MAX_BODY_BYTES)
    except TooLong:
        return None
