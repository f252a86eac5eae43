"""A sandbox on a clock of its own, with what lands late and looks that lag."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from sandbox.app import create_app
from sandbox.faults import Fault
from sandbox.server import serving
from tests.sandbox.partner import AWLI, Clock, Partner, by_key, small_world


def late(name: str = "status", seconds: float = 5, **parameters: Any) -> Fault:
    if name == "status":
        parameters.setdefault("status", 504)
    return Fault.model_validate({"on": "enable", "fault": name, "applied_after": seconds, **parameters})


def lag(seconds: float, **parameters: Any) -> Fault:
    return Fault.model_validate({"on": "verify", "fault": "lag", "seconds": seconds, "times": None, **parameters})


@asynccontextmanager
async def served(*faults: Fault, **settings: Any) -> AsyncIterator[Partner]:
    app = create_app(small_world(*faults, **settings), clock=Clock())
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=5, verify=False) as http:
        partner = Partner(http, app.state.sandbox)
        await partner.log_in()
        yield partner


async def shown(partner: Partner, *keys: tuple[str, str, str, str]) -> list[str | None]:
    results = by_key((await partner.verify(*keys)).json()["results"])
    return [results.get(key, {}).get("onboardingStatus") for key in keys or (AWLI,)]
