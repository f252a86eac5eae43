"""The portal against its own OpenAPI schema: whatever the schema lets one send, what comes back is what it says.

The schema is made from the code and served nowhere. The library's pytest plugin is switched off in pyproject.toml:
its strategies are all that is needed here. GREENLIGHT_FUZZ multiplies the number of examples (`tests/fuzz/effort.py`).
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import given
from schemathesis.specs.openapi.checks import negative_data_rejection

from greenlight.ats.database import Database
from greenlight.ats.tables import Customer, Integration
from greenlight.settings import Settings
from tests.attacks.street import Street
from tests.fuzz.effort import effort
from tests.fuzz.openapi import CHECKS, MARKS, good_and_bad
from tests.fuzz.openapi import served as served
from tests.portal.conftest import clock as clock
from tests.portal.embedding import APP, token_for
from tests.portal.world import HTTPS, Clock, Portal, add_customer, named

pytestmark = MARKS

OPERATIONS = [
    ("GET", "/open/{token}"),
    ("POST", "/open/{token}"),
    ("GET", "/"),
    ("GET", "/integrations.json"),
    ("POST", "/requests"),
    ("POST", "/csp-reports"),
    ("GET", "/embed/v1.js"),
    ("GET", "/embed/v1/origin"),
    ("GET", "/embed/v1/integrations"),
    ("POST", "/embed/v1/requests"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
]


#: What a callback may be answered with at the least, by where it is posted; no example knows the plugin's key.
POSTED = {"/requests": {202, 422}, "/embed/v1/requests": {409, 422}}


def embedded(served: Street) -> dict[str, str]:
    """What a page of the vendor's sends. A token is soon over, so each time with another."""
    return {"Origin": APP, "Authorization": f"Bearer {token_for(served.portal, 'acme')}"}


def operation(served: Street, method: str, path: str) -> Any:
    return schemathesis.openapi.from_dict(served.portal.app.openapi())[path][method]


def test_every_operation_is_tried(served: Street) -> None:
    """A new route has to be added above."""
    paths = served.portal.app.openapi()["paths"]
    assert sorted((method.upper(), path) for path, methods in paths.items() for method in methods) == sorted(OPERATIONS)


@pytest.mark.parametrize("inside", [True, False], ids=["with a session", "without one"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_answers_are_what_the_schema_says(served: Street, method: str, path: str, inside: bool) -> None:
    """Good and bad input alike: a declared status, type and body, never an error of ours, and nothing of bolt's."""
    target = operation(served, method, path)
    cases = good_and_bad(target)
    bolts = served.portal.everything("bolt")
    names = served.portal.rows(Customer)
    with served.visitor("acme") as acme:
        ours = {"Origin": served.origin, "X-CSRF-Token": acme.csrf, "Cookie": f"greenlight={acme.cookie}"}

        @effort(60)
        @given(cases)
        def conform(case: Any) -> None:
            # A new minute each time, so that it is not the limits that answer; the session ends after hours.
            served.portal.clock.advance(61)
            if served.portal.clock.seconds() - opened > 25_000:
                served.portal.clock.now = began
            sent = {**ours, **embedded(served)} if path.startswith("/embed/") else ours
            response = case.call(base_url=served.origin, headers=sent if inside else {}, allow_redirects=False)
            case.validate_response(response, checks=CHECKS)
            seen.add(response.status_code)
            if method == "POST" and path in POSTED and inside:
                case.validate_response(response, checks=[negative_data_rejection])

        seen = set[int]()
        began, opened = served.portal.clock.now, served.portal.clock.seconds()
        conform()
    if method == "POST" and path in POSTED:
        assert seen >= (POSTED[path] if inside else {404} if path == "/requests" else {403})
    assert served.portal.everything("bolt") == bolts
    assert served.portal.rows(Customer) == names
    if not inside:
        assert len(served.portal.rows(Integration)) == 2


async def test_the_schema_declares_what_is_sent(database: Database, clock: Clock) -> None:
    """The page was declared as plain text, and the answers in JSON as anything at all."""
    portal = Portal(Settings(_env_file=None, portal_url=HTTPS), database, clock)  # pyright: ignore[reportCallIssue]
    add_customer(database, "acme")
    paths = portal.app.openapi()["paths"]
    async with portal.visit("acme") as browser, portal.browser() as stranger:
        answers = {
            ("/", "get", "200"): await browser.client.get("/"),
            ("/", "get", "404"): await stranger.client.get("/"),
            ("/open/{token}", "get", "200"): await stranger.client.get(portal.link("acme")),
            ("/open/{token}", "get", "404"): await stranger.client.get("/open/x"),
            ("/open/{token}", "post", "403"): await stranger.client.post(portal.link("acme")),
            ("/integrations.json", "get", "200"): await browser.client.get("/integrations.json"),
            ("/integrations.json", "get", "404"): await stranger.client.get("/integrations.json"),
            ("/requests", "post", "202"): await browser.post(named()),
            ("/requests", "post", "403"): await browser.post(named(), headers={"Origin": None}),
            ("/csp-reports", "post", "415"): await stranger.client.post("/csp-reports", json={}),
        }
    for (path, method, status), answer in answers.items():
        assert str(answer.status_code) == status
        declared = paths[path][method]["responses"][status]["content"]
        media_type = answer.headers["content-type"].partition(";")[0]
        assert [media_type] == list(declared), path
        if media_type == "application/json":
            assert set(answer.json()) == set(declared[media_type]["schema"]["required"])
