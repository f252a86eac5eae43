"""The API of a portal on a virtual clock, with the customers acme and bolt, and callers with keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from greenlight.ats.api_keys import ApiKeys, Scope
from tests.portal.conftest import clock as clock
from tests.portal.conftest import portal as portal
from tests.portal.conftest import settings as settings
from tests.portal.world import Portal


def key_of(portal: Portal, *scopes: Scope, name: str = "our ATS") -> str:
    """A new key, which may everything unless scopes are given."""
    return ApiKeys(portal.database).create(name, scopes or tuple(Scope), portal.clock())[0]


def by(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@asynccontextmanager
async def calling(portal: Portal, *scopes: Scope, name: str = "our ATS") -> AsyncIterator[httpx.AsyncClient]:
    """A back end with a new key, which may everything unless scopes are given."""
    async with portal.browser() as browser:
        browser.client.headers.update(by(key_of(portal, *scopes, name=name)))
        yield browser.client


@pytest.fixture
async def api(portal: Portal) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(portal) as client:
        yield client
