"""One driver process for all kill matrices, and a world for each."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from blocks.parent_app import save_parent
from greenlight.linkedin.oauth import Credentials
from sandbox.app import create_app
from sandbox.server import serving_in_thread
from sandbox.world import World
from tests.kill.steps import PARENT
from tests.kill.world import SECRET, Driver, Town


@pytest.fixture(scope="module")
def driver(prefect_server: str) -> Iterator[Driver]:
    driver = Driver(prefect_server)
    try:
        yield driver
    finally:
        driver.close()


@pytest.fixture
def town(driver: Driver, prefect_server: str, database_url: str) -> Any:
    """`async with town(world) as there:`"""

    @asynccontextmanager
    async def build(world: World) -> AsyncIterator[Town]:
        app = create_app(world)
        with serving_in_thread(app) as address, temporary_settings({PREFECT_API_URL: prefect_server}):
            await save_parent(Credentials(PARENT, SecretStr(SECRET)))
            yield Town(driver, app.state.sandbox, address, database_url)

    return build
