"""Attacks 6 and 7: markup in names, on the page, in artifacts and in a terminal; directives in a client id."""

import json
import re
from typing import Any

import pytest
from markdown_it import MarkdownIt
from sqlmodel import col, update

from flows.plan import plan
from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.tables import ChildApplication, Customer
from sandbox.world import Application, Fault, Integration, World
from tests.attacks.street import Street
from tests.cli.conftest import Home
from tests.portal.world import Page

NAMES = [
    "Acme <img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "{{7*7}}${7*7}",
    '"onload="alert(1)',
    "\u202egnp.exe",
    "[click](javascript:alert(1)) ![x](http://evil.example/x)",
    "[link=http://evil.example]x[/link] [bold red]",
]
#: What LinkedIn says of an error ends in messages, and messages in artifacts and terminals.
SAID = "<script>alert(1)</script> [a](javascript:alert(1)) ![i](http://evil.example/i) `c` | x | \r\n# h\x1b[31m\u202e"

RULE = "integration_context,integration_type,tenant_type,integration_name"


@pytest.mark.parametrize("name", NAMES)
def test_attack_06_a_hostile_name_is_text_on_the_page(portal_street: Street, name: str) -> None:
    """The page has the same elements and the same scripts as for any other name."""
    with portal_street.visitor("acme") as acme:
        plain = Page(acme.client.get("/").text)
        with portal_street.portal.database.writing() as session:
            session.exec(update(Customer).where(col(Customer.customer_id) == "acme").values(customer_name=name))
        page = Page(acme.client.get("/").text)
        assert acme.state()["customer"] == name
    assert (page.shape, page.scripts) == (plain.shape, plain.scripts)
    assert name in page.text
    assert "49" not in page.text


def elements(markdown: str) -> set[str]:
    """The kinds of what a renderer that lets HTML through would make of it."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown)
    inner = [child for token in tokens for child in token.children or []]
    return {token.type for token in [*tokens, *inner]}


def test_attack_06_the_renderer_of_the_next_case_sees_markup() -> None:
    """Else that case would prove nothing."""
    assert elements("<b>x</b> [a](b:c) ![i](j)") >= {"html_inline", "link_open", "image"}


async def test_attack_06_hostile_names_and_answers_are_inert_in_artifacts(town: Any) -> None:
    """Prefect's UI renders markdown; ids of customers and LinkedIn's words are foreign."""
    hostile = [f"c{number}|{name}" for number, name in enumerate(NAMES)]
    applications, rows = [], []
    for number, customer_id in enumerate(hostile):
        context = f"urn:li:organization:h{number}"
        wanted = Integration(
            integration_context=context,
            integration_type="APPLY_WITH_LINKEDIN",
            tenant_type="JOBS",
            onboarding_status="REQUESTED",
        )
        faults = [Fault(on="enable", fault="status", status=400, message=SAID, times=None)] if number % 2 else []
        applications.append(
            Application(client_id=f"h{number}", client_secret=f"s{number}", integrations=[wanted], faults=faults)
        )
        values = (customer_id, NAMES[number], f"h{number}", f"s{number}", context, "APPLY_WITH_LINKEDIN", "JOBS", "")
        columns = ["customer_id", "customer_name", "client_id", "client_secret", *RULE.split(",")]
        row = dict(zip(columns, values, strict=True))
        rows.append(json.dumps({name: value.replace("\u202e", "") for name, value in row.items()}))
    async with town(World(applications=applications)) as there:
        await there.bring_in("\n".join(rows))
        published = [await there.artifacts(await plan(return_state=True))]
        published.append(await there.artifacts(await reconcile(What.APPLY, return_state=True)))
        assert sum(count["effective"] for count in there.enables().values()) > 0
    markdown = published[0]["reconcile-plan"]
    table = markdown[markdown.index("| | customer") :]
    assert "html_inline" not in elements(markdown)
    assert elements(table).isdisjoint({"html_block", "link_open", "image", "heading_open", "code_inline"})
    lines = table.strip().splitlines()
    assert len(lines) == 2 + len(hostile)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {6}, "no name adds a cell"
    outcome = published[1]["reconcile-outcome"]
    assert elements(outcome).isdisjoint({"html_inline", "html_block", "link_open", "image"})
    rows = [line for line in outcome.splitlines() if line.startswith("| c")]
    assert len(rows) == 2 + len(hostile), "two sections, each with a head"
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}, "no name adds a cell"
    for row in rows:
        assert row.isprintable()
        for value in re.split(r"(?<!\\)\|", row):
            assert elements(value).isdisjoint({"html_inline", "html_block", "link_open", "image", "heading_open"})


def test_attack_06_a_hostile_name_is_text_in_a_terminal(home: Home) -> None:
    """Rich would make a link or a colour of it; a terminal would obey it."""
    rows = [json.dumps(_row(f"c{n}", name.replace("\u202e", ""))) for n, name in enumerate(NAMES)]
    home.file("c.jsonl", "\n".join(rows))
    assert home.run("import", "c.jsonl").code == 0
    for number, name in enumerate(NAMES):
        shown = home.run("explain", f"c{number}", FORCE_COLOR="1", COLUMNS="300").out
        # What is left when rich's own colours are taken away.
        assert name.replace("\u202e", "") in re.sub(r"\x1b\[[0-9;]*m", "", shown)
        assert "\x1b]8" not in shown, "no link"


def _row(customer_id: str, name: str) -> dict[str, str]:
    key = {"integration_context": f"urn:li:organization:{customer_id}", "integration_type": "A", "tenant_type": "B"}
    return {"customer_id": customer_id, "customer_name": name, "client_id": "", "client_secret": "", **key} | {
        "integration_name": name
    }


DIRECTIVES = ["good\nextensions: Evil@https://evil.example/x", "x</script><script>alert(1)</script>", "a b", "a:b", "é"]


@pytest.mark.parametrize("client_id", DIRECTIVES)
def test_attack_07_a_client_id_that_is_a_directive_is_refused_on_write(home: Home, client_id: str) -> None:
    """HTML escaping does not help inside the plugin's tag, where each line is a directive."""
    home.file("c.jsonl", json.dumps(_row("acme", "Acme") | {"client_id": client_id, "client_secret": "s"}))
    assert home.run("migrate").code == 0
    done = home.run("import", "c.jsonl")
    assert done.code == 1
    assert "c.jsonl:1: client_id: " in done.err
    assert "evil" not in done.err
    assert home.run("status", "--json").json()["items"] == []


@pytest.mark.parametrize("client_id", DIRECTIVES)
def test_attack_07_a_client_id_that_is_a_directive_is_not_rendered(portal_street: Street, client_id: str) -> None:
    """The second line of defence: whatever got into the database, the tag is not written."""
    with portal_street.portal.database.writing() as session:
        row = col(ChildApplication.customer_id) == "acme"
        session.exec(update(ChildApplication).where(row).values(client_id=client_id))
    with portal_street.visitor("acme") as acme:
        text = acme.client.get("/").text
        assert acme.state()["application"] == "missing"
    assert "api_key" not in text
    assert client_id not in text
