"""Nights in which nothing happens: what is settled and not due costs no request, however much of it there is."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event, insert

from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.tables import ChildApplication, Customer, Integration
from greenlight.domain.budget import Lane
from tests.ats.test_ats_query_plans import parts
from tests.flows.fault_world import Case, import_file, world

ENABLED = ("enabled", "ENABLED", "ENABLED")


def crowd(*names: str) -> tuple[Case, ...]:
    return tuple(Case(name, "an ordinary customer", ENABLED) for name in names)


def settle(there: Any, numbers: range) -> None:
    """A customer of each number that was seen as ENABLED just now; nobody holds credentials of theirs."""
    now, names = there.now(), [f"settled{n}" for n in numbers]
    tables: dict[Any, Any] = {
        Customer: lambda name: {"customer_id": name, "customer_name": name, "created_at": now},
        ChildApplication: lambda name: {"customer_id": name, "client_id": f"app{name}", "credentials_block": name},
        Integration: lambda name: {
            "customer_id": name,
            **parts(name),
            "integration_name": name,
            "created_at": now,
            "judged_at": now,
            "observed": "ENABLED",
            "observed_at": now,
            "observed_since": now,
            "effect_at": now,
            "checked_at": now,
            "outcome": "already_enabled",
            "reason": "ENABLED",
        },
    }
    with there.database.writing() as session:
        for table, row in tables.items():
            session.connection().execute(insert(table), [row(name) for name in names])


@contextmanager
def statements(there: Any) -> Iterator[list[str]]:
    """What is asked of the ATS database, by whichever engine."""
    found: list[str] = []
    place = there.database.engine.url

    def note(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if connection.engine.url == place:
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def night() -> Any:
    return await reconcile(What.APPLY, lane=Lane.NIGHTLY, return_state=True)


async def test_requests_and_questions_are_for_what_is_requested_alone(town: Any, unique: str) -> None:
    """Two nights of five requests each: beside 200 settled customers, and beside 2,000."""
    first, second = (crowd(*(f"{which}{n}{unique}" for n in range(5))) for which in "ab")
    async with town(world((*first, *second))) as there:
        asked = list[int]()
        for numbers, cases, settled in ((range(200), first, 200), (range(200, 1_995), second, 2_000)):
            settle(there, numbers)
            await there.bring_in(import_file(cases))
            before = len(there.linkedin.log)
            with statements(there) as found:
                state = await reconcile(What.APPLY, lane=Lane.NIGHTLY, return_state=True)
            asked.append(len(found))

            sent = Counter((each.client_id, each.operation) for each in there.linkedin.log[before:])
            each = {"token": 1, "verify": 2, "enable": 1}
            assert sent == {(case.client_id, kind): count for case in cases for kind, count in each.items()}
            report = there.report(state)
            assert (state.name, len(report.items), report.changed) == ("Converged", 5, 5)
            assert report.not_due.count == settled
            assert (report.not_due.next_on or there.now().date()) > there.now().date()
            assert f"{settled} not due, the next on {report.not_due.next_on}" in state.message
            assert f"Besides, {report.not_due.in_words()}" in (await there.artifacts(state))["reconcile-outcome"]
            document = report.as_json()
            assert sum(document["counts"].values()) == len(document["items"]) == 5
            assert (document["not_due"]["count"], document["not_due"]["reason"]) == (settled, "NOT_DUE")
        # How many commits are gathered into one differs from night to night; the quiet nights below are exact.
        assert asked[1] <= asked[0] + 40, "what is asked of the database does not grow with what is settled"


async def test_a_quiet_night_asks_linkedin_nothing_and_the_database_as_often_for_many_as_for_few(town: Any) -> None:
    async with town(world(())) as there:
        asked = list[int]()
        for numbers, settled in ((range(200), 200), (range(200, 2_000), 2_000)):
            settle(there, numbers)
            with statements(there) as found:
                state: Any = await reconcile(What.APPLY, lane=Lane.NIGHTLY, return_state=True)
            asked.append(len(found))
            assert (state.name, there.linkedin.log) == ("Converged", [])
            report = there.report(state)
            assert (report.items, report.not_due.count, report.exit_code) == ([], settled, 0)
            assert state.message.startswith(f"{settled} not due, the next on ")
        assert asked[1] == asked[0] < 60
