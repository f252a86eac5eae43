"""`withdraw`, `forget` and `sessions`: what is not wanted any more, and customers that have left."""

import asyncio
from typing import Any

from cli.asking import confirm
from cli.errors import said_plainly
from cli.opening import ats_database
from cli.quiet import quiet_prefect
from cli.render import console_for_people, plain, print_json, table_of
from cli.tripwires import who_says_so
from greenlight.ats.clock import time_of
from greenlight.ats.withdrawals import BrowserSessions, Forgotten, Withdrawals, Withdrawn
from greenlight.domain.conditions import EFFECT, when_withdrawn
from greenlight.domain.formatting import iso
from greenlight.domain.reasons import EXPLANATIONS
from greenlight.errors import PrefectTrouble
from greenlight.intake.rows import one_line


def run_withdraw(
    customer: str, integration_type: str, integration_context: str | None, *, by: str | None, as_json: bool
) -> int:
    who, database = who_says_so(by), ats_database()
    withdrawn = Withdrawals(database).withdraw(customer, integration_type, integration_context, who, time_of(database))
    if as_json:
        print_json({"schema": "greenlight.withdraw/1", **_item(withdrawn)})
        return 0
    key, told = withdrawn.item.key, EXPLANATIONS[when_withdrawn(withdrawn.observed).reason]
    _say(
        f"{key.integration_type} ({key.integration_context}) of {customer} is withdrawn by {withdrawn.by}. "
        f"{told.message} {told.remedy}"
    )
    return 0


def run_forget(customer: str, *, by: str | None, yes: bool, as_json: bool) -> int:
    who, database = who_says_so(by), ats_database()
    if not yes:
        confirm(
            f"Delete the secret of {one_line(customer)}, end its sessions and take its name off the records?",
            alone="a customer's secret and name cannot be brought back",
            declined="nothing was changed",
        )
    forgotten = Withdrawals(database).forget(customer, who, time_of(database))
    deleted = forgotten.credentials_block is not None and _delete(forgotten.credentials_block)
    if as_json:
        print_json(_forgotten(forgotten, deleted))
        return 0
    secret = "its secret is deleted" if deleted else "it held no secret any more"
    _say(
        f"{customer} is forgotten: {len(forgotten.withdrawn)} integrations withdrawn, "
        f"{forgotten.sessions_ended} sessions ended, and {secret}."
    )
    if enabled := [entry for entry in forgotten.withdrawn if _is_enabled(entry)]:
        named = ", ".join(entry.item.key.integration_type for entry in enabled)
        _say(f"At LinkedIn {named} stays enabled: ask LinkedIn's support, or the customer's admin, to switch it off.")
    return 0


def run_sessions(*, as_json: bool) -> int:
    database = ats_database()
    there = BrowserSessions(database).open_at(time_of(database))
    if as_json:
        entries = [
            {
                "customer_id": entry.customer_id,
                "opened_at": iso(entry.opened_at),
                "expires_at": iso(entry.expires_at),
            }
            for entry in there
        ]
        print_json({"schema": "greenlight.sessions/1", "sessions": entries})
        return 0
    if not there:
        _say("No session is open.")
        return 0
    table = table_of("customer", "opened", "ends")
    for entry in there:
        cells = entry.customer_id, f"{entry.opened_at:%Y-%m-%d %H:%M:%SZ}", f"{entry.expires_at:%Y-%m-%d %H:%M:%SZ}"
        table.add_row(*map(plain, cells))
    console_for_people().print(table)
    return 0


def run_end_sessions(customer: str, *, as_json: bool) -> int:
    database = ats_database()
    ended = BrowserSessions(database).end(customer, time_of(database))
    if as_json:
        print_json({"schema": "greenlight.sessions/1", "customer_id": customer, "ended": ended})
    else:
        _say(f"{ended} sessions of {customer} are ended; `greenlight link {customer}` makes a new link.")
    return 0


def _delete(block: str) -> bool:
    from blocks.child_app import ChildAppBlocks

    quiet_prefect()
    try:
        return asyncio.run(ChildAppBlocks().delete(block))
    except Exception as error:
        raise PrefectTrouble(
            f"the customer is forgotten, but its secret is still in Prefect's block {block}: {said_plainly(error)}",
            "run the same command again",
        ) from None


def _is_enabled(withdrawn: Withdrawn) -> bool:
    return withdrawn.observed in EFFECT


def _item(withdrawn: Withdrawn) -> dict[str, Any]:
    return {
        **withdrawn.item.as_json(),
        "observed": withdrawn.observed.value,
        "reason": when_withdrawn(withdrawn.observed).reason.value,
        "withdrawn_at": iso(withdrawn.at),
        "withdrawn_by": withdrawn.by,
    }


def _forgotten(forgotten: Forgotten, deleted: bool) -> dict[str, Any]:
    return {
        "schema": "greenlight.forget/1",
        "customer_id": forgotten.customer_id,
        "forgotten_at": iso(forgotten.at),
        "secret_deleted": deleted,
        "sessions_ended": forgotten.sessions_ended,
        "withdrawn": [_item(entry) for entry in forgotten.withdrawn],
    }


def _say(text: str) -> None:
    console_for_people().print(plain(text))
