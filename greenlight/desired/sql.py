"""A view or a SELECT on the vendor's own database, read in a transaction that cannot write."""

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, CursorResult, make_url
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from greenlight.desired.source import Row, SourceUnreadable, check_columns, text_values, without_secrets
from greenlight.intake.problems import Problems

#: The view that is read unless another, or a SELECT, is named.
DEFAULT_VIEW = "greenlight_desired"
#: Rows that are fetched at once.
_AT_ONCE = 500
_LOOKING_SECONDS = 10
#: The longest that PostgreSQL may take for the query, and for each some rows of it, or wait for somebody's lock.
STATEMENT_SECONDS, LOCK_SECONDS = 300.0, 30.0
_VIEW = re.compile(r"\w+(\.\w+){0,2}")
_READS = re.compile(r"(select|with)\b", re.IGNORECASE)
#: How a transaction that cannot write begins where SQLAlchemy has no word for it.
_READ_ONLY = {"mysql": "SET SESSION TRANSACTION READ ONLY", "mariadb": "SET SESSION TRANSACTION READ ONLY"}
_READ_ONLY_NOW = {"oracle": "SET TRANSACTION READ ONLY"}


class SqlSource:
    """The rows of one query. A driver for anything but PostgreSQL and SQLite is the vendor's to install."""

    def __init__(self, url: str, query: str | None = None) -> None:
        self._url = make_url(url)
        self._query = (query or DEFAULT_VIEW).strip().rstrip(";").rstrip()

    @property
    def name(self) -> str:
        shown = self._url.set(query={}).render_as_string()
        if self._url.host and shown.count("@") > (self._url.username is not None):
            # What was not encoded in a password is taken for a part of the host, or of the name.
            shown = without_secrets(shown)
        return f"{shown} ({self._query})" if _VIEW.fullmatch(self._query) else shown

    def rows(self, problems: Problems) -> Generator[Row]:
        with self._result() as result:
            names = [str(name).lower() for name in tuple(result.keys())]
            check_columns(names)
            try:
                for number, row in enumerate(result, 1):
                    yield number, text_values(number, dict(zip(names, row, strict=True)), problems)
            except SQLAlchemyError as error:
                raise SourceUnreadable(f"could not be read to its end: {self._cause(error)}") from None

    @contextmanager
    def _result(self) -> Iterator[CursorResult[tuple[object, ...]]]:
        statement = self._statement()
        try:
            engine = create_engine(_reading(self._url), poolclass=NullPool, connect_args=_patience(self._url))
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise SourceUnreadable(
                f"there is no driver for {self._url.drivername} here: {error}; install it beside Greenlight"
            ) from None
        except SQLAlchemyError as error:
            raise SourceUnreadable(f"cannot be opened: {type(error).__name__}") from None
        if (words := _READ_ONLY.get(engine.dialect.name)) is not None:
            event.listen(engine, "connect", lambda connection, _: _say(connection, words))
        try:
            with self._told(), engine.connect() as connection:
                options = {"stream_results": True, "yield_per": _AT_ONCE, "no_parameters": True}
                connection = _read_only(connection)
                result = connection.exec_driver_sql(statement, execution_options=options)
                try:
                    yield result
                finally:
                    result.close()
                    connection.rollback()
        finally:
            engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise SourceUnreadable(f"cannot be read: {self._cause(error)}") from None

    def _cause(self, error: SQLAlchemyError) -> str:
        """The driver's own first line, which says what it looked for; its kind alone where that has the password."""
        if not isinstance(error, DBAPIError) or error.orig is None:
            return type(error).__name__
        said = str(error.orig).strip().partition("\n")[0]
        password = self._url.password
        return said[:200] if said and not (password and password in said) else type(error.orig).__name__

    def _statement(self) -> str:
        if _VIEW.fullmatch(self._query):
            return " ".join(("SELECT * FROM", self._query))
        if not _READS.match(self._query):
            raise SourceUnreadable("GREENLIGHT_DESIRED_QUERY is neither the name of a view nor a SELECT")
        return self._query


def _reading(url: URL) -> URL:
    """The same address, on which a SQLite file can only be read, and is not made."""
    if url.get_backend_name() != "sqlite":
        return url
    file = f"file:{quote(str(Path(url.database or '').absolute()))}"
    return url.set(database=file, query={"mode": "ro", "uri": "true"})


def _patience(url: URL) -> dict[str, object]:
    if url.drivername == "postgresql+psycopg":
        # PgBouncer may give each transaction another connection.
        quiet = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
        return {"connect_timeout": _LOOKING_SECONDS, "prepare_threshold": None, **quiet}
    return {}


def _say(connection: Any, words: str) -> None:
    cursor = connection.cursor()
    cursor.execute(words)
    cursor.close()


def _read_only(connection: Connection) -> Connection:
    if connection.dialect.name == "postgresql":
        connection = connection.execution_options(postgresql_readonly=True)
        # For this transaction, since the next one on a connection of PgBouncer's may be somebody else's.
        for name, seconds in (("statement_timeout", STATEMENT_SECONDS), ("lock_timeout", LOCK_SECONDS)):
            connection.exec_driver_sql(f"SET LOCAL {name} = {seconds * 1000:.0f}")
        return connection
    if (words := _READ_ONLY_NOW.get(connection.dialect.name)) is not None:
        connection.exec_driver_sql(words)
    return connection
