"""What a click makes the database read: with many customers, rows by an index and never a table as a whole."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import event, insert, text

from greenlight.ats.database import Database
from greenlight.ats.facts import FactsOnRecord
from greenlight.ats.holds import Holds
from greenlight.ats.leases import Leases
from greenlight.ats.ledger import Attempt, Hold, Warrant
from greenlight.ats.portal_sessions import PortalSessions
from greenlight.ats.requests import Requests
from greenlight.ats.runs import Runs, RunTarget
from greenlight.ats.store import Store
from greenlight.ats.tables import ChildApplication, Customer, Integration, PortalSession, Run
from greenlight.domain.budget import Lane
from greenlight.domain.plan import RequestTotals
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from tests.ats.world import NOON, at, key_of

#: 200,000 take a minute on either database.
CUSTOMERS = int(os.environ.get("GREENLIGHT_CROWD_CUSTOMERS", "4000"))
#: Small tables of which a plan may read all, since they do not grow with customers or time.
BIG = {"customer", "integration", "attempt", "warrant", "run", "visit", "child_application", "hold"}

#: What is in these is only what is open or due.
PARTIAL = "ix_integration_open_request|uq_attempt_one_open|ix_attempt_owed|ix_hold_untold|ix_integration_drifted"


def crowd(database: Database) -> None:
    """Customers with an enabled integration each, long ago requested, and one with an attempt that has settled."""
    ids = range(1, CUSTOMERS + 1)
    long_ago = NOON - timedelta(days=30)
    tables: dict[Any, Callable[[int], dict[str, Any]]] = {
        Customer: lambda n: {"customer_id": f"c{n}", "customer_name": f"C {n}", "created_at": long_ago},
        ChildApplication: lambda n: {"customer_id": f"c{n}", "client_id": f"app{n}", "credentials_block": f"b{n}"},
        Integration: lambda n: {
            "id": n,
            "customer_id": f"c{n}",
            **parts(f"c{n}"),
            "integration_name": f"C {n}",
            "created_at": long_ago,
            "requested_at": long_ago,
            "acted_on_at": long_ago,
            "observed": "ENABLED",
            "observed_at": long_ago,
            "checked_at": long_ago,
            "outcome": "already_enabled",
            "reason": "ENABLED",
        },
        Warrant: lambda n: {"integration_id": n, "word": "callback", "given_at": long_ago},
        Attempt: lambda n: {
            "integration_id": n,
            "run_id": f"r{n}",
            "client_id": f"app{n}",
            "opened_at": long_ago,
            "settles_at": long_ago + timedelta(seconds=1),
            "closed_at": long_ago if n > 1 else None,
            "outcome": "confirmed" if n > 1 else None,
        },
        Run: lambda n: {
            "run_id": f"r{n}",
            "command": "request",
            "lane": "realtime",
            "scope": {},
            "started_at": long_ago,
            "finished_at": long_ago,
        },
        PortalSession: lambda n: {
            "session_digest": f"s{n}",
            "link_id": f"l{n}",
            "customer_id": f"c{n}",
            "opened_at": NOON,
            "expires_at": NOON + timedelta(hours=8),
        },
        Hold: lambda n: {
            "integration_id": n,
            "reason": "CLAIMED_TWICE",
            "saw": "",
            "since": long_ago,
            "ended_at": long_ago,
        },
    }
    with database.writing() as session:
        for table, row in tables.items():
            session.connection().execute(insert(table), [row(n) for n in ids])
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def parts(customer: str) -> dict[str, str]:
    key = key_of(customer)
    return {
        "integration_context": key.integration_context,
        "integration_type": key.integration_type,
        "tenant_type": key.tenant_type,
    }


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    found: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE")) and "set_config" not in statement:
            found.append((statement, parameters[0] if many else parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def scanned(database: Database, statement: str, parameters: Any) -> set[str]:
    """The big tables that the database would read as a whole for this statement."""
    with database.engine.begin() as connection:
        if database.engine.dialect.name == "sqlite":
            lines = [
                row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            ]
            # A partial index has but the rows that are due.
            found = re.findall(
                rf"^SCAN (\w+)(?! USING (?:COVERING )?INDEX (?:{PARTIAL}))",
                "\n".join(lines),
                re.M,
            )
        else:
            lines = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).fetchall()]
            found = re.findall(r"Seq Scan on (\w+)", "\n".join(lines))
    return set(found) & BIG


def click(database: Database, customer: str, session: str, run: str, now: datetime) -> list[str]:
    """All that happens from a callback to the end of the run that it brings, but for LinkedIn; who was due for one."""
    requests, store, runs = Requests(database), Store(database), Runs(database)
    visit = PortalSessions(database).find(session, now)
    assert visit is not None
    requests.record(customer, session, [key_of(customer)], now)
    assert requests.page(customer).open_requests
    requests.look_again(customer, now)
    waiting = requests.due_customers(now)
    requests.take_looks([customer], now)
    (due,) = requests.due_of([customer], now)
    ids = [due.integration_id]
    leases = Leases(database)
    leases.take(customer, run, now)
    leases.renew([customer], now)
    since = runs.start(run, Command.REQUEST, RunTarget(Selection(customers=(customer,))), now, Lane.REALTIME)
    assert len(store.wanted(ids)) == 1
    store.observed(ids, since)
    Holds(database).review(ids, Lane.REALTIME, now)
    FactsOnRecord(database).facts(ids, run, now, named=())
    runs.finish(run, RequestTotals(1, 1, 1), now)
    requests.acted_on([due], since, now)
    requests.put_off([due], now)
    leases.release(customer)
    return waiting


def test_no_statement_of_a_click_reads_a_whole_table(database: Database) -> None:
    crowd(database)
    with statements(database) as found:
        waiting = click(database, "c7", "s7", "run", at(60))
    assert waiting == ["c1", "c7"], "longest waiting first"
    assert len(found) > 25
    whole = {
        (table, statement) for statement, parameters in found for table in scanned(database, statement, parameters)
    }
    assert whole == set()
