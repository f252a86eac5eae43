"""A database that cannot be used: one sentence that names it, says why, and keeps its password."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.pool import Pool

from greenlight.ats.database import Database, DatabaseUnavailable, make_database
from tests.ats.world import ids_of, one


@contextmanager
def nothing_left_open() -> Iterator[None]:
    """Close what is connected in the block; a failed opening leaves that to the garbage collector."""
    made: list[Any] = []

    def note(connection: Any, _record: object) -> None:
        made.append(connection)

    event.listen(Pool, "connect", note)
    try:
        yield
    finally:
        event.remove(Pool, "connect", note)
        for connection in made:
            connection.close()


def refusal(url: str) -> str:
    """What opening says."""
    with nothing_left_open(), pytest.raises(DatabaseUnavailable) as raised:
        make_database(url).close()
    said = str(raised.value)
    assert raised.value.__suppress_context__, "the traceback would show what the sentence leaves out"
    assert said.startswith("GREENLIGHT_DATABASE_URL ")
    assert "\n" not in said
    return said


def test_a_schema_of_a_newer_version(database: Database, database_url: str) -> None:
    """An older program must not write into tables that it does not know, and it says which program can."""
    id = one(database)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE greenlight_version SET version_num = '9999'"))
    said = refusal(database_url)
    assert "has a schema that this version does not know" in said
    assert "9999" in said
    assert "install the version that made it, or a newer one" in said
    assert ids_of(database) == [id]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A mistyped path must not cost anybody the file that is there."""
    file = tmp_path / "letter.txt"
    file.write_text("Dear customer, this is no database. " * 200)
    before = file.read_bytes()
    assert refusal(f"sqlite:///{file}").endswith(f"sqlite:///{file} cannot be opened: file is not a database")
    assert file.read_bytes() == before


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    """The path of the folder alone is the likeliest of all mistakes."""
    assert refusal(f"sqlite:///{tmp_path}").endswith("cannot be opened: unable to open database file")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Where a file is in the way of the folder, the system's own words are enough."""
    (tmp_path / "file").write_text("")
    said = refusal(f"sqlite:///{tmp_path}/file/ats/ats.db")
    assert "cannot be opened: " in said
    assert "Not a directory" in said or "File exists" in said


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A daemon's user often may not write where a person tried the program first."""
    folder = tmp_path / "closed"
    if os.name == "posix" and os.geteuid() == 0:
        # Nothing is closed to root but what the kernel itself does not allow.
        assert "cannot be opened: " in refusal("sqlite:////proc/greenlight/ats.db")
        return
    folder.mkdir(mode=0o500)
    assert refusal(f"sqlite:///{folder}/ats.db").endswith("cannot be opened: unable to open database file")
    assert "Permission denied" in refusal(f"sqlite:///{folder}/below/ats.db")


def test_a_server_that_is_not_there() -> None:
    """The one who reads the message sees which server was meant, and nobody sees the password."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        said = refusal(f"postgresql+psycopg://clerk:hunter2@127.0.0.1:{port}/ats")
    assert f"postgresql+psycopg://clerk:***@127.0.0.1:{port}/ats cannot be opened: " in said
    assert "refused" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_a_database_that_does_not_exist(database_url: str) -> None:
    """The server is right and the name is not: the message has the name."""
    assert 'database "nowhere' in refusal(database_url.replace("/greenlight_test_", "/nowhere_"))


def test_a_password_in_the_query_is_not_shown() -> None:
    """PostgreSQL's driver takes it from there too."""
    assert "hunter2" not in refusal("postgresql+psycopg://me@/db?host=127.0.0.1&port=1&password=hunter2")
