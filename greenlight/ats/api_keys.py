"""Keys of the HTTP API: made once, kept as digests, and what each may do.

A key is `gl_`, its public id, and 256 random bits. Nobody can be shown it again.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from greenlight.ats.api_tables import ApiKey
from greenlight.ats.database import Database
from greenlight.ats.waiting import reads, units
from greenlight.errors import BadInput, RefusedByRule

#: How exact the last use of a key is: not every call is worth a write.
USE_IS_NOTED_EVERY = timedelta(minutes=1)
#: Characters of a key's name.
LONGEST_NAME = 100
#: With what the records' name for a key begins.
KEY_IN_RECORDS = "API key "
_PREFIX = "gl_"
_ID_BYTES, _SECRET_BYTES = 6, 32
#: Longer than any key.
_LONGEST = 128


class Scope(StrEnum):
    """What a key may do. None includes another."""

    #: Customers, their integrations, and what changed.
    CUSTOMERS_READ = "customers:read"
    #: Create and name customers, pause and resume them.
    CUSTOMERS_WRITE = "customers:write"
    #: Make the links that open a customer's page.
    LINKS_CREATE = "links:create"
    #: Ask for a look, and withdraw an integration.
    INTEGRATIONS_WRITE = "integrations:write"


class UnknownKey(BadInput, remedy="`greenlight api-key list` names those that are on record"):
    """No key of that name is on record."""


class KeyExists(RefusedByRule, remedy="give another name: a name says in the records whose call it was"):
    """A key of that name is on record, revoked or not."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key a call has, and what that key may do."""

    key_id: str
    name: str
    scopes: frozenset[str]

    @property
    def who(self) -> str:
        """As the records name it."""
        return f"{KEY_IN_RECORDS}{self.name}"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What may be shown of a key."""

    key_id: str
    name: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@units
class ApiKeys:
    """The keys in the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, name: str, scopes: Collection[Scope], now: datetime, expires_at: datetime | None = None
    ) -> tuple[str, KnownKey]:
        """A new key, which is to be shown this once, and its row. Raises KeyExists."""
        key_id = secrets.token_hex(_ID_BYTES)
        key = f"{_PREFIX}{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        wanted = sorted(scopes)
        with self._database.writing() as session:
            if session.exec(select(ApiKey).where(ApiKey.name == name)).first() is not None:
                raise KeyExists(f"there is a key {name!r} already")
            row = ApiKey(
                key_id=key_id,
                digest=_digest_of(key),
                name=name,
                scopes=[scope.value for scope in wanted],
                created_at=now,
                expires_at=expires_at,
            )
            session.add(row)
            session.flush()
            return key, _shown(row)

    def on_record(self) -> list[KnownKey]:
        """All keys, the oldest first."""
        with self._database.reading() as session:
            return [_shown(row) for row in session.exec(select(ApiKey).order_by(col(ApiKey.created_at), ApiKey.name))]

    def revoke(self, name: str, now: datetime) -> KnownKey:
        """Let a key open nothing any more; once more changes nothing. Raises UnknownKey."""
        with self._database.writing() as session:
            row = session.exec(select(ApiKey).where(ApiKey.name == name).with_for_update()).first()
            if row is None:
                raise UnknownKey(f"no key {name!r}")
            row.revoked_at = row.revoked_at or now
            return _shown(row)

    @reads
    def find(self, key: str, now: datetime) -> tuple[Caller, bool] | None:
        """Whose key this is, and whether its use is to be noted; None for one that opens nothing now."""
        key_id = _id_in(key)
        with self._database.reading() as session:
            row = session.get(ApiKey, key_id) if key_id else None
            # Compared in constant time, and also where there is nothing to compare with.
            same = hmac.compare_digest(_digest_of(key), row.digest if row is not None else "0" * 64)
            if row is None or not same or row.revoked_at is not None:
                return None
            if row.expires_at is not None and row.expires_at <= now:
                return None
            stale = row.last_used_at is None or row.last_used_at <= now - USE_IS_NOTED_EVERY
            return Caller(row.key_id, row.name, frozenset(row.scopes)), stale

    def note_use(self, key_id: str, now: datetime) -> bool:
        """A key was used. Whether that could be written down: it is tried once, and not for long."""
        try:
            with self._database.writing_briefly() as session:
                # Who has it locked writes the same, or revokes it.
                row = session.get(ApiKey, key_id, with_for_update={"skip_locked": True})
                if row is not None:
                    row.last_used_at = max(row.last_used_at or now, now)
        except SQLAlchemyError:
            return False
        return True


def _id_in(key: str) -> str:
    """The public id of what may be a key; "" for what cannot be one."""
    if len(key) > _LONGEST or not key.startswith(_PREFIX):
        return ""
    key_id = key.removeprefix(_PREFIX).partition("_")[0]
    return key_id if len(key_id) == 2 * _ID_BYTES and key_id.isascii() and key_id.isalnum() else ""


def _digest_of(key: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _shown(row: ApiKey) -> KnownKey:
    return KnownKey(
        row.key_id, row.name, list(row.scopes), row.created_at, row.expires_at, row.last_used_at, row.revoked_at
    )
