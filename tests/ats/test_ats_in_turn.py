"""On SQLite the threads of one process queue for its one lock, and PostgreSQL's have none to queue for."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import event
from sqlmodel import select

from greenlight.ats import database as module
from greenlight.ats.database import Database, kept_open, make_database, open_database
from greenlight.ats.tables import Customer
from tests.ats.world import bring_in, customer


def test_who_writes_meanwhile_asks_for_the_lock_only_once_it_is_free(database: Database) -> None:
    begun: list[str] = []
    event.listen(database.engine, "begin", lambda _: begun.append("begin"))

    def write() -> None:
        with database.writing() as session:
            session.exec(select(Customer)).all()

    with ThreadPoolExecutor(4) as pool:
        with database.writing() as session:
            session.exec(select(Customer)).all()
            others = [pool.submit(write) for _ in range(4)]
            assert not any(other.done() for other in others if database.engine.dialect.name == "sqlite")
            if database.engine.dialect.name == "sqlite":
                assert begun == ["begin"]
        for other in others:
            other.result(10)
    assert begun == ["begin"] * 5


def test_one_whose_turn_does_not_come_goes_on_as_another_process_would(database: Database, monkeypatch) -> None:
    """Its own process may be the one that is stuck."""
    bring_in(database, customer("acme"))
    monkeypatch.setattr(module, "QUEUE_SECONDS", 0.05)
    turns = database._turns or threading.Lock()
    with turns, database.writing() as session:
        session.get_one(Customer, "acme").customer_name = "Acme's"
    with database.reading() as session:
        assert session.get_one(Customer, "acme").customer_name == "Acme's"


def test_all_handles_of_a_file_are_in_one_queue(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ats.db'}"
    first = make_database(url)
    with kept_open(url):
        others = [open_database(url) for _ in range(2)]
        assert all(other._turns is first._turns is not None for other in others)
    for each in (first, *others):
        each.close()
