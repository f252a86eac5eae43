"""`doctor` against a well world and against broken ones: it names what is wrong, changes nothing, shows no secret."""

import hashlib
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from greenlight.ats.database import make_database
from greenlight.ats.tables import RequestDay
from sandbox.app import create_app
from sandbox.server import serving_in_thread
from sandbox.world import Application, Parent, World
from tests.cli.answering import answering
from tests.cli.conftest import TALKATIVE, Done, Home
from tests.cli.prefect_server import prefect_server
from tests.cli.secrecy import found

pytestmark = pytest.mark.timeout(400)

SECRETS = {"acme": "acme/secret+CANARY=", "bolt": "bolt/secret+CANARY="}
PARENT = {"client_id": "vendorparent", "client_secret": "parents/secret+CANARY="}
PASSWORD = "operator:password-CANARY"
NOWHERE = "http://127.0.0.1:9/api"


def row(customer: str, secret: str | None, context: int) -> str:
    keys = {} if secret is None else {"client_id": f"app{customer}", "client_secret": secret}
    names = {"customer_id": customer, "customer_name": customer.title()}
    kind = {"integration_type": "APPLY_WITH_LINKEDIN", "tenant_type": "JOBS"}
    return json.dumps({**names, **keys, "integration_context": f"urn:li:organization:{context}", **kind})


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Two customers with working credentials on a guarded Prefect server."""
    applications = [Application(client_id=f"app{name}", client_secret=secret) for name, secret in SECRETS.items()]
    app = create_app(World(parents=[Parent(**PARENT)], applications=applications))
    key = Fernet.generate_key().decode()
    home = Home(tmp_path_factory.mktemp("well"), {}, app.state.sandbox)
    server = {
        "PREFECT_SERVER_ENCRYPTION_KEY": key,
        "PREFECT_SERVER_API_AUTH_STRING": PASSWORD,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "PREFECT_API_AUTH_STRING": PASSWORD,
    }
    with serving_in_thread(app) as address, prefect_server(home, **server) as api:
        home.settings |= {
            "GREENLIGHT_DATABASE_URL": f"sqlite:///{home.folder / 'ats.db'}",
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
            "GREENLIGHT_HTTP_TIMEOUT_SECONDS": "2",
            "GREENLIGHT_RETRY_DELAYS_SECONDS": "0.1",
            "PREFECT_API_URL": api,
            "PREFECT_API_AUTH_STRING": PASSWORD,
            "PREFECT_SERVER_ENCRYPTION_KEY": key,
        }
        home.file("in.jsonl", "\n".join(row(name, secret, n) for n, (name, secret) in enumerate(SECRETS.items())))
        assert home.run("import", "in.jsonl").code == 0
        (home.folder / "in.jsonl").unlink()
        assert home.run("parent", "-", stdin=json.dumps(PARENT)).code == 0
        yield home
        home.said += [key]


def states(done: Done) -> dict[str, set[str]]:
    """Each check's states by its name."""
    assert "Traceback" not in done.err, done.err
    shown: dict[str, set[str]] = {}
    for check in done.json()["checks"]:
        shown.setdefault(check["name"], set()).add(check["state"])
        assert check["found"]
        assert check["state"] == "ok" or (check["tried"] and check["remedy"]), check
    return shown


def check_of(done: Done, name: str, state: str) -> dict[str, Any]:
    (check,) = [each for each in done.json()["checks"] if (each["name"], each["state"]) == (name, state)]
    return check


