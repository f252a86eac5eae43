"""With `--json` a command that cannot run prints one document that says who must act; its exit code stays 1."""

import pytest

from tests.cli.conftest import Done, Here, Home

CANARY = "s3cr3t-canary"


def told(done: Done) -> dict[str, str]:
    """The document of a command that could not run, which names no secret."""
    document = done.json()
    assert done.code == 1
    assert document["schema"] == "greenlight.error/1"
    assert all(document[name].strip() for name in ("kind", "message", "remedy")), document
    assert document["remedy"] != document["message"]
    assert CANARY not in done.out + done.err
    assert "Traceback" not in done.err
    return document


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["explain"], "input", "CUSTOMER"),
        (["frobnicate"], "input", "frobnicate"),
        (["status", "--nonsense"], "input", "--nonsense"),
        (["plan", "--max-changes", "-1"], "input", "--max-changes"),
        (["plan", "--max-changes", "few"], "input", "--max-changes"),
        (["explain", "nobody"], "input", "nobody"),
        (["import", "c.csv"], "input", "nothing was imported"),
        (["import", "nowhere.csv"], "input", "nothing was imported"),
        (["sandbox", "--world", "nowhere.json"], "input", "nowhere.json"),
        (["apply", "some-plan"], "refused", "cannot be undone"),
        (["forget", "acme"], "refused", "cannot be brought back"),
        (["link", "nobody"], "input", "nobody"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_document(here: Here, arguments: list[str], kind: str, words: str) -> None:
    done = here(*arguments, "--json")
    document = told(done)
    assert (document["kind"], words in document["message"]) == (kind, True), document
    assert done.err.strip(), "a person is told too"


def test_a_prefect_that_cannot_be_reached(home: Home) -> None:
    away = {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    assert home.run("migrate").code == 0
    document = told(home.run("plan", "--json", **away))
    assert (document["kind"], "PREFECT_API_URL" in document["message"]) == ("prefect", True), document


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("GREENLIGHT_HTTP_TIMEOUT_SECONDS", "0", "input"),
        ("GREENLIGHT_DATABASE_URL", f"mysql://u:{CANARY}@h/d", "input"),
        ("GREENLIGHT_DATABASE_URL", "sqlite:////nowhere/at/all.db", "database"),
        ("GREENLIGHT_DATABASE_URL", f"postgresql://u:{CANARY}@nowhere.invalid/d", "database"),
    ],
    ids=["bad", "secret", "missing", "away"],
)
def test_a_setting_and_a_database(here: Here, name: str, value: str, kind: str) -> None:
    document = told(here("status", "--json", **{name: value}))
    assert (document["kind"], name in document["message"]) == (kind, True), document


def test_every_bad_row_stands_in_the_document(here: Here) -> None:
    errors = here("import", "c.csv", "--json").json()["errors"]
    assert {error["file"] for error in errors} == {"c.csv"}
    assert all(error["why"] for error in errors)


def test_a_defect_of_ours_is_ours(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> int:
        raise ZeroDivisionError(f"client_secret={CANARY}")

    monkeypatch.setattr("cli.showing.run_status", broken)
    document = told(here("status", "--json"))
    assert (document["kind"], "ZeroDivisionError" in document["message"]) == ("defect", True)
    with pytest.raises(ZeroDivisionError):
        here("status", "--json", GREENLIGHT_TRACEBACK="1")


def test_two_dashes_end_the_options(here: Here) -> None:
    """What follows is a customer of that name, and people get no document."""
    done = here("explain", "--", "--json")
    assert (done.code, done.out) == (1, "")
