"""A worker whose Prefect server is stuck, restarted or gone comes back to it, and does not end."""

import asyncio
import logging
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedOK, InvalidMessage

from tasks.realtime import worker


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(ConnectionRefusedError("nobody listens"), id="it is gone"),
        pytest.param(TimeoutError("timed out during opening handshake"), id="it is stuck"),
        pytest.param(ConnectionClosedOK(None, None), id="it is restarted and says so"),
        pytest.param(InvalidMessage("did not receive a valid HTTP response"), id="something else answers"),
    ],
)
async def test_a_worker_comes_back(
    prefect_server: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, lost: Exception
) -> None:
    tries, back = list[Any](), asyncio.Event()

    async def subscribe(self: Any) -> None:
        tries.append(self)
        if len(tries) < 3:
            raise lost
        back.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(worker._Worker, "_subscribe_to_task_scheduling", subscribe)
    monkeypatch.setattr(worker, "AGAIN_AFTER_SECONDS", 0.01)
    with caplog.at_level(logging.WARNING, "greenlight.bell"):
        serving = asyncio.create_task(worker._serve())
        async with asyncio.timeout(20):
            await back.wait()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
    assert len(tries) == 3
    assert caplog.text.count(f"Prefect cannot be reached ({type(lost).__name__}); trying again") == 2
