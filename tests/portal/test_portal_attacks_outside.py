"""Attacks from outside a session: log lines, hosts and proxies, floods and guesses (16, 22, 23)."""

import asyncio
import json
import logging
from collections import Counter

import httpx
import pytest
from sqlalchemy import event

from greenlight.ats.tables import Integration, PortalSession
from portal import limiter
from portal.limiter import Limiter
from portal.links import LINK_SECONDS
from portal.refusals import TooOften
from tests.portal.world import HTTPS, Clock, Portal, named, statuses

REPORT = {"csp-report": {"effective-directive": "script-src-elem", "blocked-uri": "https://evil.example/x.js?secret=1"}}
AS_REPORT = {"Content-Type": "application/csp-report"}


async def test_attack_16_a_report_is_one_clean_line(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    hostile = "x\r\nERROR forged line\x1b[31m\u202e\u2028\x00" + "y" * 3000
    reports = [
        (REPORT, "application/csp-report"),
        ({"csp-report": {"violated-directive": hostile, "blocked-uri": hostile}}, "application/csp-report"),
        ([{"type": "csp-violation", "body": {"effectiveDirective": hostile}}] * 2, "application/reports+json"),
        ({"csp-report": {"effective-directive": {"a": ["b\n"]}, "blocked-uri": 7}}, "application/csp-report"),
        ([], "application/reports+json"),
        ("text", "application/csp-report"),
        ({"csp-report": {"blocked-uri": f"{HTTPS}{portal.link('acme')}"}}, "application/csp-report"),
    ]
    with caplog.at_level(logging.INFO):
        async with portal.browser() as browser:
            for report, media_type in reports:
                headers = {"Content-Type": media_type}
                answer = await browser.client.post("/csp-reports", content=json.dumps(report), headers=headers)
                assert (answer.status_code, answer.content) == (204, b"")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("portal")]
    assert len(lines) == len(reports)
    assert lines[0] == "a browser reports: script-src-elem blocked https://evil.example/x.js"
    assert lines[-1] == f"a browser reports: None blocked {HTTPS}/open/[hidden]"
    assert all(line.isprintable() and len(line) < 300 for line in lines)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{}", {"Content-Type": "application/json"}, 415),
        (b"{}", {}, 415),
        (b"{", AS_REPORT, 422),
        (b"[" * 8000, AS_REPORT, 422),
        (b"\xff", AS_REPORT, 422),
        (b" " * 8193, AS_REPORT, 413),
        (b"{}", {**AS_REPORT, "Content-Encoding": "gzip"}, 415),
    ],
)
async def test_attack_16_what_is_no_report_is_not_logged(
    portal: Portal, caplog: pytest.LogCaptureFixture, content: bytes, headers: dict[str, str], status: int
) -> None:
    async with portal.browser() as browser:
        answer = await browser.client.post("/csp-reports", content=content, headers=headers)
    assert answer.status_code == status
    assert "browser reports" not in caplog.text


