"""`validJsSdkDomains` are customers' working pages: shown before they are changed, and others' origins stay."""

from typing import Any

import pytest
from sqlmodel import col, select

from blocks.child_app import ChildAppBlocks, block_name
from blocks.parent_app import save_parent
from flows.provision import provision
from greenlight.ats.applications import Applications
from greenlight.ats.domain_tables import DomainsRecord
from greenlight.ats.domains import DomainLists
from greenlight.ats.registry import Registration, register
from greenlight.ats.tables import ChildApplication, Customer
from greenlight.domain.domains import digest_of
from greenlight.reconcile.provision import CannotProvision
from sandbox.world import Application, Fault
from tests.flows.test_flow_provision import PARENT, client_of, outcomes, run, there_already, vendor

JOBS, EU, THEIRS = "https://jobs.example.com", "https://eu.example.com:8443", "https://somebody.else"
DONE = ("updated", "APPLICATION_WORKS")
HELD = ("failed", "DOMAINS_HELD")


def at_linkedin(there: Any, customer: str) -> Any:
    (client,) = [c for c in there.linkedin.clients.values() if c.unique_foreign_id == customer]
    return client


def on_record(there: Any) -> list[tuple[bool, list[str], list[str]]]:
    with there.database.reading() as session:
        rows = session.exec(select(DomainsRecord).order_by(col(DomainsRecord.id)))
        return [(row.found, row.before, row.after) for row in rows]


