"""Attacks 10 to 12: URNs that are none, types that nobody knows, and text that databases stumble over."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from sqlmodel import col, select

from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.database import Database
from greenlight.ats.registry import Registration, register
from greenlight.ats.tables import Customer, Integration
from greenlight.domain.keys import IntegrationKey, InvalidKey, as_query, parse_response_key
from greenlight.intake import ImportRefused, read_import
from portal.links import Links
from tests.attacks.street import Street
from tests.flows.fault_world import Case, import_file, world
from tests.portal.world import START, named

CONTEXTS = {
    "another entity": "urn:li:person:4gX03uw",
    "no id": "urn:li:organization:",
    "a list in the id": "urn:li:organization:1%2C2",
    "the legacy form": "urn:li:company:1234",
    "brackets": "urn:li:organization:(1)",
    "a comma": "urn:li:organization:1,2",
    "a separator": "urn:li:organization:1&tenantType=RECRUITER",
    "an equals sign": "urn:li:organization:1=2",
    "an escape": "urn:li:organization:1%26",
    "a newline at the end": "urn:li:organization:1\n",
    "full-width digits": "urn:li:organization:\uff11\uff12",
    "ten kilobytes": "urn:li:organization:" + "1" * 10_000,
    "another letter case": "URN:LI:ORGANIZATION:1",
    "a blank in front": " urn:li:organization:1",
    "nothing": "",
}


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_attack_10_a_context_that_is_none_comes_in_by_no_door(
    portal_street: Street, context: str, tmp_path: Any
) -> None:
    """One parser decides for the portal, the file and what LinkedIn answers, so no door is weaker than another."""
    before = portal_street.portal.everything("acme")["Integration"]
    with portal_street.visitor("acme") as acme:
        assert acme.post({"integrations": [named(context)]}).status_code == 422
        assert portal_street.portal.everything("acme")["Integration"] == before
        beside = acme.post({"integrations": [named(), named(context)]})
        assert (beside.status_code, beside.json()) == (202, {"accepted": 1, "unreadable": 1})
    after = {row["integration_context"] for row in portal_street.portal.rows(Integration, "acme")}
    assert after == {row["integration_context"] for row in before} | {named()["integrationContext"]}
    file = tmp_path / "c.jsonl"
    row = {"customer_id": "a", "customer_name": "A", "client_id": "", "client_secret": "", "integration_name": ""}
    file.write_text(json.dumps(row | {"integration_context": context, "integration_type": "A", "tenant_type": "B"}))
    with pytest.raises(ImportRefused, match="integration_context"):
        read_import(file)
    with pytest.raises(InvalidKey):
        parse_response_key(f"integrationContext={context}&integrationType=A&tenantType=B&dataProvider=ATS")


def test_attack_10_no_key_splits_another_or_adds_a_parameter() -> None:
    """Every character that an id may have goes through the query as itself, four parameters to a key."""
    keys = [IntegrationKey(f"urn:li:{e}:aZ09_.-", "A_1", "B") for e in ("organization", "contract")]
    pairs = parse_qsl(as_query(keys), strict_parsing=True)
    assert len(pairs) == 8
    assert [value for name, value in pairs if name.endswith("integrationContext")] == [
        key.integration_context for key in keys
    ]


TYPES = ("JOB_SYNC_API", "DROP_TABLE_INTEGRATION")


def test_attack_11_a_type_that_is_no_constant_is_refused(portal_street: Street) -> None:
    """A type is a constant of LinkedIn's; markup, paths and separators are none."""
    with portal_street.visitor("acme") as acme:
        for value in ("", "apply", "A B", "A&B=C", "<b>", "A" * 65, "Ａ", "A\n", "../A"):
            assert acme.post({"integrations": [named(type=value)]}).status_code == 422, value
            assert acme.post({"integrations": [named(tenant=value)]}).status_code == 422, value


