"""The vendor's own page: whose integrations a token shows, on which origin, until when, and what a request leaves."""

from datetime import timedelta
from typing import Any

import pytest

from greenlight.ats.callbacks import MOST_INTEGRATIONS
from greenlight.ats.database import Database
from greenlight.ats.embed_tokens import TOKEN_LIFETIME
from greenlight.ats.tables import Integration, PortalSession, RequestEvidence
from greenlight.ats.withdrawals import BrowserSessions
from greenlight.settings import Settings
from portal.texts import Wording, texts_in
from tests.portal.embedding import APP, OTHER, STRANGER, VendorsPage, token_for, vendors_page
from tests.portal.world import Clock, Portal, add_customer, named


@pytest.fixture
def portal(settings: Settings, database: Database, clock: Clock) -> Portal:
    add_customer(database, "acme", types=["APPLY_WITH_LINKEDIN"])
    add_customer(database, "bolt", types=["ONE_CLICK_EXPORT"])
    return Portal(settings.model_copy(update={"embed_origins": (APP, OTHER)}), database, clock)


async def refused(page: VendorsPage, status: int, headers: dict[str, str | None]) -> None:
    """Neither shown nor taken, and said in one sentence."""
    for answer in (await page.state(headers=headers), await page.post(named(), headers=headers)):
        assert answer.status_code == status
        assert list(answer.json()) == ["error"]
        assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


async def test_a_token_shows_its_customer_and_what_its_plugin_is_shown_with(portal: Portal) -> None:
    async with vendors_page(portal) as page:
        answer = await page.state()
    state = answer.json()
    assert answer.status_code == 200
    assert (state["customer"], [entry["type"] for entry in state["integrations"]]) == (
        "acme Ltd",
        ["APPLY_WITH_LINKEDIN"],
    )
    assert state["plugin"] == {
        "api_key": "clientacme",
        "script": "https://www.linkedin.com/uas/in.js",
        "extension": "https://platform.linkedin.com/rsc/extensions/onboarding-widget",
        "bundles": "RECRUITER_SYSTEM_CONNECT_COMPANY,RECRUITER_SYSTEM_CONNECT_CONTRACT,APPLY_WITH_LINKEDIN",
    }
    assert state["expires_in"] == TOKEN_LIFETIME.total_seconds()
    assert "bolt" not in answer.text
    assert len(portal.rings) == 1, "what was never looked at is due once its page is open"


async def test_a_page_that_is_served_under_the_portals_own_origin_may_be_named_too(
    settings: Settings, database: Database, clock: Clock
) -> None:
    """A browser says of a GET to the page's own origin only that it is one."""
    add_customer(database, "acme")
    ours = settings.portal_url
    portal = Portal(settings.model_copy(update={"embed_origins": (ours,)}), database, clock)
    async with vendors_page(portal, origin=ours) as page:
        answers = {
            site: (await page.state(headers={"Origin": None, "Sec-Fetch-Site": site})).status_code
            for site in ("same-origin", "same-site", "cross-site", "none")
        }
        posted = await page.post(named(), headers={"Origin": None, "Sec-Fetch-Site": "same-origin"})
        told = await page.client.get("/embed/v1/origin", headers={"Sec-Fetch-Site": "same-origin"})
    assert answers == {"same-origin": 200, "same-site": 403, "cross-site": 403, "none": 403}
    assert told.json() == {"named": True}
    assert posted.status_code == 403, "a browser always says whence it posts"


async def test_a_customer_without_an_application_has_no_plugin(portal: Portal) -> None:
    add_customer(portal.database, "new", client_id="not a client id")
    async with vendors_page(portal, "new") as page:
        state = (await page.state()).json()
    assert (state["application"], state["plugin"]) == ("missing", None)


@pytest.mark.parametrize(("lang", "language"), [("de", "de"), ("ja-JP", "ja"), ("en", "en"), ("fr", "en"), ("", "en")])
async def test_every_word_is_in_the_asked_language(portal: Portal, lang: str, language: str) -> None:
    texts = texts_in(language)
    async with vendors_page(portal) as page:
        await page.post(named())
        state = (await page.state(lang)).json()
    assert state["language"] == language
    assert {entry["turn"] for entry in state["integrations"]} <= set(texts.turns.values())
    (requested,) = (entry for entry in state["integrations"] if entry["state"] == "requested")
    assert requested["headline"] == texts.of(Wording.REQUESTED).headline
    assert requested["place"] == texts.place_of("urn:li:organization:4gX03uw")


