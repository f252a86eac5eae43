"""Keys of the HTTP API: shown once, kept as digests, good until revoked or expired, and whose use is noted."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest

from greenlight.ats.api_keys import ApiKeys, KeyExists, Scope, UnknownKey
from greenlight.ats.api_tables import ApiKey
from greenlight.ats.database import Database
from tests.ats.world import NOON, at


@pytest.fixture
def keys(database: Database) -> ApiKeys:
    return ApiKeys(database)


def test_only_the_digest_is_kept(database: Database, keys: ApiKeys) -> None:
    key, row = keys.create("our ATS", set(Scope), NOON)
    with database.reading() as session:
        kept = session.get_one(ApiKey, row.key_id).model_dump()
    assert kept["digest"] == hashlib.sha256(key.encode()).hexdigest()
    secret = key.removeprefix(f"gl_{row.key_id}_")
    assert len(secret) == 43, "256 bits"
    assert secret not in repr(kept)


def test_a_key_says_whose_call_it_is_and_what_it_may(keys: ApiKeys) -> None:
    key, row = keys.create("reports", {Scope.CUSTOMERS_READ}, NOON)
    found = keys.find(key, at(1))
    assert found is not None
    caller, _ = found
    assert (caller.key_id, caller.who, caller.scopes) == (row.key_id, "API key reports", {"customers:read"})


NO_KEYS: dict[str, Callable[[str], str]] = {
    "another last character": lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
    "its public part alone": lambda key: key[:15],
    "one character more": lambda key: key + "A",
    "in capitals": lambda key: key.upper(),
    "another public part": lambda key: "gl_000000000000_" + key[16:],
    "nothing": lambda _: "",
    "the prefix": lambda _: "gl_",
    "NUL": lambda _: "gl_" + "\0" * 12 + "_x",
    "not ASCII": lambda _: "gl_" + "é" * 12 + "_x",
    "half a character": lambda _: "\ud800",
    "a long one": lambda _: "gl_" + "x" * 100_000,
}


@pytest.mark.parametrize("of", NO_KEYS.values(), ids=NO_KEYS)
def test_what_is_no_key_opens_nothing(keys: ApiKeys, of: Callable[[str], str]) -> None:
    key, _ = keys.create("our ATS", set(Scope), NOON)
    assert keys.find(of(key), at(1)) is None
    assert keys.find(key, at(1)) is not None


def test_a_revoked_key_opens_nothing_and_its_name_stays_taken(keys: ApiKeys) -> None:
    key, _ = keys.create("our ATS", set(Scope), NOON)
    other, _ = keys.create("other", set(Scope), NOON)
    keys.revoke("our ATS", at(1))
    assert keys.find(key, at(1)) is None
    assert keys.find(other, at(1)) is not None
    assert keys.revoke("our ATS", at(9)).revoked_at == at(1), "once more changes nothing"
    with pytest.raises(KeyExists):
        keys.create("our ATS", set(Scope), at(2))
    with pytest.raises(UnknownKey):
        keys.revoke("nobody's", at(2))


def test_a_key_ends_at_its_time(keys: ApiKeys) -> None:
    key, _ = keys.create("our ATS", set(Scope), NOON, NOON + timedelta(days=1))
    assert keys.find(key, NOON + timedelta(days=1) - timedelta(seconds=1)) is not None
    assert keys.find(key, NOON + timedelta(days=1)) is None


def test_the_last_use_is_noted_once_a_minute(keys: ApiKeys) -> None:
    key, row = keys.create("our ATS", set(Scope), NOON)
    noted = []
    for second in (0, 1, 30, 59, 60, 61):
        found = keys.find(key, at(second / 60))
        assert found is not None
        if found[1]:
            keys.note_use(row.key_id, at(second / 60))
            noted.append(second)
    assert noted == [0, 60]
    keys.note_use(row.key_id, at(0.5))
    assert keys.on_record()[0].last_used_at == at(1), "it never goes back"