def test_attack_11_a_type_unknown_to_us_is_kept_and_shown(portal_street: Street) -> None:
    """LinkedIn adds types without notice, so one is taken by its form and given a readable name."""
    with portal_street.visitor("acme") as acme:
        assert acme.post({"integrations": [named(type=type) for type in TYPES]}).status_code == 202
        titles = {entry["type"]: entry["title"] for entry in acme.state()["integrations"]}
    assert titles["JOB_SYNC_API"] == "Job sync API"


async def test_attack_11_types_and_statuses_of_the_future_end_in_named_conditions(town: Any) -> None:
    """An unknown type is enabled like any other, an unknown status is UNKNOWN, and PARTNER_READY is a state."""
    cases = (
        Case("future-type", "a new type", ("enabled", "ENABLED", "ENABLED"), type="JOB_SYNC_API"),
        Case("future-status", "a new status", ("unknown", "UNREADABLE_ANSWER", "UNKNOWN"), status="SUSPENDED"),
        Case("ready", "the admin's turn", ("waiting", "AWAITING_CUSTOMER", "PARTNER_READY"), status="PARTNER_READY"),
    )
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        report = there.report(await reconcile(What.APPLY, return_state=True))
        effective = {name: count["effective"] for name, count in there.enables().items()}
    got = {
        i.item.customer_id: (i.condition.outcome.value, i.condition.reason.value, i.observed.value)
        for i in report.items
    }
    assert got == {case.id: case.expected for case in cases}
    assert effective == {"future-type": 1, "future-status": 0, "ready": 0}


TEXTS = {
    "a statement": "'; DROP TABLE integration; --",
    "placeholders": "100% _any_ %(name)s :name {x} $1 ?",
    "quotes": """a'b"c`d\\e""",
    "emoji of four bytes and more": "👩🏽‍💻 😀",
    "combining marks": "Zoe\u0308 \u0e01\u0e49",
    "right to left": "שלום",
}


@pytest.mark.parametrize("engine_name", ["sqlite", "postgres"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_attack_12_text_is_stored_as_it_is(portal_street: Street, text: str, database: Database) -> None:
    """As a name and as an id, from the registry through the portal and back, on both engines."""
    key = IntegrationKey("urn:li:organization:x", "A", "B")
    register(database, [Registration(text, text, ("client-x", "block-x"), [(key, text)])], START)
    with portal_street.visitor(text) as visitor:
        assert visitor.post({"integrations": [named()]}).status_code == 202
        assert visitor.state()["customer"] == text
    with database.reading() as session:
        customers = session.exec(select(Customer.customer_name).where(col(Customer.customer_id) == text)).all()
        names = session.exec(select(Integration.integration_name).where(col(Integration.customer_id) == text)).all()
    assert customers == [text]
    assert text in names
    assert len(names) == 2


@pytest.mark.parametrize("engine_name", ["sqlite", "postgres"])
def test_attack_12_nul_never_reaches_the_database(portal_street: Street, tmp_path: Any) -> None:
    """PostgreSQL refuses NUL in text, so each door refuses it first: 4xx, a bad row, a link that is not made."""
    before = portal_street.portal.everything()
    with portal_street.stranger() as stranger:
        for path in ("/open/a%00b", "/%00", "/static/%00"):
            assert stranger.get(path).status_code in (400, 404), path
        cookie = {"Cookie": "greenlight=a%00b"}
        assert stranger.get("/", headers=cookie).status_code == 404
    assert portal_street.portal.everything() == before
    with portal_street.visitor("acme") as acme:
        for part in ("integrationContext", "integrationType", "tenantType"):
            body = {"integrations": [named() | {part: named()[part] + "\0"}]}
            assert acme.post(body).status_code == 422
        assert acme.post({"integrations": [named()], "name\0": "\0"}).status_code == 202, "what is ignored is ignored"
    with pytest.raises(ValueError, match="customer id"):
        Links(["k"], lambda: 0.0).issue("a\0b")
    good = json.loads(import_file((Case("a", "", ("", "", "")),)))
    for field in good:
        file = tmp_path / "c.jsonl"
        file.write_text(json.dumps(good | {field: "a\0b"}))
        with pytest.raises(ImportRefused, match=field):
            read_import(file)
