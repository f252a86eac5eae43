"""Attacks 1 to 5 over real connections: other tenants, forged contexts, replays, foreign pages, frames."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.tables import Integration, PortalSession, RequestEvidence
from greenlight.settings import load_settings
from portal.links import LINK_SECONDS, SKEW_SECONDS
from sandbox.keys import Key
from sandbox.world import World
from tasks.realtime.requested import enable_requested
from tests.attacks.street import Street
from tests.portal.world import Clock, Portal, named
from tests.tasks.realtime.test_tasks_requested import TYPE, Customer

BODY = {"integrations": [named()]}


def test_attack_01_another_tenants_token_or_name_in_a_post(portal_street: Street) -> None:
    """Whose post it is comes from the session alone: bolt's token is refused, bolt's name in the body is nothing."""
    before = portal_street.portal.everything("bolt")
    with portal_street.visitor("acme") as acme, portal_street.visitor("bolt") as bolt:
        opened = portal_street.portal.everything("bolt")
        assert acme.post(BODY, {"X-CSRF-Token": bolt.csrf}).status_code == 403
        claims = {"customer_id": "bolt", "tenant": "bolt", "client_id": "clientbolt"}
        assert portal_street.portal.rows(RequestEvidence) == []
        posted = acme.post({**BODY, **claims, "integrations": [{**named(), **claims}]}, {"X-Customer-Id": "bolt"})
        assert posted.status_code == 202
    assert portal_street.portal.everything("bolt") == opened
    assert len(opened["Integration"]) == len(before["Integration"]) == 1
    (evidence,) = portal_street.portal.rows(RequestEvidence)
    assert portal_street.portal.rows(RequestEvidence, "acme") == [evidence]


async def test_attack_02_a_forged_context_is_asked_about_and_never_enabled(town: Any) -> None:
    """Bolt's browser names acme's organization, which acme has requested: verify under bolt's own key decides."""
    acme, bolt = Customer("acme"), Customer("bolt")
    async with town(World(applications=[acme.application, bolt.application])) as there:
        for customer in (acme, bolt):
            await customer.move_in(there)
        there.linkedin.request(acme.client_id, Key(acme.key().integration_context, TYPE, "JOBS"))
        clock = Clock()
        clock.now = there.now()
        portal = Portal(load_settings(), there.database, clock)
        async with portal.visit(bolt.id) as browser:
            assert (await browser.post(named(acme.key().integration_context, TYPE))).status_code == 202
            await enable_requested()
            await reconcile(What.APPLY, return_state=True)
            (shown,) = (await browser.client.get("/integrations.json")).json()["integrations"]
        assert there.enables() == {id: {"received": 0, "effective": 0} for id in (acme.id, bolt.id)}
        assert bolt.shown(there) == {TYPE: ("NOT_REQUESTED", "waiting", "NOT_REQUESTED")}
        assert acme.shown(there) == {}, "acme's own rows know nothing of it"
        assert shown["state"] in ("requested", "not_requested"), (
            "while LinkedIn may still come to show it, we go on looking"
        )


@pytest.mark.parametrize("times", [1, 2, 50])
def test_attack_03_one_callback_however_often(portal_street: Street, times: int) -> None:
    """LinkedIn's plugin and impatient people repeat themselves; there is one row, and the answer is the same."""
    with portal_street.visitor("acme") as acme, ThreadPoolExecutor(10) as crowd:
        answers = list(crowd.map(lambda _: acme.post(BODY), range(times)))
        shown = acme.state()["integrations"]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, '{"accepted":1}')}
    rows = [row for row in portal_street.portal.rows(Integration, "acme") if row["integration_type"] == "APPLY_CONNECT"]
    assert len(rows) == 1
    assert len(portal_street.portal.rows(RequestEvidence)) == 1
    assert [entry["type"] for entry in shown].count("APPLY_CONNECT") == 1


def test_attack_03_every_dead_link_is_the_same_404(portal_street: Street) -> None:
    """Used, expired, tampered with, from the future: whoever tries learns nothing of what was wrong."""
    portal, links = portal_street.portal, {}
    links["used"] = portal.link("acme")
    links["tampered"] = portal.link("acme")[:-1]
    links["of nobody"] = portal.link("nobody")
    with portal_street.stranger() as first:
        assert portal_street.spend(first, links["used"]).status_code == 303
    now = portal.clock.now
    for name, ago in (("expired", LINK_SECONDS + 1), ("from the future", -SKEW_SECONDS - 5)):
        portal.clock.now = now - timedelta(seconds=ago)
        links[name] = portal.link("acme")
    portal.clock.now = now
    sessions = len(portal.rows(PortalSession))
    with portal_street.stranger() as stranger:
        answers = {name: stranger.get(link) for name, link in links.items()}
        answers |= {f"{name}, pressed": portal_street.spend(stranger, link) for name, link in links.items()}
        page = stranger.get("/")
    assert {(a.status_code, a.text) for a in answers.values()} == {(404, page.text)}
    assert not any("set-cookie" in answer.headers for answer in answers.values())
    assert len(portal.rows(PortalSession)) == sessions


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-CSRF-Token": None}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_attack_04_a_post_that_a_foreign_page_made(
    portal_street: Street, headers: dict[str, str | None], status: int
) -> None:
    """The cookie goes with it, so only what a foreign page cannot set tells it from ours."""
    with portal_street.visitor("acme") as acme:
        assert acme.post(BODY, headers).status_code == status
    assert portal_street.portal.rows(RequestEvidence) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_attack_04_another_method_on_the_path_of_the_post(portal_street: Street, method: str) -> None:
    """An image or a link of a foreign page makes GETs, and none of them may change anything."""
    with portal_street.visitor("acme") as acme:
        assert acme.client.request(method, "/requests").status_code == 405
    assert portal_street.portal.rows(RequestEvidence) == []


def test_attack_05_no_answer_may_be_framed(portal_street: Street) -> None:
    """A frame under a foreign page turns the admin's clicks into requests; every answer of ours forbids it."""
    with portal_street.visitor("acme") as acme:
        for path in ("/", "/nothing", "/open/x", "/static/page.css", "/integrations.json"):
            answer = acme.client.get(path)
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
            assert answer.headers["x-frame-options"] == "DENY", path
