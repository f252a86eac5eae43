"""Stored plans are listed, shown whole and discarded; settings are shown with where they come from."""

import getpass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from greenlight.ats.database import Database
from greenlight.ats.plans import Plans
from greenlight.ats.rows import item
from greenlight.domain.conditions import NOT_LOOKED_AT, after_look
from greenlight.domain.plan import Action, Planned, RequestTotals
from greenlight.domain.selection import Selection
from greenlight.domain.status import Observation, Status
from tests.ats.world import bring_in, customer, integration
from tests.cli.conftest import Here

READY = after_look(Observation(Status.REQUESTED))


@pytest.fixture
def plan_ids(here_database: Database) -> list[str]:
    """Two plans of now and one of long ago; each enables the first of three integrations."""
    ids = bring_in(here_database, *(customer(f"c{n}") for n in range(3)))
    kinds = [(Action.ENABLE, READY), (Action.NONE, NOT_LOOKED_AT), (Action.NONE, NOT_LOOKED_AT)]
    entries = [(id, Planned(item(integration(here_database, id)), *kind)) for id, kind in zip(ids, kinds, strict=True)]
    now = datetime.now(UTC)
    times = (now, now, now.replace(year=now.year - 1, day=1))
    return [Plans(here_database).save(entries, Selection(), RequestTotals(), moment) for moment in times]


def test_plans_are_listed_shown_approved_and_discarded(here: Here, plan_ids: list[str]) -> None:
    first, second, _ = plan_ids
    approved = here("approve", first, "--by", "ann", "--json").json()
    assert (approved["plan_id"], approved["approved_by"], approved["enables"]) == (first, "ann", 1)

    listed = here("plans", "list", "--json").json()
    assert {each["plan_id"]: each["state"] for each in listed["plans"]} == {first: "approved", second: "open"}
    assert listed["counts"] == {"open": 1, "approved": 1, "applied": 0, "discarded": 0, "expired": 1}
    everything = here("plans", "list", "--all", "--json").json()["plans"]
    assert {each["plan_id"] for each in everything} == set(plan_ids)
    assert all((each["enables"], each["items"]) == (1, 3) for each in everything)

    shown = here("plans", "show", second, "--json").json()
    assert [line["action"] for line in shown["items"]] == ["enable", "none", "none"], "all rows"
    assert shown["plan"]["state"] == "open"
    assert f"greenlight approve {second}" in here("plans", "show", second).out
    assert here("plans", second).out == here("plans", "show", second).out

    done = here("plans", "discard", first, "--json").json()["plans"][0]
    assert (done["state"], done["discarded_by"]) == ("discarded", getpass.getuser())
    again = here("plans", "discard", first, "--by", "bob", "--json").json()["plans"][0]
    assert again["discarded_by"] == getpass.getuser(), "who did it stays on record"
    for command in (["approve", first], ["apply", first, "--yes"]):
        refused = here(*command, "--json")
        assert (refused.code, refused.json()["kind"]) == (1, "refused"), command
        assert "was discarded by" in refused.json()["message"]
    assert "1 plans can be applied, 2 are over" in here("plans").out
    assert here("plans", "discard", "nope", "--json").json()["kind"] == "input"


def test_no_plans(here: Here) -> None:
    assert "0 plans can be applied, 0 are over." in here("plans", "list").out


def test_settings_are_shown_with_where_they_come_from(here: Here, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GREENLIGHT_ATS_NAME=Hirely\n")
    (tmp_path / "url").write_text("http://user:s3cr3t-canary@proxy.example:3128\n")
    given = {"GREENLIGHT_HTTPS_PROXY_FILE": str(tmp_path / "url"), "GREENLIGHT_RETENTION_DAYS": "90"}
    done = here("config", "--json", **given)
    found = {each["name"]: each for each in done.json()["settings"]}
    for name, value, source in (
        ("GREENLIGHT_ATS_NAME", "Hirely", "file .env"),
        ("GREENLIGHT_RETENTION_DAYS", 90, "environment"),
        ("GREENLIGHT_REQUESTS_PER_DAY", 5000, "default"),
        ("GREENLIGHT_HTTPS_PROXY", "http://user:***@proxy.example:3128", f"file {tmp_path / 'url'} "),
        ("PREFECT_API_URL", "http://127.0.0.1:9/api", "environment"),
    ):
        assert (found[name]["value"], found[name]["from"].startswith(source)) == (value, True), found[name]
    shown = here("config", **given)
    assert "GREENLIGHT_ATS_NAME" in shown.out
    assert "canary" not in done.out + shown.out + shown.err


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:canary@h/d?password=canary", "postgresql+psycopg://u:***@h/d"),
        ("postgresql://u:c%40nary@h:5433/d", "postgresql+psycopg://u:***@h:5433/d"),
    ],
)
def test_no_password_is_shown(here: Here, url: str, shown: str) -> None:
    found = {
        each["name"]: each["value"] for each in here("config", "--json", GREENLIGHT_DATABASE_URL=url).json()["settings"]
    }
    assert found["GREENLIGHT_DATABASE_URL"] == shown


def test_the_version_names_prefects_and_the_schemas(here: Here) -> None:
    done = here("--version")
    assert done.code == 0
    assert all(word in done.out for word in ("greenlight ", "Prefect 3", "schema 00")), done.out
