"""What stands in front of the portal: proxies that are known, that are not, and that pass a wrong host on."""

import logging
from collections import Counter

import pytest

from greenlight.ats.database import Database
from greenlight.settings import Settings
from portal.neighbours import MOST_LINES
from tests.portal.world import Clock, Portal, statuses


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "portal.neighbours"]


async def test_another_host_is_named_once_beside_the_one_that_is_expected(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    async with portal.browser() as browser:
        for _ in range(3):
            assert (await browser.client.get("/open/SECRET", headers={"Host": "10.0.0.7:8780"})).status_code == 404
        assert (await browser.client.get("/healthz", headers={"Host": "10.0.0.8"})).status_code == 200
    assert lines(caplog) == [
        "a request for host 10.0.0.7:8780 came, and answers are for portal.example.com alone: a proxy in front must "
        "pass the browser's Host on, and GREENLIGHT_PORTAL_URL (https://portal.example.com) must be what browsers open"
    ]


async def test_strangers_fill_no_log(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    async with portal.browser() as browser:
        for n in range(MOST_LINES + 10):
            await browser.client.get("/", headers={"Host": f"evil{n}.example"})
        await browser.client.get("/", headers={"Host": "x" * 5000})
    assert len(lines(caplog)) == MOST_LINES
    assert max(map(len, lines(caplog))) < 400


async def test_a_proxy_that_is_not_named_is_pointed_out_once(
    settings: Settings, database: Database, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    trusting = settings.model_copy(update={"portal_trusted_proxies": ("10.1.0.0/16",)})
    portal = Portal(trusting, database, clock)
    with caplog.at_level(logging.INFO):
        for address in ("10.1.2.3", "10.2.0.1", "10.2.0.1"):
            async with portal.browser(address) as browser:
                await browser.client.get("/", headers={"X-Forwarded-For": "198.51.100.1"})
                await browser.client.get("/")
    (line,) = lines(caplog)
    assert line.startswith("10.2.0.1 sends X-Forwarded-For and is not believed")
    assert "GREENLIGHT_PORTAL_TRUSTED_PROXIES" in line


async def test_attack_22_an_untrusted_peer_cannot_choose_its_address(portal: Portal) -> None:
    seen = Counter[int]()
    for n in range(62):
        seen += await statuses(portal, 1, **{"X-Forwarded-For": f"198.51.100.{n}"})
    assert seen == {404: 60, 429: 2}


async def test_attack_22_a_trusted_proxy_tells_browsers_apart(
    settings: Settings, portal: Portal, database: Database, clock: Clock
) -> None:
    trusted = ("10.0.0.0/30", "fd00::1")
    behind = Portal(settings.model_copy(update={"portal_trusted_proxies": trusted}), database, clock)

    async def via(forwarded: str, times: int = 1) -> Counter[int]:
        return await statuses(behind, times, address="10.0.0.1", **{"X-Forwarded-For": forwarded})

    assert await via("198.51.100.1", 61) == {404: 60, 429: 1}
    # What the browser itself put in front counts for nothing, nor does another proxy of ours behind it.
    assert await via("203.0.113.9, 198.51.100.1") == {429: 1}
    assert await via("10.0.0.2, 198.51.100.1, 10.0.0.2") == {429: 1}
    assert await via("198.51.100.1, FD00:0::1") == {429: 1}
    assert await via("::ffff:198.51.100.1") == {429: 1}
    for spelled in ("198.51.100.1:5123", "[::ffff:198.51.100.1]:443", " 198.51.100.1 "):
        assert await via(spelled) == {429: 1}, spelled
    assert await via("198.51.100.2") == {404: 1}
    assert await via("198.51.100.1, 10.0.0.4") == {404: 1}, "beside the network"
    assert await via("garbage") == {404: 1}
    assert await via("2001:db8::1", 60) == {404: 60}
    # A single browser has all addresses of its network.
    assert await via("2001:db8::ffff") == {429: 1}
    assert await via("[2001:db8::5]:443") == {429: 1}
    assert await via("2001:db8:0:1::1") == {404: 1}
