"""`credentials restore`: back to what a customer's block held before, while what took its place has not worked."""

import asyncio

from cli.asking import confirm
from cli.opening import ats_database
from cli.quiet import quiet_prefect
from cli.render import console_for_people, plain, print_json
from greenlight.ats.applications import Applications
from greenlight.ats.clock import time_of
from greenlight.ats.registry import put_back
from greenlight.ats.store import UnknownCustomer
from greenlight.errors import RefusedByRule
from greenlight.intake.rows import one_line


def run_restore_credentials(customer: str, *, yes: bool, as_json: bool) -> int:
    from blocks.child_app import ChildAppBlocks

    database = ats_database()
    application = Applications(database).on_record(customer)
    if application is None:
        raise UnknownCustomer(f"no customer {customer!r} with a child application in the ATS database")
    quiet_prefect()
    blocks, name = ChildAppBlocks(), application.credentials_block
    before = asyncio.run(blocks.before(name))
    if before is None:
        raise RefusedByRule(
            f"nothing is kept of what {customer} had before: its credentials have worked, or were never replaced",
            f"import the ones that are wanted, or `greenlight rotate --customer {customer}`",
        )
    if not yes:
        confirm(
            f"Go back to client id {one_line(before.client_id)} for {one_line(customer)}?",
            alone="going back replaces the credentials that are in use",
            declined="nothing was changed",
        )
    # First what is refused: a client id that has become another customer's.
    put_back(database, customer, before.client_id, time_of(database))
    asyncio.run(ChildAppBlocks().swap(name, before))
    if as_json:
        document = {"schema": "greenlight.credentials/1", "customer_id": customer, "client_id": before.client_id}
        print_json(document | {"database": database.name})
        return 0
    said = f"{customer} has client id {before.client_id} again, with the secret that it had. Look: greenlight plan"
    if before.client_id != application.client_id:
        said += f". If provisioning made it, it goes on looking after it: greenlight provision --customer {customer}"
    console_for_people().print(plain(said))
    return 0
