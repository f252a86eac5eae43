"""`api-key`: the key is shown once, the list shows none, and what is given wrongly is said."""

import pytest

from greenlight.ats.api_keys import ApiKeys, Scope
from greenlight.ats.clock import time_of
from greenlight.ats.database import Database
from tests.cli.conftest import Here


def test_a_key_is_shown_once_and_opens_what_it_says(here: Here, here_database: Database) -> None:
    made = here("api-key", "create", "our ATS", "--scope", "customers:read", "--days", "30", "--json").json()
    found = ApiKeys(here_database).find(made["key"], time_of(here_database))
    assert found is not None
    assert found[0].scopes == {"customers:read"}
    listed = here("api-key", "list", "--json")
    assert made["key"] not in listed.out
    (row,) = listed.json()["keys"]
    assert (row["name"], row["state"], row["scopes"], row["last_used_at"]) == (
        "our ATS",
        "good",
        ["customers:read"],
        None,
    )
    assert row["expires_at"] > row["created_at"]
    assert "our ATS" in here("api-key", "list").out


def test_without_scopes_a_key_may_everything_and_is_alone_on_stdout(here: Here, here_database: Database) -> None:
    key = here("api-key", "create", "ats").out.strip()
    found = ApiKeys(here_database).find(key, time_of(here_database))
    assert found is not None
    assert found[0].scopes == set(Scope)


def test_a_revoked_key_opens_nothing(here: Here, here_database: Database) -> None:
    made = here("api-key", "create", "ats", "--json").json()
    assert here("api-key", "revoke", "ats", "--json").json()["keys"][0]["state"] == "revoked"
    assert ApiKeys(here_database).find(made["key"], time_of(here_database)) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "x", "--scope", "everything"], "customers:read"),
        (["create", " x"], "NAME"),
        (["create", "x", "--days", "0"], "--days"),
        (["revoke", "nobody"], "nobody"),
    ],
)
def test_what_is_given_wrongly_is_said(here: Here, here_database: Database, words: list[str], said: str) -> None:
    answer = here("api-key", *words)
    assert answer.code == 1
    assert said in answer.err
    assert ApiKeys(here_database).on_record() == []
