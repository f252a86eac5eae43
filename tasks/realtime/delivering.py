"""Webhooks, delivered by the worker: what changed becomes deliveries, and what is due is sent (docs/webhooks.md)."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from greenlight.ats.clock import DatabaseClock
from greenlight.ats.database import DatabaseUnavailable, open_database
from greenlight.ats.webhooks import Due, Sent, Webhooks
from greenlight.settings import InvalidSettings, Settings, load_settings
from greenlight.webhooks.sending import Receiver

#: How often a worker looks whether anything is due.
TURN_SECONDS = 2.0
#: A turn begins nothing after that long, so that no backlog is sent under settings of long ago.
LONGEST_TURN_SECONDS = 10.0
#: Customers who have one on its way at once.
AT_ONCE = 32
#: A claim outlasts the sending by that much.
_CLAIM_MORE = timedelta(seconds=60)

_log = logging.getLogger("greenlight.webhooks")


async def deliver_webhooks() -> None:
    """Deliver until cancelled. The settings are read each time, so that a new secret needs no restart."""
    said = ""
    while True:
        try:
            await _deliver(load_settings())
            trouble = ""
        except (DatabaseUnavailable, InvalidSettings) as error:
            trouble = f"webhooks cannot be delivered: {error}"
        except Exception as error:
            trouble = f"webhooks could not be delivered ({type(error).__name__}); trying again"
        if trouble and trouble != said:
            _log.warning("%s", trouble)
        said = trouble
        await asyncio.sleep(TURN_SECONDS)


def receiver_of(settings: Settings) -> Receiver | None:
    """Who is told; None is nobody."""
    if settings.webhook_url is None:
        return None
    return Receiver(
        settings.webhook_url,
        settings.webhook_secrets,
        allow_internal=settings.webhook_allow_internal,
        timeout_seconds=settings.http_timeout_seconds,
        ca_file=settings.ca_file,
    )


async def _deliver(settings: Settings) -> None:
    if (receiver := await asyncio.to_thread(receiver_of, settings)) is None:
        return
    database = await asyncio.to_thread(open_database, settings.database_url.get_secret_value(), patient=True)
    try:
        clock = DatabaseClock(database)
        await asyncio.to_thread(clock.sync)
        async with receiver:
            await deliver_due(Webhooks(database), receiver, clock, timedelta(seconds=settings.http_timeout_seconds))
    finally:
        database.close()


async def deliver_due(
    webhooks: Webhooks, receiver: Receiver, now: Callable[[], datetime], takes_at_most: timedelta
) -> None:
    """Take in what has changed and send what is due, each customer's in turn; what is left is the next turn's."""

    async def send(due: Due) -> Sent:
        answer = await receiver.send(due.event_id, due.body, now())
        if not answer.accepted:
            _log.info("webhook %s was not taken: %s", due.event_id, answer.detail)
        return Sent(due, answer.accepted, answer.detail)

    await asyncio.to_thread(webhooks.take_in, now())
    until = time.monotonic() + LONGEST_TURN_SECONDS
    while time.monotonic() < until:
        due = await asyncio.to_thread(webhooks.claim, now(), now() + takes_at_most + _CLAIM_MORE, AT_ONCE)
        if not due:
            return
        sent = await asyncio.gather(*map(send, due))
        await asyncio.to_thread(webhooks.record, sent, now())
