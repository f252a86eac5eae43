"""What guards hold is listed and explained, and goes on by a person's word alone."""

from datetime import UTC, datetime

from sqlmodel import select

from greenlight.ats.database import make_database
from greenlight.ats.holds import Holds
from greenlight.ats.ledger import Hold
from greenlight.ats.registry import register
from greenlight.domain.budget import Lane
from greenlight.domain.status import Status
from tests.ats.world import customer, ids_of, shows
from tests.cli.conftest import Home


def emptied(home: Home) -> None:
    """Five customers that are gone at once, and one that has requested something."""
    url = f"sqlite:///{home.folder / 'ats.db'}"
    home.settings["GREENLIGHT_DATABASE_URL"] = url
    database, now = make_database(url), datetime.now(UTC)
    register(database, [customer(f"c{number}") for number in range(6)], now)
    for number, id in enumerate(ids_of(database)):
        shows(database, id, Status.ENABLED if number else Status.REQUESTED, now)
        if number:
            shows(database, id, Status.NOT_REQUESTED, now, purpose="observe:run-2")
    Holds(database).review(ids_of(database), Lane.NIGHTLY, now)
    database.close()


def test_they_are_listed_explained_and_lifted(home: Home) -> None:
    emptied(home)
    listed = home.run("tripwires")
    assert listed.code == 0
    assert all(word in listed.out + listed.err for word in ("c0", "c5", "SUDDENLY_EMPTY", "tripwires lift CUSTOMER"))
    holds = home.run("tripwires", "--json").json()["holds"]
    assert [hold["customer_id"] for hold in holds] == ["c1", "c2", "c3", "c4", "c5", "c0"]
    assert holds[0]["saw"] == "it was ENABLED, and nothing is shown any more of 5 of 6 customers"

    explained = home.run("explain", "c0").out
    assert "APPLY_WITH_LINKEDIN is held since" in explained
    assert "SUDDENLY_EMPTY" in explained
    assert "READY_TO_ENABLE" not in explained

    lifted = home.run("tripwires", "lift", "c0", "--by", "ann", "--json")
    assert (lifted.code, lifted.json()["lifted_by"]) == (0, "ann")
    assert [hold["customer_id"] for hold in lifted.json()["holds"]] == ["c0"]
    assert "is held since" not in home.run("explain", "c0").out
    assert "READY_TO_ENABLE" in home.run("explain", "c0").out
    assert home.run("tripwires", "lift", "--all").code == 0
    assert home.run("tripwires", "--json").json()["holds"] == []
    assert "No tripwire holds anything." in home.run("tripwires").out
    assert "Nothing was held" in home.run("tripwires", "lift", "--all").out

    database = make_database(home.settings["GREENLIGHT_DATABASE_URL"])
    with database.reading() as session:
        assert {hold.lifted_by for hold in session.exec(select(Hold))} >= {"ann"}
    database.close()


def test_what_is_not_said_clearly_lifts_nothing(home: Home) -> None:
    emptied(home)
    for arguments, word in (
        (["lift"], "name the customers"),
        (["lift", "c0", "--all"], "name the customers"),
        (["lift", "nobody"], "no customer 'nobody'"),
        (["lift", "c0", "--by", " "], "--by"),
        (["lift", "c0", "--by", "x" * 201], "--by"),
    ):
        done = home.run("tripwires", *arguments)
        assert (done.code, done.out) == (1, ""), done.err
        assert word in done.err
        assert "Traceback" not in done.err
    assert len(home.run("tripwires", "--json").json()["holds"]) == 6
