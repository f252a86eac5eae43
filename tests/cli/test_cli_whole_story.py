"""Import, plan, apply, apply again, status, explain as a user types them; then every file is searched for secrets."""

from typing import Any

import pytest

from tests.cli.conftest import TALKATIVE, Home
from tests.cli.secrecy import found
from tests.flows.fault_world import CASES

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

ITEM_FIELDS = {
    "customer_id",
    "integration_context",
    "integration_type",
    "tenant_type",
    "integration_name",
    "observed",
    "observed_at",
    "action",
    "outcome",
    "reason",
    "message",
    "remedy",
    "whose_move",
}


def check_document(document: dict[str, Any], command: str) -> None:
    """What the interface promises of every report."""
    assert document["schema"] == "greenlight.report/1"
    assert document["command"] == command
    assert document["verdict"] in {"ok", "partial", "failed"}
    assert sum(document["counts"].values()) == len(document["items"])
    for item in document["items"]:
        assert item.keys() >= ITEM_FIELDS


def test_the_whole_story(town_home: Home, subtests: pytest.Subtests) -> None:
    home = town_home
    with subtests.test("import"):
        done = home.run("import", "customers.jsonl", "--json", **TALKATIVE)
        assert done.code == 0, done.err
        assert done.json()["integrations_added"] == len(CASES)
        (home.folder / "customers.jsonl").unlink()
    with subtests.test("plan"):
        done = home.run("plan", "--json")
        assert done.code == 2, done.err
        check_document(done.json(), "plan")
        assert {e.method for e in home.linkedin.log if e.operation != "token"} == {"GET"}
    with subtests.test("apply asks for --yes without a terminal"):
        done = home.run("apply")
        assert (done.code, done.out) == (1, "")
        assert "--yes" in done.err
    with subtests.test("apply"):
        done = home.run("apply", "--yes", "--json", **TALKATIVE)
        assert done.code == 3, done.err
        document = done.json()
        check_document(document, "apply")
        got = {i["customer_id"]: (i["outcome"], i["reason"], i["observed"]) for i in document["items"]}
        # Plan has used up the verify faults that pass by themselves; all ends are the same.
        assert got == {case.id: case.expected for case in CASES}
        assert document["requests"]["enable"] > 0
    with subtests.test("status"):
        done = home.run("status", "--json")
        check_document(done.json(), "status")
        assert done.code == 3
        assert {i["customer_id"] for i in done.json()["items"]} == {case.id for case in CASES}
    with subtests.test("explain"):
        done = home.run("explain", "t-refused", "--json")
        check_document(done.json(), "explain")
        (item,) = done.json()["items"]
        assert (item["reason"], item["whose_move"]) == ("CREDENTIALS_REFUSED", "us")
        text = home.run("explain", "e-cut").out
        assert "OUTCOME_UNKNOWN" in text, "the connection was cut, and the last enable may still land"
        assert text.count("attempt") >= 2, "the intent rows are there to be seen"
        assert "recheck" not in text, "what is not settled is looked at each night"
        assert "recheck   about in the night of 20" in home.run("explain", "plain").out
    with subtests.test("no traceback was shown"):
        assert home.tracebacks() == []
    with subtests.test("secrets and tokens are nowhere on disk or on the terminal"):
        assert _found(home) == []


def _found(home: Home) -> list[str]:
    secrets = [case.secret for case in CASES] + list(home.linkedin.tokens)
    assert len(secrets) > len(CASES), "there are tokens to look for"
    return found(home, secrets)


def test_the_search_itself_finds_a_planted_secret(town_home: Home) -> None:
    planted = town_home.folder / "planted.txt"
    planted.write_text(f"x{CASES[0].secret}x")
    try:
        assert _found(town_home) == [str(planted)]
    finally:
        planted.unlink()
