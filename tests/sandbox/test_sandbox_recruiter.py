"""The page that stands for Recruiter's settings, where the customer has the last move."""

from html import unescape
from html.parser import HTMLParser

import httpx
import pytest

from tests.sandbox.partner import AWLI, CSA, EXPORT, Partner, Theatre, entities, on_stage

PAGE = "/sandbox/recruiter/acme"


class Forms(HTMLParser):
    """`found`: per form, where it goes, its hidden key and the name of its button."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append({"action": values["action"], "method": values["method"]})
        elif tag == "input":
            self.found[-1][values["name"]] = values["value"]
        elif tag == "button":
            self.found[-1]["button"] = values["aria-label"]


async def opened(partner: Partner) -> tuple[str, list[dict[str, str]]]:
    answer = await partner.http.get(PAGE)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return answer.text, Forms(answer.text).found


async def ready() -> Partner:
    partner = await on_stage()
    for key in (AWLI, EXPORT, CSA):
        await partner.verify(key)
        await partner.enable(key)
    return partner


async def test_each_integration_that_waits_has_a_button() -> None:
    partner = await ready()
    text, forms = await opened(partner)
    assert [form["button"] for form in forms] == [
        "Switch on Ours (ONE_CLICK_EXPORT, urn:li:organization:4gX03uw)",
        "Switch on Ours (CSA_API, urn:li:contract:77)",
    ]
    on = text.partition("Switched on")[2]
    assert "APPLY_WITH_LINKEDIN" in on
    assert "APPLY_CONNECT" not in text
    assert "Acme" in text


async def test_a_button_switches_its_integration_on() -> None:
    partner = await ready()
    _, forms = await opened(partner)
    answer = await partner.http.post(forms[1]["action"], data={"key": forms[1]["key"]})
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert [partner.status(key) for key in (AWLI, EXPORT, CSA)] == ["ENABLED", "PARTNER_READY", "ENABLED"]
    text, forms = await opened(partner)
    assert len(forms) == 1
    assert "CSA_API" in text.partition("Switched on")[2]
    assert partner.rules == []


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        (PAGE, {}, 400),
        (PAGE, {"key": "x"}, 400),
        (PAGE, {"key": "integrationContext=urn:li:contract:77"}, 400),
        (PAGE, {"key": "dataProvider=ATS&integrationContext=urn:li:contract:77&integrationType=X&tenantType=Y"}, 409),
        ("/sandbox/recruiter/nobody", {"key": "&".join(["dataProvider=ATS", "integrationContext=a"])}, 400),
    ],
)
async def test_a_form_that_names_nothing_that_waits(path: str, form: dict[str, str], status: int) -> None:
    partner = await ready()
    assert (await partner.http.post(path, data=form)).status_code == status
    assert [partner.status(key) for key in (EXPORT, CSA)] == ["PARTNER_READY", "PARTNER_READY"]


async def test_there_is_no_page_of_an_application_that_is_not_there() -> None:
    answer = await Theatre().http.get("/sandbox/recruiter/nobody")
    assert (answer.status_code, answer.json()) == (404, {"error": "there is no application 'nobody'"})


async def test_a_name_is_shown_as_text() -> None:
    partner = await on_stage()
    name = "<script>alert('&')</script>\""
    await partner.verify(CSA)
    await partner.enable(CSA, json=entities([CSA], name))
    text, forms = await opened(partner)
    assert "<script" not in text
    assert name in unescape(text)
    assert name in forms[0]["button"]


async def test_the_page_answers_loopback_only() -> None:
    theatre = Theatre()
    far = httpx.ASGITransport(theatre.app, client=("192.0.2.7", 1234))
    async with httpx.AsyncClient(transport=far, base_url="http://linkedin.test") as http:
        assert (await http.get(PAGE)).status_code == 403
        assert (await http.post(PAGE, data={"key": "x"})).status_code == 403
        for name in ("delete-secret", "admin"):
            assert (await http.post(f"/sandbox/{name}", json={})).status_code == 403
