"""Worlds of the model, without Prefect."""

from collections.abc import Iterator

import pytest

from tests.model.steps import without_prefect


@pytest.fixture(autouse=True)
def no_prefect() -> Iterator[None]:
    with without_prefect():
        yield
