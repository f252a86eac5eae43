"""`tripwires`: what guards hold back, and the person's word that lets it go on."""

import getpass
from collections.abc import Sequence
from typing import Any

from cli.errors import CannotRun
from cli.opening import ats_database
from cli.render import console_for_people, plain, print_database, print_json, table_of
from greenlight.ats.clock import time_of
from greenlight.ats.database import Database
from greenlight.ats.desired import LET_FOR, HeldSync, Syncs
from greenlight.ats.holds import Held, Holds
from greenlight.domain.desired import REMEDIES, SyncOutcome
from greenlight.domain.formatting import iso
from greenlight.domain.reasons import EXPLANATIONS, Reason

#: As long a name as the ATS database takes.
_LONGEST_NAME = 200


def run_tripwires(*, as_json: bool) -> int:
    database = ats_database()
    held, source = Holds(database).on_record(), Syncs(database).held()
    if as_json:
        print_json(_document(held, database, source))
        return 0
    console = console_for_people()
    if source is not None:
        console.print(plain(f"{_of(source)}: {REMEDIES[SyncOutcome.HELD]}"))
    if held:
        _print(held)
        for reason in dict.fromkeys(entry.reason for entry in held):
            console.print(plain(f"{reason}: {EXPLANATIONS[reason].remedy}"))
    elif source is None:
        console.print(plain("No tripwire holds anything."))
    print_database(database.name, console)
    return 0


def run_lift(customers: tuple[str, ...], *, everybody: bool, source: bool, by: str | None, as_json: bool) -> int:
    if everybody + bool(customers) + source != 1:
        raise CannotRun(
            "nobody is named",
            "name the customers whose holds are to end, or --all, or --source: `greenlight tripwires` lists them",
        )
    who, database = who_says_so(by), ats_database()
    if source:
        return _lift_source(who, database, as_json=as_json)
    lifted = Holds(database).lift(customers, who, time_of(database))
    if as_json:
        print_json(_document(lifted, database) | {"lifted_by": who})
    elif lifted:
        _print(lifted)
        console_for_people().print(plain(f"Lifted by {who}: the next run enables what is ready."))
    else:
        console_for_people().print(plain("Nothing was held, so nothing has changed."))
    return 0


def _lift_source(who: str, database: Database, *, as_json: bool) -> int:
    let = Syncs(database).let(who, time_of(database))
    if as_json:
        print_json(_document([], database, let) | {"lifted_by": who})
    elif let is None:
        console_for_people().print(plain("The source was not held, so nothing has changed."))
    else:
        told = f"{_of(let)}. Lifted by {who} for {LET_FOR.total_seconds() / 3600:.0f} hours: "
        told += "the next run withdraws these and no others, if the source still does not have them."
        console_for_people().print(plain(told))
    return 0


def _of(source: HeldSync) -> str:
    return f"The source {source.source} is held since {source.since:%Y-%m-%d %H:%M:%SZ}: {source.detail}"


def who_says_so(by: str | None) -> str:
    """The name that goes on record: who is given, or whose account this is. Raises CannotRun."""
    who = (by or getpass.getuser()).strip()
    if not who or not who.isprintable() or len(who) > _LONGEST_NAME:
        raise CannotRun(f"--by is who says so, in 1 to {_LONGEST_NAME} characters")
    return who


def _print(held: Sequence[Held]) -> None:
    table = table_of("customer", "integration", "context", "held for", "since", "what the guard saw")
    for entry in held:
        key = entry.item.key
        cells = (
            entry.item.customer_id,
            key.integration_type,
            key.integration_context,
            entry.reason,
            f"{entry.since:%Y-%m-%d %H:%M:%SZ}",
            entry.saw,
        )
        table.add_row(*(plain(cell) for cell in cells))
    console_for_people().print(table)


def _document(held: Sequence[Held], database: Database, source: HeldSync | None = None) -> dict[str, Any]:
    return {
        "schema": "greenlight.tripwires/1",
        "database": database.name,
        "holds": [
            {
                **entry.item.as_json(),
                "reason": entry.reason.value,
                "saw": entry.saw,
                "since": iso(entry.since),
            }
            for entry in held
        ],
        "source": source
        and {
            "name": source.source,
            "reason": Reason.SUDDENLY_EMPTY.value,
            "saw": source.detail,
            "since": iso(source.since),
        },
    }
