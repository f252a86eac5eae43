"""docs/operating.md from an empty PostgreSQL and an empty home: the first night, by hand, and a new key."""

import json
import re
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import create_engine

from tests.ats.postgres import Server
from tests.system.documents import Terminal, has_parent, lines_of, types
from tests.system.programs import free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

PAGE = "docs/operating.md"
SERVER = (PAGE, "export PREFECT_SERVER_ENCRYPTION_KEY=…")
OTHERS = (PAGE, "export PREFECT_API_URL=http://127.0.0.1:4200/api  PREFECT_API_AUTH_STRING=user:…")
DEPLOYED = (PAGE, "prefect work-pool create greenlight --type process")
BY_HAND = (PAGE, "prefect deployment run reconcile/manual")
BACKFILL = (PAGE, """prefect deployment run backfill/csa --params '{"migrated_since": "2026-11-01"}'""")
KEYS = (PAGE, "export GREENLIGHT_KEYS_PASSPHRASE=…")


@pytest.fixture
def databases(server: Server) -> dict[str, str]:
    """What stands in the place of the documented addresses: both databases, empty, on a socket."""
    administrator = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        for name in ("greenlight", "prefect"):
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    administrator.dispose()
    socket = server.url.query["host"]
    return {f"USER:PASSWORD@HOST/{name}": f"postgres@/{name}?host={socket}" for name in ("greenlight", "prefect")}


def statuses(sandbox: Any) -> list[str]:
    return [one.status for one in sandbox.clients["77abc"].integrations.values()]


@types(SERVER, OTHERS, DEPLOYED, BY_HAND, BACKFILL, KEYS)
def test_from_an_empty_machine_to_a_new_key(terminal: Terminal, linkedin: Any, databases: dict[str, str]) -> None:
    sandbox, _ = linkedin
    port = free_port()
    terminal.words |= databases | {
        ":4200": f":{port}",
        "PREFECT_SERVER_ENCRYPTION_KEY=…": f"PREFECT_SERVER_ENCRYPTION_KEY={Fernet.generate_key().decode()}",
        "user:…": "user:its-password",
        "GREENLIGHT_ATS_NAME=…": "GREENLIGHT_ATS_NAME=Talentgrid",
        "https://…": "https://portal.example.com",
        "GREENLIGHT_KEYS_PASSPHRASE=…": "GREENLIGHT_KEYS_PASSPHRASE=correct-horse-battery-staple",
        "/secure/": f"{terminal.folder}/secure/",
    }
    del terminal.environment["GREENLIGHT_DATABASE_URL"]
    servers = terminal.another("server")
    servers.environment["PREFECT_SERVER_API_PORT"] = str(port)
    *exports, start = lines_of(SERVER)
    for line in exports:
        servers.succeed(line)
    serving = servers.leave(start)
    servers.wait_for_port(port)
    for line in lines_of(OTHERS):
        terminal.succeed(line)

    terminal.succeed("greenlight migrate")
    head = "customer_id,customer_name,client_id,client_secret,integration_context,integration_type,tenant_type,"
    row = "acme,Acme,77abc,WPL,urn:li:organization:4gX03uw,APPLY_WITH_LINKEDIN,JOBS"
    (terminal.folder / "customers.csv").write_text(f"{head}integration_name\n{row},\n")
    terminal.succeed("greenlight import customers.csv")
    has_parent(terminal)
    terminal.succeed("greenlight parent parent.json")
    *prepared, worker = lines_of(DEPLOYED)
    for line in prepared:
        terminal.succeed(line)
    working = terminal.leave(worker)
    # A minute, says the page.
    # Prefect cuts its table to the terminal's width.
    terminal.environment["COLUMNS"] = "200"
    terminal.wait_for(lambda: "reconcile" in terminal.succeed("prefect flow-run ls --state SCHEDULED"), 75)

    plan, approve, apply = lines_of(BY_HAND)
    terminal.succeed(plan, "--watch")
    (stored,) = json.loads(terminal.succeed("greenlight plans list --json"))["plans"]
    terminal.words["PLAN_ID"] = stored["plan_id"]
    assert statuses(sandbox) == ["REQUESTED"]
    terminal.succeed(approve, "--watch")
    terminal.succeed(apply, "--watch")
    assert statuses(sandbox) == ["ENABLED"]
    (backfill,) = lines_of(BACKFILL)
    terminal.succeed(backfill, "--watch")

    terminal.end(working)
    (terminal.folder / "secure").mkdir(mode=0o700)
    passphrase, export, give_new_key, restore, doctor = lines_of(KEYS)
    terminal.succeed(passphrase)
    terminal.succeed(export)
    assert give_new_key.startswith("# stop the server, give it its new key, start it")
    terminal.end(serving)
    servers.environment["PREFECT_SERVER_ENCRYPTION_KEY"] = Fernet.generate_key().decode()
    serving = servers.leave(start)
    servers.wait_for_port(port)
    terminal.typed.add(give_new_key)
    terminal.succeed(restore)
    examined = terminal.type(doctor)
    assert re.search(r"credentials +ok +LinkedIn takes those of 1 customers", examined.stdout), examined
    assert re.search(r"parent application +ok", examined.stdout), examined