def test_a_well_world_and_nothing_of_it_is_changed(well: Home, subtests: pytest.Subtests) -> None:
    before = hashlib.sha256((well.folder / "ats.db").read_bytes()).hexdigest()
    world, asked = well.linkedin.state()["applications"], len(well.linkedin.log)
    with subtests.test("all is ok, and everything was looked at"):
        done = well.run("doctor", "--json", **TALKATIVE)
        assert done.code == 0, done.out
        shown = states(done)
        # Here somebody runs greenlight by hand: nothing is deployed.
        assert shown.pop("schedules") == {"warning"}
        assert shown == {
            name: {"ok"}
            for name in (
                *("settings", "database", "database writes", "database clock", "budget", "way to LinkedIn"),
                *("prefect", "prefect access", "prefect csrf", "prefect events", "prefect task runs"),
                *("encryption key", "credentials", "parent application", "clock"),
            )
        }
        assert "2 customers" in check_of(done, "credentials", "ok")["found"]
    with subtests.test("people read words"):
        done = well.run("doctor", "--customer", "acme")
        assert (done.code, "16 ok, 1 warnings, 0 problems." in done.out) == (0, True)
        assert "takes those of 1 customers" in done.out
    with subtests.test("nothing was changed, and it cost no request to atsIntegrations"):
        assert hashlib.sha256((well.folder / "ats.db").read_bytes()).hexdigest() == before
        assert well.linkedin.state()["applications"] == world
        assert {entry.operation for entry in list(well.linkedin.log)[asked:]} == {"token", "other"}
    with subtests.test("a customer that nobody knows cannot be looked at"):
        done = well.run("doctor", "--customer", "nobody")
        assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    with subtests.test("no secret, password or key was shown or is on disk in clear"):
        key = well.settings["PREFECT_SERVER_ENCRYPTION_KEY"]
        secrets = [*SECRETS.values(), PARENT["client_secret"], PASSWORD, key, *well.linkedin.tokens]
        assert found(well, secrets) == []


def test_a_secret_that_linkedin_refuses_is_named(well: Home) -> None:
    """By a person's hand, in the developer portal; the one who has none yet is a warning and no problem."""
    client = well.linkedin.clients["appbolt"]
    well.file("more.jsonl", row("cyan", None, 7))
    assert well.run("import", "more.jsonl").code == 0
    kept, client.secrets = client.secrets, ["another/secret+CANARY="]
    try:
        done = well.run("doctor", "--json")
    finally:
        client.secrets = kept
    assert done.code == 3
    bad = check_of(done, "credentials", "problem")
    assert (bad["customers"], "CREDENTIALS_REFUSED" in bad["found"], "rotate" in bad["remedy"]) == (
        ["bolt"],
        True,
        True,
    )
    assert check_of(done, "credentials", "warning")["customers"] == ["cyan"]
    assert not any(secret in done.out + done.err for secret in [*kept, "another/secret+CANARY="])


def test_what_the_prefect_server_lets_through(well: Home) -> None:
    for wrong in ("", "operator:mistyped"):
        done = well.run("doctor", "--json", PREFECT_API_AUTH_STRING=wrong)
        assert (done.code, "PREFECT_API_AUTH_STRING" in check_of(done, "prefect", "problem")["found"]) == (3, True)
        assert "Prefect's API" in check_of(done, "credentials", "warning")["found"]


def test_settings_are_named_one_by_one(home: Home) -> None:
    done = home.run(
        *("doctor", "--json"),
        GREENLIGHT_LINKEDIN_API_URL="http://api.example.com",
        GREENLIGHT_DATABASE_URL="mysql://u:pw-CANARY@h/d",
        GREENLIGHT_REQUESTS_PER_DAY="none",
        PREFECT_API_URL=NOWHERE,
    )
    assert done.code == 3
    named = [check["found"].split()[0] for check in done.json()["checks"] if check["name"] == "settings"]
    assert sorted(named) == [
        "GREENLIGHT_DATABASE_URL",
        "GREENLIGHT_LINKEDIN_API_URL",
        "GREENLIGHT_REQUESTS_PER_DAY",
    ]
    assert states(done)["database"] == {"warning"}
    assert "CANARY" not in done.out + done.err


def old_schema(file: Path, revision: str) -> None:
    with closing(make_database(f"sqlite:///{file}")) as database, database.writing() as session:
        session.execute(text("UPDATE greenlight_version SET version_num = :it"), {"it": revision})


BROKEN = [
    pytest.param("postgresql://u:pw-CANARY@127.0.0.1:1/d", "problem", "cannot be opened", id="PostgreSQL is away"),
    pytest.param("sqlite:///garbage.db", "problem", "not a database", id="a file that is no database"),
    pytest.param("sqlite:///.", "problem", "cannot be opened", id="a folder"),
    pytest.param("sqlite:///none.db", "problem", "no database sqlite:///none.db", id="no file yet"),
    pytest.param("sqlite:///empty.db", "problem", "revision none", id="a file without tables"),
    pytest.param("sqlite:///old.db", "problem", "revision 0001", id="an older schema"),
    pytest.param("sqlite:///new.db", "problem", "revision 9999", id="a schema of a newer version"),
]


