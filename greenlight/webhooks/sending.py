"""Sending one event to the receiver: signed, bounded, and never into the operator's own network unless allowed."""

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Self

import aiohttp
from standardwebhooks.webhooks import Webhook
from yarl import URL

from greenlight.domain.addresses import is_internal
from greenlight.trust import trusting

#: To read all certificates takes long, and a receiver is made for each turn.
_trusting = lru_cache(maxsize=4)(trusting)
_INSIDE = "it stands at an address inside the network; GREENLIGHT_WEBHOOK_ALLOW_INTERNAL allows that"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the receiver has taken it, and what came back, in words."""

    accepted: bool
    detail: str


class Receiver:
    """Who is told. Use it as an asynchronous context; no proxy, no redirect, no cookie.

    `secrets` are all that are good now, the newest first. Raises OSError where `ca_file` cannot be used.
    """

    def __init__(
        self,
        url: str,
        secrets: tuple[str, ...],
        *,
        allow_internal: bool = False,
        timeout_seconds: float = 15,
        ca_file: str | None = None,
    ) -> None:
        self._url = URL(url)
        self._signing = [Webhook(secret) for secret in secrets]
        self._allow_internal = allow_internal
        self._timeout = timeout_seconds
        self._trusted = _trusting(ca_file)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._trusted, socket_factory=self._socket)
        self._session = await self._open.enter_async_context(
            aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
            )
        )
        return self

    async def __aexit__(self, *ended: object) -> None:
        await self._open.aclose()

    async def send(self, event_id: str, body: str, now: datetime) -> Answer:
        """Sign it now, send it, and say what came back. Never raises for what happens on the way."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "greenlight",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(each.sign(event_id, now, body) for each in self._signing),
        }
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._session.post(self._url, data=body.encode(), headers=headers, allow_redirects=False) as answer,
            ):
                # What else it says is not read.
                return Answer(200 <= answer.status < 300, _named(answer.status))
        except TimeoutError:
            return Answer(False, f"no answer within {self._timeout:g} s")
        except aiohttp.ClientConnectorCertificateError:
            return Answer(False, "its certificate is not trusted")
        except aiohttp.ClientConnectorDNSError:
            return Answer(False, "its name is not known here (DNS)")
        except aiohttp.ClientConnectorError as error:
            return Answer(False, _INSIDE if _INSIDE in str(error.os_error) else "no connection")
        except aiohttp.InvalidURL:
            return Answer(False, "its address cannot be used")
        except (aiohttp.ClientError, OSError):
            return Answer(False, "the connection was cut before an answer")
        except ValueError:
            return Answer(False, "the answer is not HTTP")

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        """For the very address that is connected to, so that no second look at the name leads elsewhere."""
        family, kind, protocol, _, to = address
        if is_internal(str(to[0])) and not self._allow_internal:
            raise OSError(_INSIDE)
        return socket.socket(family, kind, protocol)


def _named(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"
