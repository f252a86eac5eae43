"""A source of what is wanted on the command line: doctor tries it, tripwires shows one that is held."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from cli.source_checks import check_held_source, check_source
from greenlight.ats.database import make_database
from greenlight.desired.sql import SqlSource
from greenlight.desired.syncing import sync
from greenlight.settings import Settings
from tests.cli.conftest import Home
from tests.desired.vendor import Vendor


@pytest.fixture
def vendor(tmp_path: Path) -> Vendor:
    vendor = Vendor(f"sqlite:///{tmp_path / 'vendor.db'}")
    vendor.signs(1, 2, 3)
    return vendor


def settings_of(vendor: Vendor, query: str | None = None) -> Settings:
    return Settings.model_construct(
        desired_source="sql", desired_url=SecretStr(vendor.url), desired_query=query, ca_file=None
    )


def found(settings: Settings) -> tuple[str, str]:
    (finding,) = check_source(settings)
    return finding.state.value, finding.found


def test_doctor_tries_it_and_changes_nothing(vendor: Vendor, tmp_path: Path) -> None:
    before = (tmp_path / "vendor.db").read_bytes()
    assert found(settings_of(vendor)) == ("ok", "it can be read, and its first 3 rows are good")
    assert found(settings_of(vendor, "nowhere")) == ("problem", "cannot be read: no such table: nowhere")
    faulty = "SELECT *, ' x' AS integration_name FROM greenlight_desired"
    assert found(settings_of(vendor, faulty)) == (
        "warning",
        "3 faults in its first 3 rows, the first in row 1, integration_name: begins or ends with a blank",
    )
    empty = "SELECT * FROM greenlight_desired WHERE 1 = 0"
    assert found(settings_of(vendor, empty)) == ("warning", "it has no rows")
    assert (tmp_path / "vendor.db").read_bytes() == before
    assert check_source(Settings.model_construct(desired_url=None)) == []


def test_one_that_is_held_is_shown_and_let_go_on(home: Home, vendor: Vendor) -> None:
    url = f"sqlite:///{home.folder / 'ats.db'}"
    home.settings["GREENLIGHT_DATABASE_URL"] = url
    database = make_database(url)
    assert check_held_source(database) == []
    source = SqlSource(vendor.url)
    sync(source, database, lambda: datetime.now(UTC), None)
    with sqlite3.connect(source._url.database or "") as connection:
        connection.execute("DELETE FROM tenants")
    connection.close()
    sync(source, database, lambda: datetime.now(UTC), None)
    (finding,) = check_held_source(database)
    assert "3 integrations of 3 customers that it had it has no more" in finding.found

    shown = home.run("tripwires")
    assert "greenlight tripwires lift --source" in shown.out
    assert home.run("tripwires", "--json").json()["source"]["reason"] == "SUDDENLY_EMPTY"
    assert home.run("tripwires", "lift", "--all", "--source").code == 1
    lifted = home.run("tripwires", "lift", "--source", "--by", "ann", "--json")
    assert "3 integrations of 3 customers" in lifted.json()["source"]["saw"]
    assert (lifted.code, lifted.json()["lifted_by"]) == (0, "ann")
    assert "was not held" in home.run("tripwires", "lift", "--source").out
    assert sync(source, database, lambda: datetime.now(UTC), None).counts == {"withdrawn": 3}
    database.close()
