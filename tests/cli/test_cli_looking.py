"""Looking changes nothing: a database is made or migrated by the commands that say so, and left alone by all others."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from greenlight.ats.database import make_database
from tests.cli.conftest import Home

HEADER = (
    "customer_id,customer_name,client_id,client_secret,"
    "integration_context,integration_type,tenant_type,integration_name"
)
ROW = "acme,Acme,77abc,WPL.secret,urn:li:organization:4gX03uw,APPLY_WITH_LINKEDIN,JOBS,"
NOWHERE = "http://127.0.0.1:9/api"

LOOKING = [
    ("status",),
    ("explain", "acme"),
    ("link", "acme"),
    ("plan",),
    ("apply", "--yes"),
    ("apply", "0000", "--yes"),
    ("approve", "0000"),
    ("plans",),
    ("plans", "show", "0000"),
    ("plans", "discard", "0000"),
    ("tripwires",),
    ("tripwires", "lift", "--all"),
    ("pause", "acme", "--reason", "why"),
    ("resume", "acme"),
    ("provision",),
    ("rotate", "--all"),
    ("prune",),
    ("worker",),
    ("portal",),
]
#: How a database can be wrong, and what is said of it.
WRONG = {
    "missing.db": "does not exist: correct the variable, or make a new database there with `greenlight migrate`",
    "empty.db": "has no tables of Greenlight: correct the variable, or make them with `greenlight migrate`",
    "older.db": "is older than this version (revision 0001 there, ",
    "newer.db": "is newer than this version: it has a schema that this version does not know (revision 9999 ",
}


def prepared(folder: Path, name: str) -> str:
    """The URL of a database that is wrong as its name says."""
    file = folder / name
    if name == "empty.db":
        file.touch()
    elif name != "missing.db":
        with closing(make_database(f"sqlite:///{file}")) as database, database.writing() as session:
            revision = {"older.db": "0001", "newer.db": "9999"}[name]
            session.execute(text("UPDATE greenlight_version SET version_num = :it"), {"it": revision})
    return f"sqlite:///{file}"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.db")}


@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_who_only_uses_a_database_refuses_one_that_is_not_there(home: Home, command: tuple[str, ...]) -> None:
    url = prepared(home.folder, "missing.db")
    done = home.run(*command, GREENLIGHT_DATABASE_URL=url, PREFECT_API_URL=NOWHERE)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"greenlight: GREENLIGHT_DATABASE_URL {url} {WRONG['missing.db']}\n"
    assert contents(home.folder) == {}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_it_is_said_and_it_is_left_as_it_is(home: Home, name: str) -> None:
    url = prepared(home.folder, name)
    before = contents(home.folder)
    for command in (("status",), ("worker",)):
        done = home.run(*command, GREENLIGHT_DATABASE_URL=url, PREFECT_API_URL=NOWHERE)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith(f"greenlight: GREENLIGHT_DATABASE_URL {url} {WRONG[name]}")
        assert done.err.count("\n") == 1
    assert contents(home.folder) == before


def test_a_file_that_is_refused_leaves_no_database(home: Home) -> None:
    home.file("bad.csv", f"{HEADER}\nacme\n")
    assert home.run("import", "bad.csv").code == 1
    assert home.run("provision", "--new", "acme").code == 1
    assert home.run("provision", "--new", " =Acme").code == 1
    assert list(home.folder.rglob("greenlight.db")) == []


def test_migrate_makes_it_once(home: Home) -> None:
    url = prepared(home.folder, "missing.db")
    settings = {"GREENLIGHT_DATABASE_URL": url}
    first = home.run("migrate", "--json", **settings)
    assert first.code == 0
    document = first.json()
    newest = document["to"]
    assert document == {
        "schema": "greenlight.migrate/1",
        "command": "migrate",
        "database": url,
        "from": None,
        "to": newest,
        "changed": True,
    }
    again = home.run("migrate", "--json", **settings).json()
    assert (again["from"], again["to"], again["changed"]) == (newest, newest, False)
    assert "nothing was changed" in home.run("migrate", **settings).out
    status = home.run("status", "--json", **settings)
    assert (status.code, status.json()["database"]) == (0, url)


def test_prune_says_what_it_deleted_of_which_database(home: Home) -> None:
    assert home.run("migrate").code == 0
    done = home.run("prune", "--json")
    document = done.json()
    assert (done.code, document["schema"], document["command"]) == (0, "greenlight.prune/1", "prune")
    assert set(document["deleted"].values()) == {0}
    assert document["database"].endswith("greenlight.db")
    assert "nothing deleted" in home.run("prune").out
    refused = home.run("prune", GREENLIGHT_RETENTION_DAYS="7")
    assert (refused.code, "GREENLIGHT_RETENTION_DAYS" in refused.err) == (1, True)


def test_migrate_leaves_a_newer_one_alone(home: Home) -> None:
    url = prepared(home.folder, "newer.db")
    before = contents(home.folder)
    done = home.run("migrate", GREENLIGHT_DATABASE_URL=url)
    assert done.code == 1
    assert "install the version that made it, or a newer one" in done.err
    assert contents(home.folder) == before


def test_every_report_says_which_database_it_is_of(home: Home) -> None:
    url = f"sqlite:///{home.folder / 'ats.db'}"
    home.settings["GREENLIGHT_DATABASE_URL"] = url
    home.file("c.csv", f"{HEADER}\n{ROW}\n")
    assert home.run("import", "c.csv", "--json").json()["database"] == url
    for command in (("status",), ("explain", "acme"), ("tripwires",)):
        assert home.run(*command, "--json").json()["database"] == url
        assert f"Database: {url}" in home.run(*command).out
    doctor = home.run("doctor", PREFECT_API_URL=NOWHERE)
    assert url in doctor.out
    assert home.run("doctor", "--json", PREFECT_API_URL=NOWHERE).json()["database"] == url


def test_a_mistyped_name_of_the_databases_setting_is_an_error(home: Home) -> None:
    """The default would be used, which is another database, or none."""
    for where in ("environment", ".env"):
        settings = {"GREENLIGHT_DATABSE_URL": "sqlite:///x.db"} if where == "environment" else {}
        if where == ".env":
            home.file(".env", "GREENLIGHT_DATABSE_URL=sqlite:///x.db\n")
        done = home.run("migrate", **settings)
        assert done.code == 1
        assert "GREENLIGHT_DATABSE_URL" in done.err
        assert "GREENLIGHT_DATABASE_URL" in done.err
        assert list(home.folder.rglob("*.db")) == []


def test_a_mistyped_setting_is_pointed_out(home: Home) -> None:
    home.file(".env", "GREENLIGHT_RETRY_DELAY_SECONDS=1\nexport GREENLIGHT_MAILBOX=x\nOTHER=1\n")
    done = home.run(
        "migrate", GREENLIGHT_APPROVER="another", GREENLIGHT_TRACEBACK="", GREENLIGHT_KEYS_PASSPHRASE_FILE="x"
    )
    assert done.code == 0
    assert "GREENLIGHT_APPROVER is no setting; GREENLIGHT_APPROVERS is" in done.err
    assert "GREENLIGHT_RETRY_DELAY_SECONDS is no setting; GREENLIGHT_RETRY_DELAYS_SECONDS is" in done.err
    assert "GREENLIGHT_MAILBOX is no setting" in done.err
    assert done.err.count("\n") == 3
    assert (
        len(
            [
                c
                for c in home.run("doctor", "--json", GREENLIGHT_APPROVER="x", PREFECT_API_URL=NOWHERE).json()["checks"]
                if c["state"] == "warning" and c["name"] == "settings"
            ]
        )
        == 3
    )


def test_a_mistyped_type_is_an_error(home: Home) -> None:
    """A type that nobody knows selects nothing, and nothing is all well."""
    own = ROW.replace("APPLY_WITH_LINKEDIN", "BRAND_NEW_TYPE")
    home.file("c.csv", f"{HEADER}\n{ROW}\n{own}\n")
    assert home.run("import", "c.csv").code == 0
    for command in ("status", "plan"):
        done = home.run(command, "--type", "APPLY_WITH_LINKEDN")
        assert done.code == 1
        assert "no integration type 'APPLY_WITH_LINKEDN'" in done.err
        assert all(word in done.err for word in ("APPLY_WITH_LINKEDIN", "CSA_API", "BRAND_NEW_TYPE"))
    known = home.run("status", "--type", "PREMIUM_JOB_POSTING", "--type", "BRAND_NEW_TYPE", "--json")
    assert (known.code, len(known.json()["items"])) == (0, 1)
