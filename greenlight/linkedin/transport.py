"""The way to LinkedIn: one bounded HTTP exchange. The only module that knows which transport carries it.

That is aiohttp, at several times the requests per second of httpx's own transport, or one that is given, by httpx's
interface (docs/adr/0010-aiohttp-itself.md; `tests/benchmarks/transport.py` measures both in one run).
"""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from urllib.parse import urlencode

import aiohttp
import httpx
from yarl import URL

from greenlight.domain.way import Way
from greenlight.linkedin.compression import TooLong, decompressed
from greenlight.linkedin.places import Places
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


class _Carrier(Protocol):
    """What carries one request to its host and brings the whole answer back. Raises what its library raises."""

    async def carry(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answered: ...

    async def aclose(self) -> None: ...


class _Ours:
    """aiohttp without what must not be shared between customers: cookies and the environment's proxies."""

    def __init__(self, way: Way, connect_seconds: float) -> None:
        self._way, self._context = way, trusting(way.ca_file)
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds)
        self._proxy, self._proxy_headers = (None, None) if way.proxy is None else _proxy(way.proxy)
        self._session: aiohttp.ClientSession | None = None

    async def carry(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answered:
        session, address = self._session or self._open(), _parsed(url)
        # The host alone decides, so that no connection is ever shared by both ways.
        proxied = self._way.leads_through_proxy(address.host or "")
        async with session.request(
            method,
            address,
            headers=headers,
            data=content or None,
            allow_redirects=False,
            proxy=self._proxy if proxied else None,
            proxy_headers=self._proxy_headers if proxied else None,
        ) as response:
            # ValueError for a status line that no text can hold: whoever sent it speaks no HTTP.
            (response.reason or "").encode()
            encoding = response.headers.get("Content-Encoding", "")
            body = await _bounded(response.content.iter_any(), encoding)
            return Answered(response.status, response.headers, body)

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._way.connections, ssl=self._context),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=self._timeout,
        )
        # aiohttp would send a GET again by itself, uncounted, when a kept connection turns out to be cut.
        self._session._retry_connection = False
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Given:
    """A transport of httpx's interface, without httpx's client: what that does beyond must not be done here."""

    def __init__(self, transport: httpx.AsyncBaseTransport, connect_seconds: float) -> None:
        self._transport = transport
        self._extensions = {"timeout": httpx.Timeout(None, connect=connect_seconds).as_dict()}

    async def carry(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answered:
        request = httpx.Request(method, url, headers=headers, content=content, extensions=self._extensions)
        response = await self._transport.handle_async_request(request)
        try:
            body = await _bounded(response.aiter_raw(), response.headers.get("content-encoding", ""))
        finally:
            await response.aclose()
        return Answered(response.status_code, response.headers, body)

    async def aclose(self) -> None:
        await self._transport.aclose()


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
        self._gate = Places(way.connections)
        # Some get ready meanwhile, so that no connection waits for that, and none is ready for long.
        self._getting_ready = Places(way.connections + way.connections // 2)
        # One limit on the whole exchange; the shorter one tells which step it was that took so long.
        connect_seconds = timeout_seconds * _CONNECT_SHARE
        self._carrier: _Carrier = _Given(transport, connect_seconds) if transport else _Ours(way, connect_seconds)

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
        urgent: bool = False,
    ) -> Answered:
        """One request and its whole answer within the time limit. Raises NoAnswer.

        `ready` is awaited when a connection is free or soon will be, and `leaving` is called right before the request
        leaves; what either raises keeps it here, and where `leaving` says no, it gets ready anew. What is `urgent`
        waits for no connection behind what is not.
        """
        host = _parsed(url).host or ""
        all_headers = {**_HEADERS, **(headers or {})}
        if form is not None:
            all_headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = urlencode(form).encode()
        async with self._getting_ready.one(urgent=urgent):
            while True:
                if ready is not None:
                    await ready()
                async with self._gate.one(urgent=urgent):
                    if leaving():
                        return await self._in_time(host, self._carrier.carry(method, url, all_headers, content))

    async def _in_time(self, host: str, exchange: Awaitable[Answered]) -> Answered:
        try:
            async with asyncio.timeout(self._timeout):
                return await exchange
        # aiohttp's own time-out, of connecting alone, is a TimeoutError as well.
        except (aiohttp.ClientError, httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise _no_answer(error, host) from None
        except TimeoutError:
            raise NoAnswer(f"no answer within {self._timeout:g} s") from None
        except OSError as error:
            raise _no_answer(error, host) from None
        except ValueError:
            raise NoAnswer("the answer is not HTTP") from None

    async def aclose(self) -> None:
        await self._carrier.aclose()


@lru_cache(maxsize=4096)
def _parsed(url: str) -> URL:
    """Each integration has one address for its looks and its enable, and parsing it costs as much as sending it."""
    return URL(url)


def _no_answer(error: Exception, host: str) -> NoAnswer:
    step = failed_step(error, host)
    return NoAnswer(step.words, by_proxy=step.by_proxy, unsent=never_connected(error))


def _proxy(address: str) -> tuple[URL, Mapping[str, str]]:
    """Its address, and its credentials as a header of CONNECT alone."""
    url = URL(address)
    if not url.user and not url.password:
        return url, {}
    encoded = b64encode(f"{url.user or ''}:{url.password or ''}".encode()).decode()
    return url.with_user(None), {"Proxy-Authorization": f"Basic {encoded}"}


async def _bounded(chunks: AsyncIterable[bytes], encoding: str) -> bytes | None:
    read: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return None
        read.append(chunk)
    try:
        return decompressed(b"".join(read), encoding, MAX_BODY_BYTES)
    except TooLong:
        return None
