"""A Prefect server, and the ATS database on both engines.

REQUIRE_POSTGRES=1 makes a PostgreSQL that cannot be had a failure.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from greenlight.ats.database import Database, make_database, open_database
from tests.ats.postgres import NoPostgres, Postgres, Server, a_postgres, embedded

pytest_plugins = ["tests.sampling", "tests.unclosed"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(a_postgres())
        except NoPostgres as why:
            if os.environ.get("REQUIRE_POSTGRES") == "1":
                pytest.fail(f"REQUIRE_POSTGRES=1, but {why}", pytrace=False)
            pytest.skip(f"no PostgreSQL: {why}")
        yield server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for the tests of a module alone, with the newest schema."""
    try:
        with embedded() as server:
            make_database(server.text).close()
            yield server
    except NoPostgres as why:
        pytest.skip(f"no PostgreSQL: {why}")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "ats.db"
    make_database(f"sqlite:///{file}").close()
    return file


@pytest.fixture(params=["sqlite", "postgres"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on; whoever uses one of the fixtures below runs on each."""
    return request.param


@pytest.fixture
def empty_database_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database without any table."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'ats.db'}"
    else:
        with request.getfixturevalue("postgres").fresh(migrated=False) as url:
            yield url


@pytest.fixture
def database_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database with the newest schema and nothing in it."""
    if engine_name == "sqlite":
        yield f"sqlite:///{shutil.copy(request.getfixturevalue('sqlite_template'), tmp_path / 'ats.db')}"
    else:
        with request.getfixturevalue("postgres").fresh(migrated=True) as url:
            yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """The API of a Prefect server of the tests' own, which Prefect's clients then use."""
    # Imported here, since it takes seconds and most tests need no Prefect.
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield PREFECT_API_URL.value()
