"""The sandbox over real HTTP under a virtual clock: its late effects and lagging looks pass with the world's time.

Every request goes through a socket to a sandbox in a thread of its own, which asks the world what time it is.
"""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import httpx
from pydantic import SecretStr
from typing_extensions import override

from greenlight.ats.registry import Registration, register
from greenlight.domain.keys import IntegrationKey
from greenlight.linkedin.oauth import Credentials
from sandbox import world as at_linkedin
from sandbox.app import create_app
from sandbox.server import serving_in_thread
from tests.model.process import Process
from tests.model.world import Ground, World

#: From a request to its arrival, and from there to its answer; far less than any effect is late.
_WAY = 0.1


class Sandboxed:
    """Stands where `tests.model.linkedin.LinkedIn` does; `serve` is all that processes know of it."""

    def __init__(self, world: World, applications: Sequence[at_linkedin.Application], seed: int) -> None:
        known = at_linkedin.World(applications=list(applications))
        app = create_app(known, clock=lambda: world.clock().timestamp(), seed=seed)
        self.sandbox: Any = app.state.sandbox
        self._open = ExitStack()
        self._address = httpx.URL(self._open.enter_context(serving_in_thread(app)))
        self._http = self._open.enter_context(httpx.Client(timeout=20, trust_env=False))

    async def serve(self, request: httpx.Request, _caller: Process) -> httpx.Response:
        """The answer as it came over the wire, not decoded; httpx's own error where the connection breaks."""
        await asyncio.sleep(_WAY)
        url = self._address.copy_with(raw_path=request.url.raw_path)
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
        with self._http.stream(request.method, url, headers=headers, content=request.content) as answer:
            body = b"".join(answer.iter_raw())
        await asyncio.sleep(_WAY)
        return httpx.Response(answer.status_code, headers=answer.headers.raw, stream=httpx.ByteStream(body))

    def close(self) -> None:
        self._open.close()


class OverHttp(World):
    """A world of the model whose LinkedIn is the sandbox with these customers' applications."""

    def __init__(self, ground: Ground, applications: Sequence[at_linkedin.Application], seed: int) -> None:
        super().__init__(ground)
        self.began = self.clock().timestamp()
        there = Sandboxed(self, applications, seed)
        self.sandbox = there.sandbox
        self.linkedin = there  # pyright: ignore[reportAttributeAccessIssue]
        self._there = there
        registrations = []
        for one in applications:
            customer, block = str(one.customer), f"block-{one.customer}"
            self.clients[customer] = one.client_id
            self.secrets[block] = Credentials(one.client_id, SecretStr(one.client_secret))
            keys = [IntegrationKey(i.integration_context, i.integration_type, i.tenant_type) for i in one.integrations]
            named = [(key, str(key)[:50]) for key in keys]
            registrations.append(Registration(customer, customer, (one.client_id, block), named))
        register(self.database, registrations, self.clock())

    @override
    def close(self) -> None:
        super().close()
        self._there.close()
