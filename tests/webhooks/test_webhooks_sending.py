"""The guard on the way out: no address inside is connected to unless allowed, whatever name leads there."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from greenlight.webhooks.sending import Answer, Receiver
from tests.webhooks.listener import Listener, listening, new_secret


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening(new_secret()) as listener:
        yield listener


async def sent(url: str, secret: str, **given: Any) -> Answer:
    async with Receiver(url, (secret,), **given) as to:
        return await to.send("msg_1", '{"data": {"customer_id": "ä"}}', datetime.now(UTC))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"])
async def test_an_address_inside_is_refused_before_a_byte_leaves(listener: Listener, host: str) -> None:
    answer = await sent(listener.url.replace("127.0.0.1", host), listener.secret)
    assert not answer.accepted
    assert "GREENLIGHT_WEBHOOK_ALLOW_INTERNAL" in answer.detail
    assert listener.asked == 0


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1"])
async def test_no_other_way_to_write_an_address_leads_inside(listener: Listener, host: str) -> None:
    assert not (await sent(listener.url.replace("127.0.0.1", host), listener.secret)).accepted
    assert listener.asked == 0


async def test_where_it_is_allowed_it_is_sent(listener: Listener) -> None:
    assert await sent(listener.url, listener.secret, allow_internal=True) == Answer(True, "HTTP 204 No Content")
    assert [event["data"]["customer_id"] for _, event in listener.taken] == ["ä"]


async def test_a_name_is_as_good_as_the_address_that_is_connected_to(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it led to before: the very address of the connection is looked at."""

    async def resolved(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", listener.server_port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
    url = f"http://receiver.example:{listener.server_port}/hooks"
    refused = await sent(url, listener.secret)
    assert "GREENLIGHT_WEBHOOK_ALLOW_INTERNAL" in refused.detail
    assert listener.asked == 0
    assert (await sent(url, listener.secret, allow_internal=True)).accepted, "the name does lead there"


async def test_what_goes_wrong_is_said_without_the_secret(listener: Listener) -> None:
    listener.answers = lambda: 599
    assert await sent(listener.url, listener.secret, allow_internal=True) == Answer(False, "HTTP 599")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        assert await sent(url, listener.secret, allow_internal=True) == Answer(False, "no connection")
        free.listen()
        slow = await sent(url, listener.secret, allow_internal=True, timeout_seconds=0.2)
        assert slow == Answer(False, "no answer within 0.2 s")


async def test_no_redirect_is_followed(listener: Listener) -> None:
    listener.answers = lambda: 307
    answer = await sent(listener.url, listener.secret, allow_internal=True)
    assert answer == Answer(False, "HTTP 307 Temporary Redirect")
    assert listener.asked == 1


async def test_what_is_no_answer_is_said(listener: Listener) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"what?\r\n\r\n")
        writer.close()

    for behave in (cut, babble):
        server = await asyncio.start_server(behave, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            answer = await sent(url, listener.secret, allow_internal=True)
        assert answer == Answer(False, "the connection was cut before an answer")
