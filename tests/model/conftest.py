"""Worlds of the model, without Prefect, each in a database of its own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.model.steps import without_prefect
from tests.model.world import Ground


@pytest.fixture(autouse=True)
def no_prefect() -> Iterator[None]:
    with without_prefect():
        yield


@pytest.fixture
def seeds(engine_name: str, seed: int, sampled: bool) -> Callable[[int], range]:
    """The seeds of so many schedules, or of a quarter of them on PostgreSQL, where each statement is a journey."""
    first, times = seed, (1 if engine_name == "sqlite" else 4) * (10 if sampled else 1)
    return lambda count: range(first, first + max(1, count // times))


@pytest.fixture
def ground(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Ground:
    """Makes a database with the newest schema and nothing in it, for one world."""
    if engine_name == "postgres":
        postgres = request.getfixturevalue("postgres")
        return lambda: postgres.fresh(migrated=True)
    template = request.getfixturevalue("sqlite_template")

    @contextmanager
    def a_file() -> Iterator[str]:
        folder = tmp_path / uuid4().hex
        folder.mkdir()
        yield f"sqlite:///{shutil.copy(template, folder / 'ats.db')}"
        shutil.rmtree(folder)

    return a_file