async def test_attack_16_a_hostile_customer_id_stays_on_one_line(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with portal.browser() as browser:
            await browser.client.get(portal.link("x\r\nforged\x1b[2J"))
    (line,) = (r.getMessage() for r in caplog.records if r.name.startswith("portal"))
    assert line.isprintable()


async def test_attack_16_no_secret_is_in_any_log_line(
    portal: Portal, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    # What the tests' own browser logs is not ours.
    for name in ("httpx", "httpcore"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", True)
    links = [portal.link("acme") for _ in range(4)]
    async with portal.browser() as browser:
        await browser.open(links[0])
        secrets = [browser.client.cookies["__Host-greenlight"], browser.csrf]
        await browser.post(named())
        await browser.post(named(), headers={"X-CSRF-Token": "wrong"})
        await browser.send("{")
        await browser.client.get(links[1][:-3])
        async with portal.browser() as other:
            await other.spend(links[0])
        monkeypatch.setattr("portal.context.Requests.record_all", lambda *given: 1 / 0)
        assert (await browser.post(named())).status_code == 500
        monkeypatch.setattr("portal.context.PortalSessions.open", lambda *given: 1 / 0)
        browser.client.cookies.clear()
        assert (await browser.spend(links[2])).status_code == 500
        clock.advance(LINK_SECONDS + 1)
        await browser.client.get(links[3])
    log = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    assert "ZeroDivisionError" in log
    for secret in [*secrets, *(link.removeprefix("/open/") for link in links), *("signing key",)]:
        assert secret not in log


@pytest.mark.parametrize(
    "host",
    [
        *["evil.example", "portal.example.com.evil.example", "evil.example@portal.example.com", "127.0.0.1", ""],
        *[
            "portal.example.com:8080",
            "portal.example.com:443",
            "portal.example.com.",
            "portal.example.com, evil.example",
        ],
    ],
)
async def test_attack_22_another_host(portal: Portal, host: str) -> None:
    link = portal.link("acme")
    async with portal.visit("acme") as browser:
        for path in ("/", link, "/integrations.json", "/static/page.css", "/nothing"):
            answer = await browser.client.get(path, headers={"Host": host})
            assert (answer.status_code, answer.text) == (404, "Not found.")
            assert "evil" not in str(answer.headers)
        assert (await browser.post(named(), headers={"Host": host})).status_code == 404
    assert len(portal.rows(PortalSession)) == 1
    assert [row["requested_at"] for row in portal.rows(Integration)] == [None, None]


async def test_attack_22_two_hosts_and_none(portal: Portal) -> None:
    async with portal.visit("acme") as browser:
        cookie = ("Cookie", f"__Host-greenlight={browser.client.cookies['__Host-greenlight']}")
        ours, evil = ("Host", "portal.example.com"), ("Host", "evil.example")
        for hosts, status in [([ours], 200), ([ours, evil], 404), ([evil, ours], 404), ([ours, ours], 404)]:
            answer = await browser.client.get("/", headers=httpx.Headers([*hosts, cookie]))
            assert answer.status_code == status


async def test_attack_22_what_proxies_say_about_hosts_is_not_believed(portal: Portal) -> None:
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Port": "1",
        "Forwarded": "host=evil.example;proto=http",
        "X-Original-URL": "/static/page.css",
        "X-Rewrite-URL": "/static/page.css",
    }
    async with portal.browser(**headers) as browser:
        opened = await browser.spend(portal.link("acme"))
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        assert "Secure" in opened.headers["set-cookie"]
        page = await browser.client.get("/", headers=headers)
        assert "acme Ltd" in page.text
        assert "evil" not in page.text + str(page.headers) + str(opened.headers)


@pytest.mark.parametrize(
    "path", ["//evil.example", "/requests/", "/open", "/open/", "/open/a/b", "/\\evil.example", "/%2f%2fevil.example"]
)
async def test_attack_22_no_path_leads_elsewhere(portal: Portal, path: str) -> None:
    async with portal.visit("acme") as browser:
        answer = await browser.client.get(httpx.URL(HTTPS).copy_with(raw_path=path.encode()))
    assert answer.status_code == 404
    assert "location" not in answer.headers


async def test_attack_23_guessing_links(portal: Portal, clock: Clock) -> None:
    """It keeps nobody out who has a link, though a whole office or a proxy may share the address."""
    assert await statuses(portal, 70) == {404: 60, 429: 10}
    assert await statuses(portal, 1, address="192.0.2.2") == {404: 1}
    link = portal.link("acme")
    async with portal.browser() as browser:
        causes = [await browser.client.get(path) for path in ("/open/guess", "/", "/integrations.json", link[:-3])]
        causes.append(await browser.post(named()))
        for answer in causes:
            # A connection with a body that nobody read is closed.
            answer.headers.pop("connection", None)
        assert len({(a.status_code, a.content, tuple(a.headers.multi_items())) for a in causes}) == 1
        assert causes[0].status_code == 429
        wait = int(causes[0].headers["retry-after"])
        assert 1 <= wait <= 60
        assert portal.rows(PortalSession) == []
        await browser.open(link)
        assert (await browser.client.get("/")).status_code == 200
    clock.advance(wait + 1)
    assert await statuses(portal, 1) == {404: 1}


async def test_attack_23_a_link_that_is_spent_or_old_has_a_limit_of_its_own(portal: Portal, clock: Clock) -> None:
    spent, old = portal.link("acme"), portal.link("bolt")
    async with portal.browser() as browser:
        await browser.open(spent)
    clock.advance(LINK_SECONDS + 1)
    for link in (spent, old):
        assert (await statuses(portal, 61, link))[429] >= 1
    async with portal.browser() as browser:
        await browser.open(portal.link("acme"))


async def test_attack_23_a_flood_does_not_shut_out_who_is_in(portal: Portal) -> None:
    async with portal.visit("acme") as browser:
        assert (await statuses(portal, 100))[429] == 40
        assert (await browser.client.get("/")).status_code == 200
        assert (await browser.post(named())).status_code == 202


async def test_attack_23_posts_of_one_session(portal: Portal, clock: Clock) -> None:
    async with portal.visit("acme") as browser, portal.visit("acme") as colleague, portal.visit("acme") as third:
        answers = await asyncio.gather(*(browser.post(named()) for _ in range(61)))
        assert Counter(answer.status_code for answer in answers) == {202: 60, 429: 1}
        (late,) = (answer for answer in answers if answer.status_code == 429)
        assert 1 <= int(late.headers["retry-after"]) <= 60
        # One customer's sessions share a limit; another customer's have one of their own.
        answers = [await colleague.post(named()) for _ in range(60)]
        assert {answer.status_code for answer in answers} == {202}
        assert (await third.post(named())).status_code == 429
        async with portal.visit("bolt") as other:
            assert (await other.post(named())).status_code == 202
        clock.advance(61)
        assert (await browser.post(named())).status_code == 202


async def test_attack_23_bodies_are_not_read_past_the_limit(portal: Portal) -> None:
    async with portal.visit("acme") as browser:
        counts = Counter([(await browser.send("{")).status_code for _ in range(61)])
    assert counts == {422: 60, 429: 1}


async def test_attack_23_reads_of_one_session(portal: Portal) -> None:
    async with portal.visit("acme") as browser:
        counts = Counter([(await browser.client.get("/integrations.json")).status_code for _ in range(301)])
        # Opening the page was a read as well.
        assert counts == {200: 299, 429: 2}
        async with portal.visit("bolt") as other:
            assert (await other.client.get("/integrations.json")).status_code == 200


async def test_attack_23_a_flood_of_probes_costs_the_database_a_look_a_second(portal: Portal, clock: Clock) -> None:
    """And takes no load balancer its answer, whoever else comes through it."""
    looks: list[str] = []
    event.listen(portal.database.engine, "before_cursor_execute", lambda *given: looks.append(given[2]))
    assert await statuses(portal, 50, "/readyz") == {200: 50}
    once = len(looks)
    assert once <= 6
    clock.advance(1)
    assert await statuses(portal, 1, "/readyz") == {200: 1}
    assert len(looks) == 2 * once


async def test_attack_23_reports_have_a_limit_of_their_own(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    async with portal.browser() as browser:
        posts = [await browser.client.post("/csp-reports", json=REPORT, headers=AS_REPORT) for _ in range(61)]
        assert Counter(answer.status_code for answer in posts) == {204: 60, 429: 1}
        assert caplog.text.count("a browser reports") == 60
        await browser.open(portal.link("acme"))


def test_attack_23_a_flood_from_many_addresses_does_not_fill_the_memory(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "MOST_WINDOWS", 100)
    limits = Limiter(clock.seconds)
    for n in range(1000):
        limits.count(limiter.FAILURES_OF_ADDRESS, str(n))
    assert len(limits._storage.events) <= 101


def test_attack_23_the_window_moves(clock: Clock) -> None:
    limits = Limiter(clock.seconds)
    for _ in range(60):
        clock.advance(0.5)
        limits.count(limiter.POSTS_OF_SESSION, "one")
    with pytest.raises(TooOften) as error:
        limits.count(limiter.POSTS_OF_SESSION, "one")
    assert error.value.retry_after == 31
    limits.count(limiter.POSTS_OF_SESSION, "two")
    clock.advance(31)
    limits.count(limiter.POSTS_OF_SESSION, "one")
