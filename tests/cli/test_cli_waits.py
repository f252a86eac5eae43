"""A command that meets a database which is away waits, says so, and goes on; what does not pass is told at once."""

import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from greenlight.ats import waiting
from greenlight.ats.database import DatabaseUnavailable, make_database, open_database
from tests.ats.postgres import Server
from tests.cli.conftest import Home


def test_commands_and_a_worker_wait_for_a_server_that_restarts(server: Server, home: Home) -> None:
    """Each meets no server, says what it waits for, then one that is starting up, and goes on."""
    ends = {"status": 0, "migrate": 0, "worker": 1}
    program = [sys.executable, "-c", "from cli.app import main; main()"]
    environment = home.environment(GREENLIGHT_DATABASE_URL=server.text, PREFECT_API_URL="")
    said = {command: home.folder / f"{command}.txt" for command in ends}
    server.stop()
    try:
        with ExitStack() as files:
            outputs = {command: files.enter_context(said[command].open("wb")) for command in ends}
            running = {
                command: subprocess.Popen(
                    [*program, command],
                    cwd=home.folder,
                    env=environment,
                    stdout=outputs[command],
                    stderr=outputs[command],
                )
                for command in ends
            }
        give_up = time.monotonic() + 100
        while not all("s for the database postgresql+psycopg://" in each.read_text() for each in said.values()):
            assert time.monotonic() < give_up, {command: each.read_text() for command, each in said.items()}
            time.sleep(0.1)
    finally:
        server.start()
    assert {command: each.wait(100) for command, each in running.items()} == ends
    assert "No customer is on record yet" in said["status"].read_text()
    assert "nothing was changed" in said["migrate"].read_text()
    assert "the worker needs the Prefect server" in said["worker"].read_text(), "it came past its database"


def test_a_file_that_is_locked_is_waited_for(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("greenlight.ats.engines._LOOKING_SECONDS", 0.1)
    file = shutil.copy(sqlite_template, tmp_path / "ats.db")
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN IMMEDIATE")
        holder.execute("COMMIT")
        with pytest.raises(DatabaseUnavailable, match="locked for too long"):
            open_database(f"sqlite:///{file}")
        freeing = threading.Timer(0.5, holder.close)
        freeing.start()
        open_database(f"sqlite:///{file}", patient=True).close()
        freeing.join()


def test_a_server_that_stays_away_ends_in_a_sentence(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.5)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"postgresql+psycopg://clerk:hunter2@127.0.0.1:{closed.getsockname()[1]}/ats"
        for opened in (open_database, make_database):
            with pytest.raises(DatabaseUnavailable, match=r"^GREENLIGHT_DATABASE_URL .+ did not come back") as raised:
                opened(url, patient=True)
            assert "hunter2" not in str(raised.value)


@contextmanager
def refusing(message: str) -> Iterator[int]:
    """A PostgreSQL that refuses every login with this message; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    fields = b"SFATAL\0VFATAL\0C28000\0M" + message.encode() + b"\0\0"
    ssl_or_gss = {struct.pack("!I", 80877103), struct.pack("!I", 80877104)}

    def serve() -> None:
        while True:
            try:
                caller = listener.accept()[0]
            except OSError:
                return
            with caller:
                while caller.recv(1000)[4:8] in ssl_or_gss:
                    caller.sendall(b"N")
                caller.sendall(b"E" + struct.pack("!I", len(fields) + 4) + fields)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


@pytest.mark.parametrize(
    "message",
    [
        'password authentication failed for user "clerk"',
        "SSL error: certificate verify failed",
        'server certificate for "db" does not match host name "10.0.0.1"',
        'root certificate file "/etc/ssl/none.pem" does not exist',
        "server does not support SSL, but SSL was required",
        'certificate present, but not private key file "/home/us/.postgresql/postgresql.key"',
        "SSL error: tlsv13 alert certificate required",
        'invalid sslmode value: "verify"',
        'no pg_hba.conf entry for host "10.0.0.1", user "clerk", database "ats", no encryption',
        'role "clerk" does not exist',
        'permission denied for database "ats"',
        "no such database: ats",
    ],
)
def test_a_refused_login_is_told_at_once(message: str) -> None:
    with refusing(message) as port:
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable, match="cannot be opened") as raised:
            open_database(f"postgresql+psycopg://clerk:hunter2@127.0.0.1:{port}/ats", patient=True)
        assert time.monotonic() - began < 5
    assert message in str(raised.value)


def test_a_server_that_is_starting_up_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.5)
    with (
        refusing("the database system is starting up") as port,
        pytest.raises(DatabaseUnavailable, match=r"within 0\.5 s"),
    ):
        open_database(f"postgresql+psycopg://127.0.0.1:{port}/ats", patient=True)


def test_an_unknown_host_and_an_unknown_database_are_told_at_once(server: Server, tmp_path: Path) -> None:
    urls = {
        "postgresql+psycopg://clerk@nowhere.invalid/ats": "nowhere.invalid",
        server.url.set(database="nowhere").render_as_string(): 'database "nowhere" does not exist',
        "postgresql+psycopg://clerk@127.0.0.1:99999/ats": "invalid port number",
        f"sqlite:///{tmp_path}/nowhere.db": "does not exist",
    }
    for url, why in urls.items():
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable, match=why):
            open_database(url, patient=True)
        assert time.monotonic() - began < 5, url
