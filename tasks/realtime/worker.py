"""The task worker: acts on stored requests when the portal rings, and looks by itself for those whose ring was lost.

It delivers the webhooks too.
"""

import asyncio
import logging
import signal
from typing import Any

from prefect.task_worker import TaskWorker

from greenlight.ats.database import DatabaseUnavailable
from greenlight.settings import InvalidSettings, load_settings
from tasks.realtime.delivering import deliver_webhooks
from tasks.realtime.provisioning import provisioning_is_due
from tasks.realtime.requested import announce_owed, due_customers, enable_requested

#: How often a worker looks by itself for requests whose ring was lost.
SWEEP_SECONDS = 10.0
#: The wait before a worker that lost Prefect comes back.
AGAIN_AFTER_SECONDS = 5.0

_log = logging.getLogger("greenlight.bell")


def _is_no_stop(record: logging.LogRecord) -> bool:
    """Whether it tells of anything but a turn that ends with its worker: what is left of it stands in the database."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


class _Worker(TaskWorker):
    """Prefect's worker without a stop of its own: it would end the process by an exception, whoever runs it."""

    def __init__(self, *tasks: Any, **given: Any) -> None:
        super().__init__(*tasks, **given)
        self._before = signal.getsignal(signal.SIGTERM)

    def handle_sigterm(self, signum: int, frame: Any) -> None:
        """Leave it to whoever was asked before."""
        if callable(self._before):
            self._before(signum, frame)
        else:
            raise KeyboardInterrupt


async def answer_rings() -> None:
    """Act on requests until cancelled: on each ring, and on those whose ring never came."""
    # Prefect shows the traceback of each turn that is cancelled.
    logging.getLogger("prefect.task_worker").addFilter(_is_no_stop)
    async with asyncio.TaskGroup() as group:
        group.create_task(_serve())
        group.create_task(_sweep())
        group.create_task(deliver_webhooks())


async def _serve() -> None:
    while True:
        try:
            await _Worker(enable_requested, limit=None).astart()
            return
        # Prefect's worker wraps whatever it lost its server by into a group; the sweep goes on meanwhile.
        except* Exception as lost:
            _log.warning("Prefect cannot be reached (%s); trying again", ", ".join(sorted(_kinds(lost))))
        await asyncio.sleep(AGAIN_AFTER_SECONDS)


def _kinds(error: BaseException) -> set[str]:
    if isinstance(error, BaseExceptionGroup):
        return {kind for each in error.exceptions for kind in _kinds(each)}
    return {type(error).__name__}


async def _sweep() -> None:
    async with asyncio.TaskGroup() as group:
        while True:
            # Not waited for: who hangs in one sweep is not in the way of the next.
            group.create_task(_sweep_once())
            await asyncio.sleep(SWEEP_SECONDS)


async def _sweep_once() -> None:
    try:
        settings = load_settings()
        if await due_customers(settings) or await provisioning_is_due(settings):
            await enable_requested()
        await announce_owed(settings)
    except (DatabaseUnavailable, InvalidSettings) as error:
        _log.warning("requests cannot be looked for: %s", error)
    except Exception as error:
        _log.warning("requests could not be looked for (%s); trying again", type(error).__name__)
