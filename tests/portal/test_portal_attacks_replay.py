"""Attack 3: the same callback again, links that are used, expired or forged, guessed sessions."""

import asyncio
from collections import Counter

import pytest

from greenlight.ats.tables import Integration, PortalSession, RequestEvidence
from portal.links import LINK_SECONDS, Links
from tests.portal.world import KEYS, Clock, Portal, named


#: What no answer to acme may hold.
@pytest.mark.parametrize("times", [1, 2, 50])
async def test_attack_03_the_same_callback_again_and_at_once(portal: Portal, times: int) -> None:
    async with portal.visit("acme") as browser:
        answers = await asyncio.gather(*(browser.post(named()) for _ in range(times)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, '{"accepted":1}')}
    assert len(portal.rows(Integration, "acme")) == 2
    (evidence,) = portal.rows(RequestEvidence)
    assert evidence["times"] == times
    assert len(portal.rings) == times


async def test_attack_03_one_link_opened_twenty_times_at_once(portal: Portal) -> None:
    link = portal.link("acme")

    async def opened() -> int:
        async with portal.browser() as browser:
            return (await browser.spend(link)).status_code

    assert Counter(await asyncio.gather(*(opened() for _ in range(20)))) == {303: 1, 404: 19}
    assert len(portal.rows(PortalSession)) == 1


async def test_attack_03_every_link_that_does_not_work_is_answered_alike(portal: Portal, clock: Clock) -> None:
    used, expired = portal.link("acme"), portal.link("acme")
    late = Links(KEYS, lambda: clock.seconds() + LINK_SECONDS + 300)
    async with portal.browser() as browser:
        await browser.open(used)
    clock.advance(LINK_SECONDS + 1)
    used_lately = portal.link("acme")
    async with portal.browser() as browser:
        await browser.open(used_lately)
    before = portal.everything()
    links = {
        "used": used_lately,
        "used long ago": used,
        "expired": expired,
        "future-dated": f"/open/{late.issue('acme')}",
        "tampered": portal.link("acme")[:-4] + "AAAA",
        "unknown customer": portal.link("nobody"),
        "foreign key": f"/open/{Links(['other'], clock.seconds).issue('acme')}",
        "csrf token": f"/open/{portal.links.csrf_for('x')}",
        "malformed": "/open/x",
        "blank": "/open/%20",
        "NUL": "/open/%00",
        "no text": "/open/%ff%fe",
        "long": "/open/" + "x" * 9000,
    }
    async with portal.browser() as browser:
        answers = {why: await browser.client.get(link) for why, link in links.items()}
        answers |= {f"{why}, pressed": await browser.spend(link) for why, link in links.items()}
        answers["no session"] = await browser.client.get("/")
    seen = {(a.status_code, a.content, tuple(sorted(a.headers.multi_items()))) for a in answers.values()}
    assert len(seen) == 1
    assert answers["used"].status_code == 404
    assert "This link no longer works." in answers["used"].text
    assert portal.everything() == before


@pytest.mark.parametrize(
    "cookie", ["", "x", "x" * 5000, "\x7f", "é", '"', "a; b; __Host-greenlight", "__Host-greenlight=" * 50]
)
async def test_attack_03_a_guessed_session(portal: Portal, cookie: str) -> None:
    async with portal.browser() as browser:
        headers = [(b"Cookie", b"__Host-greenlight=" + cookie.encode("latin-1"))]
        assert (await browser.client.get("/", headers=headers)).status_code == 404
        assert (await browser.client.get("/integrations.json", headers=headers)).status_code == 404


async def test_attack_03_a_digest_from_the_database_is_no_session(portal: Portal) -> None:
    async with portal.visit("acme"), portal.browser() as browser:
        (visit,) = portal.rows(PortalSession)
        answer = await browser.client.get("/", headers={"Cookie": f"__Host-greenlight={visit['session_digest']}"})
    assert answer.status_code == 404


async def test_attack_03_the_cookie_of_plain_http_is_none_with_https(portal: Portal) -> None:
    async with portal.visit("acme") as browser, portal.browser() as other:
        session_id = browser.client.cookies["__Host-greenlight"]
        assert (await other.client.get("/", headers={"Cookie": f"greenlight={session_id}"})).status_code == 404
