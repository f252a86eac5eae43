"""`api-key create`, `list` and `revoke`: with what the vendor's back end calls the HTTP API."""

import sys
from datetime import datetime, timedelta
from typing import Any

from cli.errors import CannotRun
from cli.opening import ats_database
from cli.render import console_for_people, plain, print_json, table_of
from greenlight.ats.api_keys import LONGEST_NAME, ApiKeys, KnownKey, Scope
from greenlight.ats.clock import time_of
from greenlight.domain.formatting import iso

SCHEMA = "greenlight.apikeys/1"
_MOST_DAYS = 3650


def run_create(name: str, scopes: tuple[str, ...], days: int | None, *, as_json: bool) -> int:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise CannotRun(f"NAME is one line of 1 to {LONGEST_NAME} characters that says whose key it is")
    if unknown := sorted(set(scopes) - set(Scope)):
        raise CannotRun(f"--scope {unknown[0][:80]!r} is none", f"give some of {', '.join(Scope)}")
    if days is not None and not 0 < days <= _MOST_DAYS:
        raise CannotRun("--days is how long the key lasts", f"give 1 to {_MOST_DAYS}")
    database = ats_database()
    now = time_of(database)
    expires_at = None if days is None else now + timedelta(days=days)
    key, row = ApiKeys(database).create(name, {Scope(scope) for scope in scopes or Scope}, now, expires_at)
    if as_json:
        print_json({"schema": SCHEMA, "command": "api-key create", "key": key, "keys": [_document(row, now)]})
        return 0
    sys.stdout.write(key + "\n")
    console_for_people(stderr=True).print(
        plain(f"This is the key {name}, shown this once. It may: {', '.join(row.scopes)}.")
    )
    return 0


def run_list(*, as_json: bool) -> int:
    database = ats_database()
    now, rows = time_of(database), ApiKeys(database).on_record()
    if as_json:
        print_json({"schema": SCHEMA, "command": "api-key list", "keys": [_document(row, now) for row in rows]})
        return 0
    console = console_for_people()
    if not rows:
        console.print(plain("There is no key; `greenlight api-key create NAME` makes one."))
        return 0
    table = table_of("name", "state", "may", "made", "last used", "ends")
    for row in rows:
        times = (_day(row.created_at), _day(row.last_used_at), _day(row.expires_at))
        table.add_row(*map(plain, (row.name, _state(row, now), ", ".join(row.scopes), *times)))
    console.print(table)
    return 0


def run_revoke(name: str, *, as_json: bool) -> int:
    database = ats_database()
    now = time_of(database)
    row = ApiKeys(database).revoke(name, now)
    if as_json:
        print_json({"schema": SCHEMA, "command": "api-key revoke", "keys": [_document(row, now)]})
    else:
        console_for_people().print(plain(f"The key {name} opens nothing any more."))
    return 0


def _state(row: KnownKey, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "good"


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%MZ}"


def _document(row: KnownKey, now: datetime) -> dict[str, Any]:
    times = {
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at,
    }
    return {
        "name": row.name,
        "state": _state(row, now),
        "scopes": list(row.scopes),
        **{name: None if moment is None else iso(moment) for name, moment in times.items()},
    }
