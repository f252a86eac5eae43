"""What the attacks are made on: whole flows before a sandbox, the command line, and a portal on a real socket."""

from collections.abc import Iterator

import pytest

from greenlight.ats.database import Database
from tests.attacks.street import Street, street
from tests.cli.conftest import home as home
from tests.flows.conftest import town as town


@pytest.fixture
def engine_name() -> str:
    """One database is enough, but where a test asks for both."""
    return "sqlite"


@pytest.fixture
def portal_street(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Street]:
    """The portal as the street sees it, with the customers acme and bolt."""
    monkeypatch.setattr("portal.bodies.BODY_SECONDS", 0.5)
    with street(database) as opened:
        yield opened
