"""The page as HTML, before any script runs: the plugin's snippet, states in words, and nothing a name can break."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from greenlight.domain.conditions import Condition
from greenlight.domain.plan import Action, Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import ReportItem
from greenlight.domain.status import Status
from portal.view import Application, customer_view
from tests.domain.things import AWLI, CSA

PORTAL = Path(__file__).resolve().parents[2] / "portal"
NOW = datetime(2026, 11, 24, 2, 5, tzinfo=UTC)
HOSTILE = "Acme <img src=x onerror=alert(1)> </title></script>\" ' {{7*7}} \u202egnp.exe"

environment = Environment(loader=FileSystemLoader(PORTAL / "templates"), autoescape=True, undefined=StrictUndefined)


class Tags(HTMLParser):
    """Every start tag with its attributes, and the text of each element that is raw text to a browser."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def the_state(application: Application = "ready", name: str = "Acme") -> dict[str, Any]:
    condition = Condition(Outcome.ENABLED, Reason.ENABLED, "HTTP 200")
    item = ReportItem(Item("acme", AWLI), name, "x", Status.ENABLED, NOW, Action.NONE, condition, NOW)
    return customer_view(name, application, [item], frozenset({CSA}), NOW)


def the_page(**changes: Any) -> str:
    known = {
        "customer_name": "Acme",
        "client_id": "77abc",
        "application_is_new": False,
        "csrf_token": "a.token",
        "embed_tag": "0123456789abcdef",
        "widget_url": "https://www.linkedin.com/uas/in.js",
        "widget_extension": "https://platform.linkedin.com/rsc/extensions/onboarding-widget",
        "bundled_types": "RECRUITER_SYSTEM_CONNECT_COMPANY,APPLY_WITH_LINKEDIN",
        "ats_name": "Talentgrid",
        "state": the_state(),
    }
    return environment.get_template("page.html").render(known | changes)


def every_document() -> list[str]:
    return [
        the_page(),
        the_page(customer_name=HOSTILE, ats_name=HOSTILE, csrf_token=HOSTILE, client_id=HOSTILE, bundled_types=HOSTILE),
        the_page(client_id=None, state=the_state("missing")),
        the_page(application_is_new=True, state=the_state("new")),
        environment.get_template("gone.html").render(ats_name=HOSTILE),
        environment.get_template("error.html").render(),
        environment.get_template("error.html").render(ats_name=HOSTILE),
    ]


def test_the_snippet_is_the_seeds() -> None:
    page = the_page()
    assert (
        '<script src="https://www.linkedin.com/uas/in.js" type="text/javascript" defer>\n'
        "  api_key: 77abc\n"
        "  extensions: ATSIntegrationWidget@https://platform.linkedin.com/rsc/extensions/onboarding-widget\n"
        "</script>"
    ) in page
    assert (
        '<script type="IN/ATSIntegrationWidget"\n'
        '  data-supported-bundled-integration-types="RECRUITER_SYSTEM_CONNECT_COMPANY,APPLY_WITH_LINKEDIN"\n'
        '  data-onintegrate="greenlightOnIntegrate"\n'
        '  data-width="500">\n'
        "</script>"
    ) in page


def test_our_script_runs_before_linkedins_and_neither_blocks() -> None:
    scripts = [attributes for tag, attributes in Tags(the_page()).tags if tag == "script" and "src" in attributes]
    assert [script["src"] for script in scripts] == [
        "/embed/v1.js?0123456789abcdef",
        "/static/page.js",
        "https://www.linkedin.com/uas/in.js",
    ]
    assert all("defer" in script for script in scripts)
    assert "window.greenlightOnIntegrate = " in (PORTAL / "embed/linkedin.js").read_text("utf-8")


@pytest.mark.parametrize("document", every_document())
def test_no_document_needs_what_the_policy_forbids(document: str) -> None:
    tags = Tags(document).tags
    assert [tag for tag, _ in tags if tag in ("style", "base", "iframe", "object", "img")] == []
    assert [name for _, attributes in tags for name in attributes if name == "style" or name.startswith("on")] == []
    scripts = [attributes for tag, attributes in tags if tag == "script"]
    assert all("src" in script or script.get("type") == "IN/ATSIntegrationWidget" for script in scripts)


@pytest.mark.parametrize("document", every_document())
def test_every_document_says_its_language_title_and_heading(document: str) -> None:
    tags = Tags(document).tags
    assert ("html", {"lang": "en"}) in tags
    assert {"title", "h1", "main"} <= {tag for tag, _ in tags}
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_a_name_stays_text() -> None:
    plain, hostile = Tags(the_page()), Tags(the_page(customer_name=HOSTILE, ats_name=HOSTILE, csrf_token=HOSTILE))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    assert HOSTILE in hostile.texts
    assert ("meta", {"name": "csrf-token", "content": HOSTILE}) in hostile.tags
    assert "{{7*7}}" in the_page(customer_name=HOSTILE)


def test_states_are_there_before_any_script_runs() -> None:
    page = the_page()
    tags = Tags(page).tags
    shown = [attributes["data-state"] for tag, attributes in tags if tag == "li" and "data-state" in attributes]
    assert shown == ["enabled", "requested"]
    for entry in the_state()["integrations"]:
        for part in ("title", "headline", "explanation", "turn", "place"):
            assert f">{entry[part]}<" in page
    assert "2026-11-24 02:05 UTC" in page


def test_a_customer_without_an_application_gets_no_plugin() -> None:
    page = the_page(client_id=None, state=the_state("missing"))
    assert "/in.js" not in page
    assert "api_key" not in page
    assert "not set up yet" in page


@pytest.mark.parametrize(("is_new", "application", "said"), [(True, "new", True), (False, "ready", False)])
def test_a_new_application_is_given_five_minutes(is_new: bool, application: Application, said: bool) -> None:
    tags = Tags(the_page(application_is_new=is_new, state=the_state(application))).tags
    (notice,) = [attributes for _, attributes in tags if attributes.get("id") == "application-new"]
    assert ("hidden" not in notice) is said


def test_the_help_names_the_plugins_errors_as_linkedin_words_them() -> None:
    page = the_page()
    for text in (
        "Domain validation failed for the api key. Please contact your ATS for further assistance.",
        "There seems to be a problem you do not have permissions",
        "Notify partner",
        "active seat",
        "admin privileges",
        "same e-mail address",
        "log in again",
        "five minutes",
        "cannot be switched off from here",
    ):
        assert text in " ".join(page.split())


def test_gone_is_the_same_on_the_page_and_by_itself() -> None:
    for document in (environment.get_template("gone.html").render(ats_name="Talentgrid"), the_page()):
        assert ">This link no longer works.</h1>" in document
        assert "<p>Open the LinkedIn page again from <bdi>Talentgrid</bdi>.</p>" in document


BROWSERS_FILES = sorted([*(PORTAL / "static").iterdir(), *(PORTAL / "embed").iterdir()])


@pytest.mark.parametrize("file", BROWSERS_FILES, ids=lambda file: file.name)
def test_static_files_bring_nothing_from_elsewhere_and_stay_readable(file: Path) -> None:
    text = file.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    assert "http:" not in text
    assert "https:" not in text
    assert "innerHTML" not in text
    assert "eval(" not in text
