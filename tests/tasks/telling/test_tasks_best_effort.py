"""What Prefect only shows decides nothing: where it does not take it, the run goes on, and says so."""

import asyncio

import httpx
import pytest

from tasks.telling import best_effort


async def test_a_server_that_is_gone_or_silent_keeps_no_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(best_effort, "SHOWING_SECONDS", 0.1)
    async with best_effort.best_effort("the outcome"):
        raise httpx.ConnectError("refused")
    async with best_effort.best_effort("the picture"):
        await asyncio.sleep(60)
    assert "Prefect does not take the outcome (ConnectError); all of it is in the ATS database" in caplog.text
    assert "Prefect does not take the picture (TimeoutError); all of it is in the ATS database" in caplog.text


async def test_a_run_that_is_stopped_meanwhile_stops() -> None:
    async def show() -> None:
        async with best_effort.best_effort("the outcome"):
            await asyncio.sleep(60)

    showing = asyncio.create_task(show())
    await asyncio.sleep(0)
    showing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await showing
