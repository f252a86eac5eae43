"""What every answer has: headers, pages for errors, files, probes, the schema."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from starlette.types import Message

from greenlight.ats.database import Database
from greenlight.ats.places import Place
from greenlight.ats.tables import Integration
from greenlight.settings import Settings
from portal.app import create_app
from portal.guards import security_headers
from portal.routes import READY_FOR_SECONDS
from tests.portal.world import HTTPS, KEYS, Clock, Portal, named

COMMON = {
    "referrer-policy": "strict-origin",
    "cross-origin-opener-policy": "same-origin-allow-popups",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "strict-transport-security": "max-age=31536000",
}


async def test_every_kind_of_answer_has_every_header(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    async with portal.visit("acme") as browser:
        client = browser.client
        answers = [
            await client.get("/"),
            await client.get("/integrations.json"),
            await client.get("/open/nothing"),
            await client.head("/"),
            await client.get("/nothing"),
            await client.get("/requests"),
            await client.get("/static/page.css"),
            await client.get("/static/nothing.css"),
            await client.get("/healthz"),
            await client.get("/readyz"),
            await client.get("/", headers={"Host": "evil.example"}),
            await client.get("/integrations.json", headers={"Cookie": ""}),
            await client.post("/csp-reports", json={}),
            await client.post("/csp-reports", content="{}", headers={"Content-Type": "application/csp-report"}),
            await browser.post(named(), headers={"Origin": "null"}),
            await browser.send("{"),
            await browser.send("x" * 20_000),
            await client.get(portal.link("acme")),
            await client.post(portal.link("acme")),
            await browser.spend(portal.link("acme")),
        ]
        monkeypatch.setattr("portal.context.customer_view", lambda *_: 1 / 0)
        answers.append(await client.get("/"))
    assert {answer.status_code for answer in answers} == {200, 204, 303, 403, 404, 405, 413, 415, 422, 500}
    for answer in answers:
        assert {name: answer.headers.get(name) for name in COMMON} == COMMON
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        is_file = answer.url.path.startswith("/static/") and answer.status_code == 200
        assert answer.headers["cache-control"] == ("no-cache" if is_file else "no-store")
        assert "server" not in answer.headers


async def test_a_file_is_asked_for_again_and_sent_once(portal: Portal) -> None:
    async with portal.browser() as browser:
        first = await browser.client.get("/static/page.js")
        again = await browser.client.get("/static/page.js", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert again.headers["cache-control"] == "no-cache"
    assert again.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/", "/static"]
)
async def test_nothing_but_the_files_is_served(portal: Portal, path: str) -> None:
    async with portal.browser() as browser:
        answer = await browser.client.get(path)
    assert (answer.status_code, answer.text) == (404, "Not found.")


async def test_the_probes(portal: Portal, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    async with portal.browser() as browser:
        # A load balancer knows the process by its address alone.
        assert (await browser.client.get("/healthz", headers={"Host": "10.0.0.7:8780"})).text == "ok"
        assert (await browser.client.get("/readyz")).text == "ok"
        monkeypatch.setattr("portal.routes.is_newest", lambda _: False)
        assert (await browser.client.get("/readyz")).text == "ok", "as of a second ago"
        clock.advance(READY_FOR_SECONDS)
        assert (await browser.client.get("/readyz")).status_code == 503
        monkeypatch.undo()
        clock.advance(READY_FOR_SECONDS)
        monkeypatch.setattr("portal.routes.place_of", lambda _: Place("PostgreSQL", 0.0, "it is a standby"))
        assert (await browser.client.get("/readyz")).status_code == 503
        monkeypatch.undo()
        clock.advance(READY_FOR_SECONDS)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("DROP TABLE greenlight_version")
            connection.commit()
        answer = await browser.client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "not ready")
        assert (await browser.client.get("/healthz")).status_code == 200


async def test_an_error_of_ours_shows_and_logs_nothing_of_it(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("canary in the text")

    async with portal.visit("acme") as browser:
        monkeypatch.setattr("portal.context.customer_view", fails)
        answer = await browser.client.get("/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "Hirely" in answer.text
    assert "canary" not in answer.text + caplog.text
    assert "Traceback" not in answer.text + caplog.text
    assert any(r.getMessage().startswith("GET / failed: RuntimeError at ") for r in caplog.records)


async def test_a_database_that_is_gone_is_an_error_page(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    async with portal.visit("acme") as browser:
        session_id = browser.client.cookies["__Host-greenlight"]
        with portal.database.engine.connect() as connection:
            connection.exec_driver_sql("ALTER TABLE visit RENAME TO elsewhere")
            connection.commit()
        answers = [
            await browser.client.get("/"),
            await browser.post(named()),
            await browser.client.get(portal.link("acme")),
            await browser.spend(portal.link("acme")),
        ]
    assert [answer.status_code for answer in answers] == [500] * 4
    (row,) = portal.rows(Integration, "acme")
    assert row["requested_at"] is None
    # A link's path is the link, and the database's error quotes what it was asked.
    assert session_id not in caplog.text
    assert "elsewhere" not in caplog.text + "".join(answer.text for answer in answers)
    assert "GET /open/{token} failed" in caplog.text


async def test_the_schema_is_made_though_it_is_not_served(portal: Portal) -> None:
    schema = json.loads(json.dumps(portal.app.openapi()))
    assert set(schema["paths"]) == {
        "/open/{token}", "/", "/integrations.json", "/requests", "/csp-reports", "/healthz", "/readyz",
            "/embed/v1.js", "/embed/v1/origin", "/embed/v1/integrations", "/embed/v1/requests"
    }  # fmt: skip
    body = schema["paths"]["/requests"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]["integrations"]["contains"]["required"]) == {
        "integrationContext", "integrationType", "tenantType"
    }  # fmt: skip
    async with portal.browser() as browser:
        for path in ("/openapi.json", "/docs", "/redoc"):
            assert (await browser.client.get(path)).status_code == 404


def test_the_sandbox_on_this_machine_is_allowed_by_the_policy(settings: Settings) -> None:
    local = settings.model_copy(
        update={
            "linkedin_widget_url": "http://127.0.0.1:8765/uas/in.js",
            "linkedin_widget_extension": "http://[::1]:9/x",
            "portal_extra_sources": ("https://static.licdn.com",),
        }
    )
    policy = security_headers(local)["Content-Security-Policy"]
    sources = (
        "'self' http://127.0.0.1:8765 http://[::1]:9 https://www.linkedin.com https://platform.linkedin.com "
        "https://static.licdn.com"
    )
    for directive in ("script-src", "connect-src", "frame-src", "style-src"):
        assert f"; {directive} {sources};" in policy
    assert "unsafe" not in policy
    widened = security_headers(local.model_copy(update={"portal_inline_styles": True}))["Content-Security-Policy"]
    assert widened == policy.replace(f"style-src {sources}", f"style-src {sources} 'unsafe-inline'")
    assert HTTPS not in policy


async def test_what_runs_beside_the_portal_starts_and_ends_with_it(portal: Portal) -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def beside(_: FastAPI) -> AsyncIterator[None]:
        seen.append("starts")
        yield
        seen.append("ends")

    app = create_app(portal.settings, portal.database, KEYS, ring=lambda: None, lifespan=beside)
    said: list[str] = []
    asked = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Message:
        return {"type": next(asked)}

    async def send(message: Message) -> None:
        said.append(message["type"])

    await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    assert seen == ["starts", "ends"]
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
