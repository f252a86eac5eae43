"""Bring imported customers in: their existing API keys into blocks, everything else into the ATS database.

Not a Prefect task: a task's parameters are recorded, and these carry secrets.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from blocks.child_app import ChildAppBlocks, block_name
from greenlight.ats.database import Database
from greenlight.ats.registry import Changes, Registration, check_client_ids, credentials_changed, register
from greenlight.intake import ImportedCustomer
from greenlight.linkedin.oauth import Credentials


@dataclass(frozen=True, slots=True)
class Adopted:
    """What an import changed; `credentials_written` counts blocks."""

    changes: Changes
    credentials_written: int


async def adopt(
    customers: Sequence[ImportedCustomer],
    database: Database,
    blocks: ChildAppBlocks,
    now: datetime,
    replace: Collection[str] = (),
) -> Adopted:
    """Write credentials first, then the database in one transaction.

    Raises ClientIdTaken, and ApplicationReplaced for a customer not in `replace`, before anything is written. Cut short
    in between, importing the same file again completes it.
    """
    registrations = [_registration(customer) for customer in customers]
    await asyncio.to_thread(check_client_ids, database, registrations, replace)
    written = await blocks.save_many(
        {
            block_name(customer.customer_id): Credentials(
                customer.credentials.client_id, customer.credentials.client_secret
            )
            for customer in customers
            if customer.credentials is not None
        },
        kept_elsewhere=True,
    )
    changes = await asyncio.to_thread(register, database, registrations, now, replace)
    renewed = [customer.customer_id for customer in customers if block_name(customer.customer_id) in written]
    await asyncio.to_thread(credentials_changed, database, renewed)
    return Adopted(changes, len(written))


def _registration(customer: ImportedCustomer) -> Registration:
    held = customer.credentials
    return Registration(
        customer_id=customer.customer_id,
        customer_name=customer.customer_name,
        application=(held.client_id, block_name(customer.customer_id)) if held is not None else None,
        integrations=customer.integrations,
    )