async def test_a_list_is_changed_as_it_was_shown(town: Any, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with town(vendor(), GREENLIGHT_JS_SDK_DOMAINS=JOBS) as there:
        await save_parent(PARENT)
        await run(there, new={ada: "Ada"})
        monkeypatch.setenv("GREENLIGHT_JS_SDK_DOMAINS", f"{JOBS},{EU}")
        assert outcomes(await run(there)) == {ada: HELD}, "a run that nobody has allowed to"
        assert at_linkedin(there, ada).js_sdk_domains == [JOBS]
        shown = DomainLists(there.database).changes([], [JOBS, EU])
        with pytest.raises(CannotProvision, match="not any more as they were shown"):
            await run(there, as_shown="of something else")
        assert outcomes(await run(there, as_shown=digest_of(shown))) == {ada: DONE}
        assert at_linkedin(there, ada).js_sdk_domains == [JOBS, EU]
        assert on_record(there) == [(False, [JOBS], [JOBS, EU])]
        assert outcomes(await run(there)) == {}


async def test_the_vendors_pages_join_the_list_and_are_shown_first(
    town: Any, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LinkedIn's plugin works where the list says; to name a page of one's own changes customers' applications."""
    async with town(vendor(), GREENLIGHT_JS_SDK_DOMAINS=JOBS) as there:
        await save_parent(PARENT)
        await run(there, new={ada: "Ada"})
        monkeypatch.setenv("GREENLIGHT_EMBED_ORIGINS", EU)
        assert outcomes(await run(there)) == {ada: HELD}, "a run that nobody has allowed to"
        assert at_linkedin(there, ada).js_sdk_domains == [JOBS]
        shown = DomainLists(there.database).changes([], [JOBS, EU])
        assert outcomes(await run(there, as_shown=digest_of(shown))) == {ada: DONE}
        assert at_linkedin(there, ada).js_sdk_domains == [JOBS, EU]


async def test_what_somebody_else_has_written_is_kept_and_shown(
    town: Any, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written at LinkedIn between the look on which the plan rests and the change: it is held, then kept."""
    async with town(vendor(), GREENLIGHT_JS_SDK_DOMAINS=JOBS) as there:
        await save_parent(PARENT)
        await run(there, new={ada: "Ada"})
        monkeypatch.setenv("GREENLIGHT_JS_SDK_DOMAINS", EU)
        shown = digest_of(DomainLists(there.database).changes([], [EU]))
        at_linkedin(there, ada).js_sdk_domains = [JOBS, THEIRS]
        assert outcomes(await run(there, as_shown=shown)) == {ada: HELD}
        assert on_record(there) == [(True, [JOBS], [JOBS, THEIRS])]
        (change,) = DomainLists(there.database).changes([], [EU]).values()
        assert (change.after, change.foreign) == ((THEIRS, EU), (THEIRS,))
        assert outcomes(await run(there, change_domains=True)) == {ada: DONE}
        assert at_linkedin(there, ada).js_sdk_domains == [THEIRS, EU]
        with there.database.reading() as session:
            assert session.get_one(ChildApplication, ada).own_domains == [EU]


async def test_drift_is_told_where_a_customer_is_named(town: Any, ada: str) -> None:
    async with town(vendor(), GREENLIGHT_JS_SDK_DOMAINS=JOBS) as there:
        await save_parent(PARENT)
        await run(there, new={ada: "Ada"})
        at_linkedin(there, ada).js_sdk_domains = [THEIRS]
        report = await run(there, ada)
        assert outcomes(report) == {ada: HELD}
        assert f"{THEIRS} -> {THEIRS}, {JOBS}" in report.items[0].message
        assert outcomes(await run(there, ada, change_domains=True)) == {ada: DONE}
        assert at_linkedin(there, ada).js_sdk_domains == [THEIRS, JOBS]


async def test_a_run_may_look_at_every_list(town: Any, ada: str, bob: str, heard: list[tuple[str, str, str]]) -> None:
    """For a schedule: what somebody has changed at LinkedIn is told, and left as it is."""
    async with town(vendor(), GREENLIGHT_JS_SDK_DOMAINS=JOBS) as there:
        await save_parent(PARENT)
        await run(there, new={ada: "Ada"})
        Applications(there.database).add_customers({bob: "Bob"}, there.now())
        assert outcomes(await run(there, look=True)) == {ada: ("unchanged", "APPLICATION_WORKS")}, "nothing is made"
        at_linkedin(there, ada).js_sdk_domains = [THEIRS]
        for name, told in (("DriftFound", True), ("KnownTrouble", False)):
            heard.clear()
            state: Any = await provision(look=True, return_state=True)
            report = Applications(there.database).report(str(state.state_details.flow_run_id))
            assert (state.name, outcomes(report)) == (name, {ada: HELD}), "red once for each trouble"
            assert heard == [("greenlight.application.drifted", ada, "DOMAINS_HELD")] * told
        assert at_linkedin(there, ada).js_sdk_domains == [THEIRS]
        assert on_record(there) == [(True, [JOBS], [THEIRS])]

        at_linkedin(there, ada).js_sdk_domains = [JOBS]
        assert outcomes(await run(there, look=True)) == {ada: ("unchanged", "APPLICATION_WORKS")}
        for name in ("DriftFound", "Looked"):
            # Beside ours, so that nothing is to be changed.
            at_linkedin(there, ada).js_sdk_domains = [JOBS, THEIRS]
            state = await provision(look=True, return_state=True)
            assert state.name == name
        assert heard[-1] == ("greenlight.application.drifted", ada, "DOMAINS_CHANGED")


async def test_a_look_replaces_no_secret_and_says_whose_domains_nobody_can_see(town: Any, ada: str, bob: str) -> None:
    """Blocks that cannot be read any more, under another encryption key: not all secrets anew in one night."""
    imported = Application(client_id=client_of(bob), client_secret="x", customer=bob)
    async with town(vendor(applications=(imported,)), GREENLIGHT_JS_SDK_DOMAINS=JOBS) as there:
        await save_parent(PARENT)
        await run(there, new={ada: "Ada"})
        registration = Registration(bob, bob, (client_of(bob), block_name(bob)), [])
        register(there.database, [registration], there.now())
        secrets = list(at_linkedin(there, ada).secrets)
        await ChildAppBlocks().delete(block_name(ada))
        report = await run(there, look=True)
        assert outcomes(report) == {ada: ("failed", "CREDENTIALS_MISSING")}
        assert at_linkedin(there, ada).secrets == secrets
        assert "Of 1 imported applications no API shows the domains" in report.headline()


async def test_a_first_installation_gives_nobody_an_origin_that_is_any_machine(
    town: Any, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting of the first try-out, at the real LinkedIn."""
    async with town(vendor()) as there:
        await save_parent(PARENT)
        monkeypatch.setenv("GREENLIGHT_LINKEDIN_API_URL", "https://api.linkedin.com")
        with pytest.raises(CannotProvision, match="set GREENLIGHT_PORTAL_URL") as caught:
            await run(there, new={ada: "Ada"})
        assert str(caught.value).count(". ") == 0, "one sentence"
        with there.database.reading() as session:
            assert session.get(Customer, ada) is None, "nobody is put on record for it"
        assert there.operations() == []


async def test_adopting_takes_no_domain_away(town: Any, ada: str) -> None:
    theirs = there_already(ada).model_copy(update={"js_sdk_domains": [THEIRS]})
    async with town(vendor(applications=(theirs,)), GREENLIGHT_JS_SDK_DOMAINS=JOBS) as there:
        await save_parent(PARENT)
        assert outcomes(await run(there, new={ada: "Ada"})) == {ada: ("adopted", "APPLICATION_WORKS")}
        assert at_linkedin(there, ada).js_sdk_domains == [THEIRS, JOBS]
        assert on_record(there) == [(False, [THEIRS], [THEIRS, JOBS])]


async def test_a_cap_on_changed_lists(town: Any, ada: str, bob: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with town(vendor(), GREENLIGHT_JS_SDK_DOMAINS=JOBS) as there:
        await save_parent(PARENT)
        await run(there, new={ada: "Ada", bob: "Bob"})
        monkeypatch.setenv("GREENLIGHT_JS_SDK_DOMAINS", EU)
        report = await run(there, change_domains=True, max_changes=1)
        assert sorted(outcomes(report).values()) == [HELD, DONE]


async def test_a_page_is_no_success(town: Any, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's page with status 200 in answer to the update: nothing is said to have been changed."""
    page = Fault(on="update", fault="html", status=200, times=None, applied=False)
    async with town(vendor(page), GREENLIGHT_JS_SDK_DOMAINS=JOBS) as there:
        await save_parent(PARENT)
        await run(there, new={ada: "Ada"})
        monkeypatch.setenv("GREENLIGHT_JS_SDK_DOMAINS", EU)
        assert outcomes(await run(there, change_domains=True)) == {ada: ("failed", "NOT_THE_API")}
        with there.database.reading() as session:
            assert session.get_one(ChildApplication, ada).js_sdk_domains == [JOBS]


async def test_a_thousand_lists_survive_a_mistyped_setting(
    town: Any, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(vendor(), GREENLIGHT_JS_SDK_DOMAINS=JOBS) as there:
        await save_parent(PARENT)
        names = [f"{ada}-{number}" for number in range(1000)]
        applications = Applications(there.database)
        applications.add_customers(dict.fromkeys(names, "Ada"), there.now())
        for number, name in enumerate(names):
            urn = f"urn:li:developerApplication:{number}"
            applications.put(
                name, client_of(name), name, there.now(), urn=urn, name=name, js_sdk_domains=[JOBS, THEIRS]
            )
            applications.worked(name, there.now())
        monkeypatch.setenv("GREENLIGHT_JS_SDK_DOMAINS", "")
        monkeypatch.setenv("GREENLIGHT_PORTAL_URL", "http://127.0.0.1:8780")
        before = there.operations()
        for allowed in (False, True):
            with pytest.raises(CannotProvision, match="1000 applications have real domains") as caught:
                await run(there, new={f"{ada}-new": "New"}, change_domains=allowed, max_changes=5000)
            assert str(caught.value).count(". ") == 0, "one sentence"
        assert there.operations() == before, "nothing was sent"
        assert on_record(there) == []


async def test_two_installations_do_not_find_each_others(town: Any, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer of both, under one parent: each has an application of its own, and an older id stays."""
    production = there_already(ada)
    async with town(vendor(applications=(production,)), GREENLIGHT_INSTALLATION="staging") as there:
        await save_parent(PARENT)
        assert outcomes(await run(there, new={ada: "Ada"})) == {ada: ("created", "APPLICATION_WORKS")}
        assert at_linkedin(there, f"staging/{ada}").client_id != client_of(ada)
        assert at_linkedin(there, ada).secrets == ["known-to-nobody"]
        monkeypatch.setenv("GREENLIGHT_INSTALLATION", "renamed")
        assert outcomes(await run(there, ada)) == {ada: ("unchanged", "APPLICATION_WORKS")}
