"""One driver process for the matrices of each file, a world for each matrix, and the list of what was covered."""

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from blocks.parent_app import save_parent
from greenlight.linkedin.oauth import Credentials
from sandbox.app import create_app
from sandbox.server import serving_in_thread
from sandbox.world import Application, World
from tests.kill.enabling import Street
from tests.kill.harness import Driver, Points
from tests.kill.steps import PARENT
from tests.kill.world import SECRET, Town

_POINTS = pytest.StashKey[Points]()


@pytest.fixture(autouse=True)
def drawn(seed: int, request: pytest.FixtureRequest) -> None:
    """Where a process is killed follows from the seed, whichever tests ran before."""
    random.seed(f"{seed} {request.node.name}")


@pytest.fixture(scope="session")
def points(pytestconfig: pytest.Config) -> Points:
    return pytestconfig.stash.setdefault(_POINTS, {})


@pytest.fixture(scope="module")
def driver(prefect_server: str, points: Points) -> Iterator[Driver]:
    driver = Driver(points, prefect_server)
    try:
        yield driver
    finally:
        driver.close()


@pytest.fixture(scope="module")
def enabling_driver(points: Points) -> Iterator[Driver]:
    """One that needs no Prefect server: what a run asks of it is left out (`tests/kill/paths.py`)."""
    driver = Driver(points)
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


@pytest.fixture
def street(enabling_driver: Driver, database_url: str) -> Any:
    """`with street(world) as there:`, or with more applications, which customers get later."""

    @contextmanager
    def build(world: World, later: Sequence[Application]) -> Iterator[Street]:
        everything = world.model_copy(update={"applications": [*world.applications, *later]})
        app = create_app(everything)
        with serving_in_thread(app) as address:
            yield Street(enabling_driver, app.state.sandbox, address, database_url, world.applications)

    def built(world: World, later: Sequence[Application] = ()) -> AbstractContextManager[Street]:
        return build(world, later)

    return built


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process beside others hands its points to the one that prints."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["kill points"] = session.config.stash.get(_POINTS, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    known = node.config.stash.setdefault(_POINTS, {})
    for of, points in getattr(node, "workeroutput", {}).get("kill points", {}).items():
        for name, times in points.items():
            known.setdefault(of, {})[name] = known.get(of, {}).get(name, 0) + times


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Which points were covered: with `-v` by name, else their number."""
    for of, points in config.stash.get(_POINTS, {}).items():
        if not points:
            continue
        terminalreporter.write_line(f"kill points of {of}: {len(points)} by name, {sum(points.values())} kills")
        if config.getoption("verbose") > 0:
            terminalreporter.write_line("    " + ", ".join(f"{name} {times}" for name, times in points.items()))