async def test_a_callback_is_stored_with_its_tokens_evidence_and_rings(portal: Portal, clock: Clock) -> None:
    async with vendors_page(portal) as page:
        clock.advance(5)
        answer = await page.post(named(), named(), {"integrationType": "X"})
        assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "unreadable": 1})
    assert {row["integration_type"] for row in portal.rows(Integration, "acme")} == {
        "APPLY_WITH_LINKEDIN",
        "APPLY_CONNECT",
    }
    ((evidence,), (session,)) = portal.rows(RequestEvidence), portal.rows(PortalSession)
    assert (session["customer_id"], session["origin"]) == ("acme", APP)
    digest = session["session_digest"]
    assert (evidence["session_digest"], evidence["times"], evidence["first_at"]) == (digest, 1, clock())
    assert portal.rings == [clock()]


async def test_a_request_in_another_customers_plugin_is_nobodys(portal: Portal) -> None:
    """A page that turns to another customer keeps the plugin of the first one; its click must not change hands."""
    async with vendors_page(portal, "bolt") as page:
        before = portal.everything()
        answer = await page.post(named(), api_key="clientacme")
        assert (answer.status_code, list(answer.json())) == (409, ["error"])
        assert portal.everything() == before
        assert (await page.post(named(), api_key="clientbolt")).status_code == 202
    assert {row["customer_id"] for row in portal.rows(Integration) if row["requested_at"]} == {"bolt"}


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="none"),
        pytest.param("Bearer ", id="an empty one"),
        pytest.param("Bearer guessed", id="a guess"),
        pytest.param("Basic {token}", id="another scheme"),
        pytest.param("{token}", id="no scheme"),
        pytest.param("Bearer {token}x", id="one character more"),
        pytest.param("Bearer " + "x" * 5000, id="a long one"),
    ],
)
async def test_without_a_token_there_is_nothing(portal: Portal, header: str | None) -> None:
    async with vendors_page(portal) as page:
        before = portal.everything()
        token = token_for(portal, "bolt")
        given = header.format(token=token) if header is not None else None
        await refused(page, 401, {"Authorization": given})
    assert [row for row in portal.rows(Integration) if row["requested_at"]] == []
    assert len(portal.rows(PortalSession)) == len(before["PortalSession"]) + 1


async def test_a_token_has_an_end(portal: Portal, clock: Clock) -> None:
    async with vendors_page(portal) as page:
        clock.advance((TOKEN_LIFETIME - timedelta(seconds=1)).total_seconds())
        assert (await page.state()).json()["expires_in"] == 1
        clock.advance(1)
        await refused(page, 401, {})


async def test_a_session_that_an_operator_has_ended_is_over(portal: Portal, clock: Clock) -> None:
    async with vendors_page(portal) as page, vendors_page(portal, "bolt") as other:
        clock.advance(1)
        assert BrowserSessions(portal.database).end("acme", clock()) == 1
        await refused(page, 401, {})
        assert (await other.state()).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param(STRANGER, id="a stranger's"),
        pytest.param(None, id="none"),
        pytest.param("null", id="that of a sandboxed frame"),
        pytest.param("http://app.ats.example", id="in plain text"),
        pytest.param("https://app.ats.example:8443", id="another port"),
        pytest.param("https://app.ats.example.evil.example", id="one that begins alike"),
        pytest.param("https://APP.ats.example", id="in capitals"),
        pytest.param(f"{APP}, {OTHER}", id="two in one"),
        pytest.param("https://portal.example.com", id="the portal's own"),
    ],
)
async def test_a_page_that_is_not_named_gets_nothing_even_with_a_good_token(portal: Portal, origin: str | None) -> None:
    async with vendors_page(portal) as page:
        before = portal.everything()
        await refused(page, 403, {"Origin": origin})
        assert portal.everything() == before


async def test_a_token_is_good_on_its_own_origin_alone(portal: Portal) -> None:
    async with vendors_page(portal) as page:
        await refused(page, 401, {"Origin": OTHER})
        assert (await page.state()).status_code == 200


async def test_where_no_page_is_named_nothing_is_embedded(portal: Portal, settings: Settings) -> None:
    off = Portal(settings, portal.database, portal.clock)
    token = token_for(portal, "acme")
    async with off.browser() as browser:
        await refused(VendorsPage(browser.client, token, APP), 403, {})


