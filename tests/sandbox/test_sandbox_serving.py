"""Over real HTTP: connections that break, answers that do not come, and a server that stops cleanly."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from sandbox.app import create_app
from sandbox.faults import Fault
from sandbox.server import serving, serving_in_thread
from tests.no_delay import waits_of
from tests.sandbox.partner import AWLI, SECRET, Partner, by_key, small_world, url_of


@asynccontextmanager
async def served(*faults: Fault) -> AsyncIterator[Partner]:
    app = create_app(small_world(*faults))
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=5, verify=False) as http:
        partner = Partner(http, app.state.sandbox)
        await partner.log_in()
        yield partner


def calm(caplog: pytest.LogCaptureFixture) -> bool:
    return [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore", "asyncio"))] == []


CUTS = [
    ("lost", {}, httpx.RemoteProtocolError, True),
    ("lost", {"reset": True}, httpx.ReadError, True),
    ("dropped", {}, httpx.RemoteProtocolError, False),
    ("dropped", {"reset": True}, httpx.ReadError, False),
    ("truncated", {}, httpx.RemoteProtocolError, True),
    ("truncated", {"applied": False}, httpx.RemoteProtocolError, False),
]


@pytest.mark.parametrize(("name", "parameters", "error", "applied"), CUTS)
async def test_a_cut_is_a_real_one(
    caplog: pytest.LogCaptureFixture,
    name: str,
    parameters: dict[str, bool],
    error: type[Exception],
    applied: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    fault = Fault.model_validate({"on": "enable", "fault": name, **parameters})
    async with served(fault) as partner:
        await partner.verify()
        with pytest.raises(error):
            await partner.enable()
        assert partner.status() == ("ENABLED" if applied else "REQUESTED")
        assert partner.sandbox.log[-1].status == (200 if name == "truncated" else None)
        assert (await partner.verify()).status_code == 200
        assert partner.rules == []
    assert calm(caplog)


@pytest.mark.parametrize("operation", ["verify", "token"])
@pytest.mark.parametrize("name", ["lost", "dropped", "truncated"])
async def test_other_calls_are_cut_as_well(operation: str, name: str) -> None:
    async with served() as partner:
        partner.sandbox.set_faults("acme", [Fault.model_validate({"on": operation, "fault": name})])
        with pytest.raises(httpx.RemoteProtocolError):
            await (partner.verify() if operation == "verify" else partner.ask_token())


async def test_a_truncated_answer_begins_like_a_good_one() -> None:
    async with served(Fault(on="verify", fault="truncated")) as partner:
        async with partner.http.stream("GET", url_of(AWLI), headers=partner.bearer) as answer:
            chunks = answer.aiter_raw()
            received = await anext(chunks)
            with pytest.raises(httpx.RemoteProtocolError):
                await anext(chunks)
        assert received.startswith(b'{"errors": {}, "results": {')
        assert int(answer.headers["content-length"]) > 2 * len(received)


async def test_a_hanging_enable_was_carried_out_and_remains_unsettled_for_who_hung_up() -> None:
    async with served(Fault(on="enable", fault="hang", seconds=0.3)) as partner:
        await partner.verify()
        with pytest.raises(httpx.ReadTimeout):
            await partner.enable(timeout=0.1)
        assert partner.status() == "ENABLED"
        await asyncio.sleep(0.4)
        await partner.enable()
        assert partner.rules == ["enable_again", "enable_repeated_blind"]


async def test_a_hanging_answer_comes_in_the_end() -> None:
    async with served(Fault(on="enable", fault="hang", seconds=0.1)) as partner:
        await partner.verify()
        assert by_key((await partner.enable()).json()["results"]) == {AWLI: {"status": 204}}
        assert partner.rules == []


async def test_a_stalled_enable_is_carried_out_long_after_the_caller_has_gone() -> None:
    async with served(Fault(on="enable", fault="stall", seconds=0.3)) as partner:
        with pytest.raises(httpx.ReadTimeout):
            await partner.enable(timeout=0.1)
        assert partner.status() == "REQUESTED"
        await asyncio.sleep(0.4)
        assert partner.status() == "ENABLED"


async def test_an_endless_body_ends_with_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    """A server still sending would have to be stopped by force, and would say so in the log."""
    caplog.set_level(logging.DEBUG)
    async with served(Fault(on="verify", fault="huge", bytes=None)) as partner:
        size = 0
        request = partner.http.build_request("GET", url_of(AWLI), headers=partner.bearer)
        answer = await partner.http.send(request, stream=True)
        async for chunk in answer.aiter_raw():
            size += len(chunk)
            if size > 1_000_000:
                break
        await answer.aclose()
        assert (await partner.verify()).status_code == 200
    assert calm(caplog)


async def test_stopping_does_not_wait_for_those_that_hang(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with served(Fault(on="verify", fault="hang", seconds=60)) as partner:
        waiting = asyncio.create_task(partner.verify())
        await asyncio.sleep(0.2)
        assert partner.sandbox.log[-1].fault == "hang"
        began = time.monotonic()
    assert time.monotonic() - began < 2
    with pytest.raises(httpx.TransportError):
        await waiting
    assert calm(caplog)


async def test_raw_and_encoded_brackets_arrive_alike() -> None:
    async with served() as partner:
        raw = url_of(AWLI)
        for url in (raw, raw.replace("[", "%5B").replace("]", "%5D").replace("urn:li:", "urn%3Ali%3A")):
            answer = await partner.http.get(url, headers=partner.bearer)
            assert by_key(answer.json()["results"]).keys() == {AWLI}


async def test_many_at_once() -> None:
    async with served() as partner:
        answers = await asyncio.gather(*(partner.verify() for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}


async def test_several_servers_in_one_loop_and_a_port_of_choice() -> None:
    first, second = create_app(small_world()), create_app(small_world())
    async with serving(first) as one:
        port = int(one.rpartition(":")[2])
        async with serving(second) as other, httpx.AsyncClient() as http:
            assert one != other
            assert (await http.get(f"{one}/sandbox/state")).status_code == 200
            assert (await http.get(f"{other}/sandbox/state")).status_code == 200
        with pytest.raises(OSError, match="in use"):
            async with serving(second, port=port):
                pass
    async with serving(second, port=port) as again:
        assert again == one


def test_in_a_thread() -> None:
    app = create_app(small_world(Fault(on="token", fault="lost")))
    form = {"grant_type": "client_credentials", "client_id": "zeta", "client_secret": "z"}
    with serving_in_thread(app) as url:
        assert httpx.post(f"{url}/oauth/v2/accessToken", data=form).status_code == 200
        form |= {"client_id": "acme", "client_secret": SECRET}
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{url}/oauth/v2/accessToken", data=form)
        with pytest.raises(OSError, match="in use"), serving_in_thread(app, port=int(url.rpartition(":")[2])):
            pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    assert len(app.state.sandbox.log) == 2


async def test_no_answer_waits_for_the_receivers_word(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = waits_of(monkeypatch)
    async with served() as partner:
        await partner.verify()
    assert waits == [False]
