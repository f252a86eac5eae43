"""How a command parts from Prefect: a server that went away keeps nobody waiting, and what it does not know is said."""

import asyncio
import concurrent.futures
import os
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from rich.console import Console

from cli.errors import prefect_address
from cli.render import plain

#: Seconds without an answer after which a server is taken for gone.
PATIENCE_SECONDS = 10.0
#: The longest that a server which answers is waited for, once nothing but its own records is left.
LONGEST_SECONDS = 60.0
#: The longest that one question whether a server is still there may take.
_ASK_SECONDS = 3.0
_UNENDED = (
    "The report is from the ATS database and is whole, but Prefect's UI does not have the run's end: it stays Running "
    "there until somebody sets its state. What could not be announced, the next run announces"
)
_UNSHOWN = "What was done is on record in the ATS database; its steps and log lines are not all in Prefect's UI"
#: Event loops with a flow whose end Prefect did not take: they are never run again, and end with the process.
_ABANDONED: list[asyncio.Runner] = []


class Vigil:
    """Whether waiting for Prefect has a point still; to be asked again and again while somebody waits."""

    def __init__(self) -> None:
        self._began = self._answered = time.monotonic()

    async def is_over(self) -> bool:
        if await _answers():
            self._answered = time.monotonic()
        now = time.monotonic()
        return now - self._answered > PATIENCE_SECONDS or now - self._began > LONGEST_SECONDS


async def _answers() -> bool:
    import httpx
    from prefect.client.orchestration import get_client

    try:
        async with asyncio.timeout(_ASK_SECONDS), get_client() as client:
            trouble = await client.api_healthcheck()
    except Exception:
        return False
    # Whatever it says of itself, it is there; a gateway before it says that it is not.
    return trouble is None or (isinstance(trouble, httpx.HTTPStatusError) and trouble.response.status_code < 500)


def run_until_recorded(start: Callable[[], Any], recorded: Callable[[], str | None]) -> Any:
    """What `start` gives, or None where its run is on record and Prefect does not take its end.

    `recorded` gives the id of the run once its end is on record.
    """

    async def run() -> Any:
        flow, vigil = asyncio.ensure_future(start()), None
        while not flow.done():
            await asyncio.wait({flow}, timeout=1)
            if recorded() is None or flow.done():
                continue
            vigil = vigil or Vigil()
            if await vigil.is_over() and not flow.done():
                return None
        return await flow

    runner = asyncio.Runner()
    try:
        ended = runner.run(run())
    except BaseException:
        runner.close()
        raise
    if ended is None:
        # To close it is to wait for the flow, and that is to wait for Prefect.
        _ABANDONED.append(runner)
    else:
        runner.close()
    return ended


def leave(code: int) -> NoReturn:
    """End the process, with what is still queued for Prefect handed over, for as long as it takes it."""
    if "prefect" in sys.modules:
        try:
            handed_over = not _ABANDONED and _hand_over()
        except KeyboardInterrupt:
            handed_over = False
        if not handed_over:
            lost = _UNENDED if _ABANDONED else _UNSHOWN
            _say(f"Prefect's API (PREFECT_API_URL {prefect_address()}) went away: start that server. {lost}")
            _end_now(code)
    sys.exit(code)


def _hand_over() -> bool:
    """Wait until Prefect's queues are empty; False is a server that does not take what is in them."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    vigil, waiting = Vigil(), set[concurrent.futures.Future[bool]]()
    for worker in (EventsWorker, APILogWorker):
        ended: Any = worker.drain_all(timeout=0)
        waiting |= ended[1]
    while waiting:
        waiting = concurrent.futures.wait(waiting, timeout=1)[1]
        if waiting and asyncio.run(vigil.is_over()):
            return False
    return True


def _say(sentence: str) -> None:
    console = Console(stderr=True, emoji=False)
    console.print(plain(f"greenlight: warning: {sentence}."), soft_wrap=True)


def _end_now(code: int) -> NoReturn:
    """Without what Prefect does at a process's end, which waits for its server for as long as it takes."""
    # Imported where there is a server of this process's own; else that would take seconds.
    module: Any = sys.modules.get("prefect.server.api.server")
    for server in list(module.SubprocessASGIServer._instances.values()) if module is not None else []:
        server.stop()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
