"""A PostgreSQL that a test may stop."""

from collections.abc import Iterator

import pytest

from greenlight.ats.database import make_database
from tests.ats.postgres import NoPostgres, Server, embedded


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for the tests of a module alone, with the newest schema."""
    try:
        with embedded() as server:
            make_database(server.text).close()
            yield server
    except NoPostgres as why:
        pytest.skip(f"no PostgreSQL: {why}")