async def test_cookies_neither_help_nor_are_set(portal: Portal) -> None:
    """A browser sends them by itself, also for a page that has stolen nobody's token."""
    async with portal.visit("acme") as browser:
        page = VendorsPage(browser.client, "guessed", APP)
        assert browser.client.cookies
        await refused(page, 401, {})
        session_id = browser.client.cookies["__Host-greenlight"]
        await refused(page, 401, {"Authorization": f"Bearer {session_id}"})
    async with vendors_page(portal) as page:
        token = (page.usual["Authorization"] or "").removeprefix("Bearer ")
        for answer in (await page.state(), await page.post(named()), await page.client.get("/embed/v1.js")):
            assert "set-cookie" not in answer.headers
        as_cookie = {"Cookie": f"__Host-greenlight={token}"}
        assert (await page.client.get("/", headers=as_cookie)).status_code == 404
        assert (await page.client.get("/integrations.json", headers=as_cookie)).status_code == 404
        await refused(page, 401, {"Authorization": None, **as_cookie})


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        ("{}", {}, 422),
        ('{"integrations": [{}]}', {}, 422),
        ('{"apiKey": "clientacme", "integrations": []}', {}, 422),
        ('{"apiKey": 7, "integrations": [{}]}', {}, 422),
        ('{"apiKey": "' + "x" * 257 + '", "integrations": [{}]}', {}, 422),
        ("{", {}, 422),
        ("{}", {"Content-Type": "text/plain"}, 415),
        ("{}", {"Content-Encoding": "gzip"}, 415),
        ("x" * 16_385, {}, 413),
    ],
)
async def test_a_body_that_is_no_callback(portal: Portal, content: str, headers: dict[str, Any], status: int) -> None:
    async with vendors_page(portal) as page:
        before = portal.everything()
        answer = await page.send(content, headers)
        assert (answer.status_code, list(answer.json())) == (status, ["error"])
        assert portal.everything() == before


async def test_more_integrations_than_any_customer_has(portal: Portal) -> None:
    async with vendors_page(portal) as page:
        many = [named(f"urn:li:organization:{n}") for n in range(MOST_INTEGRATIONS)]
        assert (await page.post(*many)).status_code == 409
        assert (await page.post(*many[1:])).status_code == 202


async def test_who_asks_too_often_is_told_when_to_come_back(portal: Portal, clock: Clock) -> None:
    async with vendors_page(portal) as page, vendors_page(portal) as again, vendors_page(portal, "bolt") as other:
        for _ in range(60):
            assert (await page.post(named())).status_code == 202
        answer = await page.post(named())
        assert (answer.status_code, list(answer.json())) == (429, ["error"])
        assert 0 < int(answer.headers["retry-after"]) <= 60
        # Another token of the same customer has its own share, and all of the customer's together an end.
        for _ in range(60):
            assert (await again.post(named())).status_code == 202
        assert (await VendorsPage(again.client, token_for(portal, "acme"), APP).post(named())).status_code == 429
        assert (await other.post(named(), api_key="clientbolt")).status_code == 202
        for _ in range(300):
            await page.state()
        assert (await page.state()).status_code == 429
        clock.advance(61)
        assert (await page.state()).status_code == 200
        guesses = [(await page.state(headers={"Authorization": "Bearer guess"})).status_code for _ in range(61)]
        assert guesses == [401] * 60 + [429]
        assert (await page.state()).status_code == 200, "who has a token is not limited by an address"


async def test_no_token_is_in_the_log(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with vendors_page(portal) as page:
        token = (page.usual["Authorization"] or "").removeprefix("Bearer ")
        await page.state()
        await page.post(named())
        await page.post(named(), api_key="clientbolt")
        await page.send("{", {})
        await page.post(named(), headers={"Origin": STRANGER})
        await page.post(named(), headers={"Origin": OTHER})
    said = [record.getMessage() for record in caplog.records if record.name.startswith("portal")]
    assert [line.partition(":")[0] for line in said] == [
        "a callback was refused (409)",
        "a callback was refused (422)",
        "a callback was refused (403)",
        "a callback was refused (401)",
    ]
    assert token not in caplog.text


async def test_an_error_of_ours_is_one_sentence_that_the_page_may_read(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with vendors_page(portal) as page:
        monkeypatch.setattr("portal.context.EmbedTokens.find", lambda *given: 1 / 0)
        answer = await page.state()
    assert (answer.status_code, list(answer.json())) == (500, ["error"])
    assert answer.headers["access-control-allow-origin"] == APP
