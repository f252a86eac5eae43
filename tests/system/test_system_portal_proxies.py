"""The portal behind nginx and Caddy, configured as `docs/proxies.md` says: whose address counts, and which host."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from greenlight.ats.database import make_database, open_database
from greenlight.ats.tables import PortalSession
from greenlight.settings import Settings
from tests.linkedin.networks import certificates
from tests.portal.serving import listening, serving
from tests.portal.world import Browser, Clock, Portal, add_customer, named
from tests.system.programs import block_of, caddy, free_port, nginx, replaced

#: What stands in the documented blocks.
NAME, UPSTREAM = "portal.example.com", "127.0.0.1:8780"


@dataclass
class Front:
    """The portal, and a proxy before it by whose address browsers know it."""

    portal: Portal
    verify: ssl.SSLContext
    log: Path | None

    def browser(self, address: str = "127.0.0.2", **headers: str) -> httpx.AsyncClient:
        """One that is not where the proxy is."""
        way = httpx.AsyncHTTPTransport(verify=self.verify, local_address=address)
        return httpx.AsyncClient(transport=way, base_url=self.portal.settings.portal_url, headers=headers)


def _nginx(folder: Path, upstream: str, port: int, pem: Path) -> AbstractContextManager[Path]:
    servers = replaced(
        block_of("nginx"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        (NAME, "127.0.0.1"),
        ("/etc/ssl/127.0.0.1.pem", str(pem)),
        ("/etc/ssl/127.0.0.1.key", str(pem)),
        (UPSTREAM, upstream),
    )
    return nginx(folder, servers, ("127.0.0.1", port))


def _caddy(folder: Path, upstream: str, port: int, pem: Path) -> AbstractContextManager[None]:
    with_certificate = f"https://127.0.0.1:{port} {{\n    tls {pem} {pem}"
    site = replaced(block_of("caddy"), (f"{NAME} {{", with_certificate), (UPSTREAM, upstream))
    return caddy(folder, site, port)


@pytest.fixture(params=[_nginx, _caddy], ids=["nginx", "caddy"])
def front(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., AbstractContextManager[Front]]]:
    @contextmanager
    def build(*trusted: str) -> Iterator[Front]:
        ca, pem = certificates(tmp_path, "127.0.0.1")
        port, url = free_port(), f"sqlite:///{tmp_path / 'ats.db'}"
        make_database(url).close()
        settings = Settings(
            database_url=SecretStr(url), portal_url=f"https://127.0.0.1:{port}", portal_trusted_proxies=trusted
        )
        with ExitStack() as stack:
            database = open_database(url)
            stage = Portal(settings, database, Clock())
            add_customer(database, "acme", types=["APPLY_WITH_LINKEDIN"])
            add_customer(database, "bolt", types=["ONE_CLICK_EXPORT"])
            listener, origin = stack.enter_context(listening())
            stack.enter_context(serving(stage.app, listener))
            log = stack.enter_context(request.param(tmp_path, origin.removeprefix("http://"), port, pem))
            yield Front(stage, ssl.create_default_context(cafile=str(ca)), log)
            database.close()

    return build


async def guesses(front: Front, times: int, address: str = "127.0.0.2", **headers: str) -> set[int]:
    async with front.browser(address, **headers) as client:
        return {(await client.get("/open/guess")).status_code for _ in range(times)}


async def test_a_customer_opens_the_page_and_requests(front: Callable[..., AbstractContextManager[Front]]) -> None:
    with front("127.0.0.0/8") as there:
        async with there.browser() as client:
            browser = Browser(there.portal, client)
            link = there.portal.link("acme")
            await browser.open(link)
            assert (await browser.post(named())).status_code == 202
            assert (await client.get("/readyz")).text == "ok"
        assert len(there.portal.rows(PortalSession)) == 1
        assert len(there.portal.rings) == 1
        if there.log is not None:
            logged = there.log.read_text(encoding="utf-8")
            assert "/requests" in logged
            assert "/open/" not in logged, "a link is a secret"


async def test_guessers_are_told_apart_where_the_proxy_is_named(
    front: Callable[..., AbstractContextManager[Front]],
) -> None:
    """What a browser itself says of where it is changes nothing: the proxy writes behind it."""
    with front("127.0.0.1") as there:
        assert await guesses(there, 61, **{"X-Forwarded-For": "198.51.100.1"}) == {404, 429}
        assert await guesses(there, 1, **{"X-Forwarded-For": "198.51.100.2"}) == {429}
        assert await guesses(there, 1, "127.0.0.3") == {404}


async def test_a_proxy_that_is_not_named_costs_nobody_a_link(
    front: Callable[..., AbstractContextManager[Front]], caplog: pytest.LogCaptureFixture
) -> None:
    with front() as there:
        assert await guesses(there, 70) == {404, 429}
        async with there.browser() as client:
            browser = Browser(there.portal, client)
            await browser.open(there.portal.link("bolt"))
            assert (await browser.post(named())).status_code == 202
    (line,) = [record.getMessage() for record in caplog.records if record.name == "portal.neighbours"]
    assert line.startswith("127.0.0.1 sends X-Forwarded-For and is not believed")
