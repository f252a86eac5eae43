"""Attacks by what is shown on the page: frames, markup in names, directives in the plugin's tag (5 to 7)."""

import pytest
from sqlmodel import col, update

from greenlight.ats.database import Database
from greenlight.ats.tables import ChildApplication, Customer
from greenlight.settings import Settings
from tests.portal.world import Clock, Page, Portal

NAMES = [
    "Acme <img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "{{7*7}}{% include 'x' %}{#",
    '"onload="alert(1)',
    "' autofocus onfocus='alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u202egnp.exe <b>",
    "javascript:alert(1)",
    "Ünï 😀 e\u0301",
    "` onmouseover=alert(1) x=`",
    "[link](javascript:alert(1))",
]


@pytest.mark.parametrize("name", NAMES)
async def test_attack_06_a_hostile_name_is_text_and_nothing_else(portal: Portal, name: str) -> None:
    async with portal.visit("acme") as browser:
        plain = Page((await browser.client.get("/")).text)
        with portal.database.writing() as session:
            session.exec(update(Customer).where(col(Customer.customer_id) == "acme").values(customer_name=name))
        page = Page((await browser.client.get("/")).text)
        state = (await browser.client.get("/integrations.json")).json()
    assert page.shape == plain.shape
    assert page.scripts == plain.scripts
    assert name in page.text
    assert "49" not in page.text
    assert state["customer"] == name
    for tag, attributes in page.elements:
        assert not [value for value in attributes.values() if value and name in value], tag
        assert not [attribute for attribute in attributes if attribute.startswith("on")], tag


async def test_attack_06_a_hostile_name_of_the_ats(settings: Settings, portal: Portal) -> None:
    hostile = Portal(
        settings.model_copy(update={"ats_name": "<script>alert(1)</script>"}), portal.database, portal.clock
    )
    async with hostile.visit("acme") as browser, hostile.browser() as other:
        answers = [await browser.client.get("/"), await other.client.get("/")]
    for answer in answers:
        assert "<script>alert" not in answer.text
        assert "<script>alert(1)</script>" in Page(answer.text).text


async def test_attack_06_our_own_markup_runs_nothing_inline(portal: Portal) -> None:
    async with portal.visit("acme") as browser:
        page = Page((await browser.client.get("/")).text)
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        assert tag != "style"
        assert tag != "script" or "src" in attributes or (attributes.get("type") or "").startswith("IN/")


@pytest.mark.parametrize(
    "client_id",
    [
        *["good\nextensions: Evil@https://evil.example/x", "x</script><script>alert(1)</script>", "{{7*7}}"],
        *["", "a b", "a:b", "a\tb", "x\r", "x\n", "a\u2028b", "é"],
    ],
)
async def test_attack_07_a_client_id_that_is_a_directive_is_not_rendered(portal: Portal, client_id: str) -> None:
    with portal.database.writing() as session:
        row = col(ChildApplication.customer_id) == "acme"
        session.exec(update(ChildApplication).where(row).values(client_id=client_id))
    async with portal.visit("acme") as browser:
        text = (await browser.client.get("/")).text
        page = Page(text)
        state = (await browser.client.get("/integrations.json")).json()
    assert state["application"] == "missing"
    assert "api_key" not in text
    assert "evil" not in text
    scripts = [(a.get("src") or "").partition("?")[0] for tag, a in page.elements if tag == "script"]
    assert scripts == ["/embed/v1.js", "/static/page.js"]


@pytest.mark.parametrize("report_only", [False, True])
@pytest.mark.parametrize("ancestors", [(), ("https://ats.example.com", "https://other.example.com")])
async def test_attack_05_clickjacking(
    settings: Settings, portal: Portal, database: Database, clock: Clock, report_only: bool, ancestors: tuple[str, ...]
) -> None:
    changed = settings.model_copy(update={"portal_csp_report_only": report_only, "portal_frame_ancestors": ancestors})
    framed = Portal(changed, database, clock)
    async with framed.visit("acme") as browser:
        answers = [await browser.client.get(path) for path in ("/", "/nothing", "/static/page.css", "/open/x")]
    allowed = " ".join(ancestors) or "'none'"
    for answer in answers:
        # Only this header is acted on; the other is but reported.
        directives = [part.strip() for part in answer.headers["content-security-policy"].split(";")]
        assert f"frame-ancestors {allowed}" in directives
        assert answer.headers.get("x-frame-options") == (None if ancestors else "DENY")
        reported = answer.headers.get("content-security-policy-report-only", "")
        assert ("default-src 'none'" in directives) == (not report_only)
        assert ("default-src 'none'" in reported) == report_only
        assert "frame-ancestors" not in reported
