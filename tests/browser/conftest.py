"""A Chromium, and a stage for it to visit.

Without a Chromium or without playwright these tests are skipped; REQUIRE_BROWSER=1 makes that a failure.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import do_without, find_chromium, what_is_missing


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Any]:
    if why := what_is_missing():
        do_without(why)
    from tests.browser.visitor import chromium_running

    async with chromium_running(find_chromium() or "") as running:
        yield running


@pytest.fixture
def stage(
    browser: Any, prefect_server: str, sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """`async with stage() as there:`, with every setting pointed at it; settings may be given by name."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from tests.browser.stage import open_stage

    @asynccontextmanager
    async def build(**settings: str) -> AsyncIterator[Any]:
        url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'ats.db')}"
        for name, value in (("API_URL", prefect_server), ("HOME", str(tmp_path / "prefect"))):
            monkeypatch.setenv(f"PREFECT_{name}", value)
        with temporary_settings({PREFECT_API_URL: prefect_server}):
            async with open_stage(url, monkeypatch.setenv, browser, settings) as there:
                yield there

    return build


@pytest.fixture
def company(stage: Any) -> Any:
    """`async with company() as (there, vendor):` a stage whose settings name the vendor's site."""
    from tests.browser.vendor import vendor_site

    @asynccontextmanager
    async def build(**settings: str) -> AsyncIterator[Any]:
        async with vendor_site() as vendor, stage(**{"GREENLIGHT_EMBED_ORIGINS": vendor.origin, **settings}) as there:
            vendor.stage = there
            yield there, vendor

    return build
