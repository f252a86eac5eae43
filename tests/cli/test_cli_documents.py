"""Every document that a command prints has a published schema; all tests here hold what is printed against it."""

import re

import pytest

from greenlight.ats.database import Database
from tests.ats.world import TYPES, bring_in, customer
from tests.cli.conftest import ROOT, Here
from tests.cli.documents import SCHEMAS, fits

COMMANDS = [
    ["migrate"],
    ["config"],
    ["status"],
    ["status", "--customer", "nobody"],
    ["explain", "acme"],
    ["plans", "list"],
    ["plans", "show", "none"],
    ["pause", "acme", "--reason", "trial"],
    ["resume", "acme"],
    ["tripwires"],
    ["tripwires", "lift", "--all"],
    ["sessions", "list"],
    ["sessions", "end", "acme"],
    ["withdraw", "acme", TYPES[0]],
    ["prune"],
    ["webhooks", "list"],
    ["webhooks", "replay", "msg_none"],
    ["webhooks", "replay", "--since", "2026-03-01T12:00Z"],
    ["webhooks", "test"],
    ["api-key", "create", "ats"],
    ["api-key", "list"],
    ["api-key", "revoke", "ats"],
    ["import", "c.csv"],
    ["nonsense"],
]


def test_what_needs_no_prefect_is_as_published(here: Here, here_database: Database, subtests: pytest.Subtests) -> None:
    bring_in(here_database, customer("acme"))
    for command in COMMANDS:
        with subtests.test(" ".join(command)):
            assert here(*command, "--json").json()["schema"].startswith("greenlight.")


def test_every_document_that_the_code_names_has_a_schema_and_no_other() -> None:
    named: set[str] = set()
    for room in ("cli", "greenlight"):
        for file in (ROOT / room).rglob("*.py"):
            named |= set(re.findall(r'"(greenlight\.[a-z]+/[0-9]+)"', file.read_text(encoding="utf-8")))
    published = {re.sub(r"-(\d+)$", r"/\1", file.stem) for file in SCHEMAS.glob("*.json")}
    assert published == named


def test_a_field_that_is_not_published_is_noticed() -> None:
    error = {"schema": "greenlight.error/1", "kind": "input", "message": "a", "remedy": "b"}
    fits(error)
    for wrong in ({**error, "more": 1}, {**error, "kind": "nobody"}, {"schema": error["schema"]}):
        with pytest.raises(AssertionError, match="not as published"):
            fits(wrong)