@pytest.mark.parametrize(("url", "state", "words"), BROKEN)
def test_a_database_that_is_not_as_it_should_be(home: Home, url: str, state: str, words: str) -> None:
    (home.folder / "garbage.db").write_bytes(b"garbage" * 1000)
    (home.folder / "empty.db").touch()
    for name, revision in (("old.db", "0001"), ("new.db", "9999")):
        if name in url:
            old_schema(home.folder / name, revision)
    files = {path: path.read_bytes() for path in home.folder.glob("*.db")}
    done = home.run("doctor", "--json", GREENLIGHT_DATABASE_URL=url, PREFECT_API_URL=NOWHERE)
    assert done.code == 3, "the Prefect server is away in any case"
    assert words in check_of(done, "database", state)["found"]
    assert states(done)["credentials"] == states(done)["budget"] == {"warning"}
    assert {path: path.read_bytes() for path in home.folder.glob("*.db")} == files
    assert "CANARY" not in done.out + done.err


GARBAGE = [
    pytest.param((200, b"\xff<html>", 0), "not as a Prefect server", id="something else"),
    pytest.param((200, b'{"version": 1}', 0), "not as a Prefect server", id="JSON of another kind"),
    pytest.param((200, b'"\\u001b[31m3"', 0), "not as a Prefect server", id="a version that is none"),
    pytest.param((502, b"", 0), "HTTP 502", id="a proxy without a server"),
    pytest.param((302, b"", 0), "HTTP 302", id="a way elsewhere"),
    pytest.param((401, b"", 0), "HTTP 401", id="a password for its health"),
]


@pytest.mark.parametrize(("answer", "words"), GARBAGE)
def test_something_else_answers_for_prefect(home: Home, answer: Any, words: str) -> None:
    with answering(answer) as address:
        done = home.run("doctor", "--json", PREFECT_API_URL=f"{address}/api")
    assert done.code == 3
    assert words in check_of(done, "prefect", "problem")["found"]
    states(done)


def test_a_prefect_server_that_hangs_is_not_waited_for(home: Home) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        done = home.run("doctor", "--json", PREFECT_API_URL=f"http://127.0.0.1:{silent.getsockname()[1]}/api")
        assert time.monotonic() - began < 30
    assert (done.code, "no answer within" in check_of(done, "prefect", "problem")["found"]) == (3, True)


@pytest.mark.parametrize(("behind", "state"), [(0, "ok"), (100, "warning"), (-100, "warning"), (400, "problem")])
def test_the_clock_is_compared(well: Home, behind: int, state: str) -> None:
    token = json.dumps({"access_token": "token-CANARY", "expires_in": 1800}).encode()
    with answering((200, token, behind)) as address:
        done = well.run("doctor", "--json", "--customer", "acme", GREENLIGHT_LINKEDIN_TOKEN_URL=address)
    shown = check_of(done, "clock", state)["found"]
    assert behind == 0 or ("ahead" if behind > 0 else "behind") in shown
    assert done.code == (3 if state == "problem" else 0)
    assert "CANARY" not in done.out + done.err


def test_linkedin_is_away(well: Home) -> None:
    """Nobody's credentials are bad because of that; the way there fails, and says at which step."""
    done = well.run("doctor", "--json", "--customer", "acme", GREENLIGHT_LINKEDIN_TOKEN_URL="http://127.0.0.1:9/")
    assert done.code == 3
    assert check_of(done, "way to LinkedIn", "problem")["found"] == "no connection to 127.0.0.1:9: refused"
    assert check_of(done, "way to LinkedIn", "ok")["found"] == "it answers, with HTTP 404"
    assert "LINKEDIN_UNAVAILABLE" in check_of(done, "credentials", "warning")["found"]
    assert states(done)["clock"] == states(done)["parent application"] == {"warning"}


def test_a_budget_that_is_spent_or_parked(well: Home) -> None:
    url = well.settings["GREENLIGHT_DATABASE_URL"]
    today = datetime.now(UTC)
    with closing(make_database(url)) as database:
        with database.writing() as session:
            session.add(RequestDay(application="appacme", day=today.date(), nightly=4000))
        done = well.run("doctor", "--json", "--customer", "acme")
        assert "4000 of 5000" in check_of(done, "budget", "warning")["found"]
        with database.writing() as session:
            session.get_one(RequestDay, ("appacme", today.date())).parked_until = today + timedelta(hours=1)
        done = well.run("doctor", "--json", "--customer", "acme")
        assert "parked" in check_of(done, "budget", "warning")["found"]
        assert done.code == 0
        with database.writing() as session:
            session.delete(session.get_one(RequestDay, ("appacme", today.date())))
