"""`webhooks list`, `replay` and `test`: what the vendor's systems were told, and whether they can be."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from cli.errors import CannotRun
from cli.opening import ats_database
from cli.render import console_for_people, plain, print_database, print_json, table_of
from greenlight.ats.clock import time_of
from greenlight.ats.webhook_tables import WebhookDelivery
from greenlight.ats.webhooks import Webhooks, new_event_id
from greenlight.domain.formatting import iso
from greenlight.domain.webhooks import Kind, body
from greenlight.settings import load_settings
from greenlight.webhooks.sending import Answer, Receiver
from tasks.realtime.delivering import receiver_of

SCHEMA = "greenlight.webhooks/1"
#: As of every command whose one item failed.
_NOT_TAKEN = 3


def run_list(*, everything: bool, most: int, as_json: bool) -> int:
    database = ats_database()
    counts, rows = Webhooks(database).on_record(most, delivered=everything)
    if as_json:
        document = {"schema": SCHEMA, "command": "webhooks list", "database": database.name}
        print_json({**document, "counts": counts._asdict(), "deliveries": [_delivery(row) for row in rows]})
        return 0
    table = table_of("event", "customer", "type", "state", "tries", "next try", "came back")
    for row in rows:
        next_try = f"{row.next_try_at:%Y-%m-%d %H:%M:%SZ}" if _state(row) == "pending" else ""
        cells = (row.event_id, row.customer_id, row.kind, _state(row), str(row.tries), next_try, row.detail or "")
        table.add_row(*map(plain, cells))
    console = console_for_people()
    if rows:
        console.print(table)
    console.print(plain(f"{counts.pending} pending, {counts.failed} failed, {counts.delivered} delivered."))
    print_database(database.name, console)
    return 0


def run_replay(event_id: str | None, since: str | None, *, as_json: bool) -> int:
    if (event_id is None) == (since is None):
        raise CannotRun("give either the id of an event or --since")
    moment = None if since is None else _moment(since)
    database = ats_database()
    count = Webhooks(database).replay(time_of(database), event_id=event_id, since=moment)
    if as_json:
        document = {"schema": SCHEMA, "command": "webhooks replay", "database": database.name}
        print_json({**document, "replayed": count})
    else:
        console_for_people().print(plain(f"{count} events are delivered again by `greenlight worker`."))
    return 0


def run_test(*, as_json: bool) -> int:
    receiver = receiver_of(load_settings())
    if receiver is None:
        raise CannotRun("no receiver is set", "set GREENLIGHT_WEBHOOK_URL and GREENLIGHT_WEBHOOK_SECRET")
    event_id = new_event_id()
    answer = asyncio.run(_send(receiver, event_id))
    if as_json:
        document = {"schema": SCHEMA, "command": "webhooks test", "event_id": event_id}
        print_json({**document, "accepted": answer.accepted, "came_back": answer.detail})
    else:
        said = "The receiver has taken it" if answer.accepted else "The receiver has not taken it"
        console_for_people().print(plain(f"{said}: {answer.detail}."))
    return 0 if answer.accepted else _NOT_TAKEN


async def _send(receiver: Receiver, event_id: str) -> Answer:
    now = datetime.now(UTC)
    async with receiver:
        return await receiver.send(event_id, body(Kind.TEST, now, {"customer_id": None}), now)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CannotRun("--since is no moment", "write it as 2026-03-01T12:00Z") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _state(row: WebhookDelivery) -> str:
    if row.delivered_at is not None:
        return "delivered"
    return "pending" if row.failed_at is None else "failed"


def _delivery(row: WebhookDelivery) -> dict[str, Any]:
    state = _state(row)
    return {
        "event_id": row.event_id,
        "customer_id": row.customer_id,
        "type": row.kind,
        "at": iso(row.at),
        "state": state,
        "tries": row.tries,
        "next_try_at": iso(row.next_try_at) if state == "pending" else None,
        "came_back": row.detail,
    }
