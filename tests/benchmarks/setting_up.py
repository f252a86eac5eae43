"""What stands before the clock starts: a Prefect server with everybody's credentials, ATS databases with everybody."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from blocks.child_app import ChildAppBlocks, LinkedInChildApp, block_name
from cli.serving import local_prefect
from greenlight.ats.database import make_database, open_database
from greenlight.ats.registry import Registration, register
from greenlight.linkedin.oauth import Credentials
from tests.ats.postgres import Postgres, a_postgres
from tests.benchmarks import far_end
from tests.benchmarks.contestants import customer_id, integration

_SLICE = 500


@contextmanager
def prefect_server(customers: int) -> Iterator[int]:
    """The process of a Prefect server that has a block for each customer from 0 to `customers`."""
    from prefect.server.api.server import SubprocessASGIServer

    with local_prefect():
        asyncio.run(_save_blocks(customers))
        process = SubprocessASGIServer().server_process
        assert process is not None
        yield process.pid


async def _save_blocks(customers: int) -> None:
    """The first by the API, which makes the type known; the others right into the server's database."""
    from prefect.server.database import provide_database_interface

    first = Credentials(far_end.client_id(0), SecretStr(far_end.client_secret(0)))
    await ChildAppBlocks().save_many({block_name(customer_id(0)): first})
    block = await _loaded(block_name(customer_id(0)))
    db: Any = provide_database_interface()
    for start in range(1, customers + 1, _SLICE):
        async with db.session_context(begin_transaction=True, with_for_update=True) as session:
            for number in range(start, min(start + _SLICE, customers + 1)):
                row = db.BlockDocument(
                    name=block_name(customer_id(number)),
                    block_schema_id=block._block_schema_id,
                    block_type_id=block._block_type_id,
                    block_type_name=LinkedInChildApp._block_type_name,
                    is_anonymous=False,
                )
                data = {"client_id": far_end.client_id(number), "client_secret": far_end.client_secret(number)}
                await row.encrypt_data(session, data)
                session.add(row)
    await (await db.engine()).dispose()


async def _loaded(name: str) -> Any:
    kind: Any = LinkedInChildApp
    return await kind.aload(name)


class Databases:
    """New ATS databases in which each customer from 0 on wants one integration."""

    def __init__(self, folder: Path, postgres: Postgres | None) -> None:
        self._folder, self._postgres = folder, postgres

    @contextmanager
    def filled(self, customers: int) -> Iterator[str]:
        """The address of one that is gone at the end of the block."""
        if self._postgres is not None:
            with self._postgres.fresh(migrated=True) as url:
                _fill(url, customers)
                yield url
            return
        template, file = self._folder / f"{customers}.db", self._folder / "ats.db"
        if not template.exists():
            make_database(f"sqlite:///{template}").close()
            _fill(f"sqlite:///{template}", customers)
        shutil.copy(template, file)
        try:
            yield f"sqlite:///{file}"
        finally:
            for left in self._folder.glob("ats.db*"):
                left.unlink()


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[Databases]:
    with ExitStack() as stack:
        yield Databases(folder, stack.enter_context(a_postgres()) if kind == "postgresql" else None)


def _fill(url: str, customers: int) -> None:
    database = open_database(url)
    try:
        for start in range(0, customers + 1, _SLICE):
            some = range(start, min(start + _SLICE, customers + 1))
            register(database, map(_registration, some), datetime.now(UTC))
    finally:
        database.close()


def _registration(number: int) -> Registration:
    customer = customer_id(number)
    application = far_end.client_id(number), block_name(customer)
    return Registration(customer, customer, application, [(integration(number), f"integration of {customer}")])


def settings_of(url: str, address: str, connections: int) -> dict[str, str]:
    """The environment of a process that works on this database and at this far end."""
    from greenlight.settings import Settings

    given = {
        "GREENLIGHT_DATABASE_URL": url,
        "GREENLIGHT_LINKEDIN_API_URL": address,
        "GREENLIGHT_LINKEDIN_TOKEN_URL": address + far_end.TOKEN_PATH,
    }
    if "connections" in Settings.model_fields:
        given["GREENLIGHT_CONNECTIONS"] = str(connections)
    return {**{name: value for name, value in os.environ.items() if not name.startswith("GREENLIGHT_")}, **given}
