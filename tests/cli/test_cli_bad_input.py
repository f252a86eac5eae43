"""Bad input gets one clear sentence and exit code 1, changes nothing, and never shows a traceback."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from greenlight.ats.applications import Applications
from greenlight.ats.database import make_database
from greenlight.ats.registry import Registration, register
from tests.cli.conftest import Home

HEADER = (
    "customer_id,customer_name,client_id,client_secret,"
    "integration_context,integration_type,tenant_type,integration_name"
)
GOOD = "acme,Acme,app1,s3cr3t-canary,urn:li:organization:1,APPLY_WITH_LINKEDIN,JOBS,"


def refused(done: object, *words: str) -> None:
    code, out, err = (getattr(done, name) for name in ("code", "out", "err"))
    assert code == 1, err
    assert out == ""
    assert "Traceback" not in err
    for word in words:
        assert word in err


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([HEADER.replace("tenant_type", "tenant"), GOOD], ["c.csv:1:", "tenant_type"]),
        ([HEADER, GOOD.replace("organization", "person")], ["c.csv:2: integration_context:"]),
        ([HEADER, GOOD, GOOD], ["c.csv:3:"]),
        ([HEADER, GOOD.replace("s3cr3t-canary", "")], ["c.csv:2: client_secret:"]),
        ([], ["c.csv:1:"]),
    ],
    ids=["wrong column", "bad URN", "duplicate", "half-empty credentials", "empty file"],
)
def test_a_bad_import_file_imports_nothing(home: Home, rows: list[str], words: list[str]) -> None:
    home.file("c.csv", "\n".join(rows) + "\n")
    done = home.run("import", "c.csv")
    refused(done, *words, "nothing was imported")
    assert "canary" not in done.err
    assert not list(home.folder.rglob("greenlight.db")), "not even a database"


def test_a_wrong_encoding_and_a_huge_file(home: Home) -> None:
    (home.folder / "c.csv").write_bytes(f"{HEADER}\n{GOOD}\n".encode("utf-16-le"))
    refused(home.run("import", "c.csv"), "c.csv:1:", "UTF-8")
    with (home.folder / "big.csv").open("wb") as big:
        big.truncate(100_000_000)
    refused(home.run("import", "big.csv"), "big.csv:1: file:")


def test_a_file_that_is_not_there(home: Home) -> None:
    refused(home.run("import", "nowhere.csv"), "nowhere.csv:1: file:")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GREENLIGHT_LINKEDIN_API_URL", "http://api.example.com"),
        ("GREENLIGHT_LINKEDIN_TOKEN_URL", "ftp://127.0.0.1/x"),
        ("GREENLIGHT_RETRY_DELAYS_SECONDS", "soon"),
        ("GREENLIGHT_HTTP_TIMEOUT_SECONDS", "0"),
        ("GREENLIGHT_DATABASE_URL", "mysql://u:pw-canary@h/d"),
        ("GREENLIGHT_DATABASE_URL", "postgresql://u:pw-canary@nowhere.invalid/d"),
    ],
)
def test_a_bad_setting_is_named(home: Home, name: str, value: str) -> None:
    done = home.run("plan", **{name: value})
    refused(done, name)
    assert "canary" not in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["plan", "--customer", "nobody"], "nobody"),
        (["plan", "--max-changes", "-1"], "--max-changes"),
        (["apply", "--yes", "no-such-plan"], "no-such-plan"),
        (["apply", "--yes", "some-plan", "--customer", "acme"], "PLAN_ID"),
        (["explain", "nobody"], "nobody"),
        (["explain"], "CUSTOMER"),
        (["frobnicate"], "frobnicate"),
        (["sandbox", "--world", "nowhere.json"], "nowhere.json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_command_is_refused_before_anything_happens(home: Home, arguments: list[str], word: str) -> None:
    assert home.run("migrate").code == 0
    refused(home.run(*arguments), word)
    assert not (home.folder / ".prefect").exists(), "no server was started for it"


def test_a_prefect_that_cannot_be_reached(home: Home) -> None:
    home.file("c.csv", f"{HEADER}\n{GOOD}\n")
    assert home.run("migrate").code == 0
    refused(home.run("import", "c.csv", PREFECT_API_URL="http://127.0.0.1:9/api"), "PREFECT_API_URL")
    assert home.run("status", "--json").json()["items"] == [], "nothing was imported"


def test_help_names_every_command_of_the_interface(home: Home) -> None:
    done = home.run("--help")
    assert done.code == 0
    for command in ("demo", "import", "plan", "apply", "status", "explain", "sandbox"):
        assert command in done.out
    assert Path(home.folder, ".prefect").exists() is False


def test_names_are_shown_as_they_are(home: Home) -> None:
    """Markup, emoji codes and links in a name are text, for people and for programs."""
    name = ":fire: [bold red]Acme[/] [link=http://evil.example]x[/link] \N{SNOWMAN}"
    home.file("c.csv", f'{HEADER}\nacme,"{name}",,,urn:li:organization:1,APPLY_WITH_LINKEDIN,JOBS,"{name}"\n')
    assert home.run("import", "c.csv").code == 0
    (item,) = home.run("status", "--json").json()["items"]
    assert item["integration_name"] == name
    assert name in home.run("explain", "acme").out


def test_an_import_does_not_take_a_provisioned_application_away(home: Home) -> None:
    """Refused at its line and field; asked for, the old one stays until LinkedIn has accepted the new one."""
    url = f"sqlite:///{home.folder / 'own.db'}"
    now = datetime(2026, 3, 1, tzinfo=UTC)
    database = make_database(url)
    try:
        register(database, [Registration("acme", "Acme", None, [])], now)
        urn = "urn:li:developerApplication:1"
        Applications(database).put("acme", "made1", "b", now, urn=urn, name="Acme", js_sdk_domains=None)
        settings = {
            "GREENLIGHT_DATABASE_URL": url,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": "http://127.0.0.1:9/oauth/v2/accessToken",
        }
        home.file("c.csv", f"{HEADER}\n{GOOD}\n")
        asked = ["import", "c.csv", "--replace-credentials", "acme"]
        refused(
            home.run("import", "c.csv", **settings), "c.csv:2: client_id: is not made1", "--replace-credentials acme"
        )
        refused(home.run(*asked, **settings), "--yes")
        refused(home.run(*asked, "--yes", **settings), "c.csv:2: client_id: got no token from LinkedIn")
        held = Applications(database).on_record("acme")
        assert held is not None
        assert (held.client_id, held.urn) == ("made1", urn)
    finally:
        database.close()
    assert "canary" not in "".join(home.said)
    assert not (home.folder / ".prefect").exists(), "no server was started for it"
