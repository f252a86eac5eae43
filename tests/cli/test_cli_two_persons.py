"""GREENLIGHT_APPROVERS=another on the command line: one person alone enables nothing, nor approves as another."""

import getpass

import pytest

from tests.cli.conftest import Home

TWO = {"GREENLIGHT_APPROVERS": "another"}


@pytest.mark.parametrize("arguments", [("--yes",), ("--customer", "ada", "--yes"), ("--json", "--yes")])
def test_apply_takes_only_a_plan_that_somebody_else_approved(home: Home, arguments: tuple[str, ...]) -> None:
    done = home.run("apply", *arguments, **TWO)
    assert done.code == 1
    assert done.json()["kind"] == "refused" if "--json" in arguments else done.out == ""
    assert "one person alone enables nothing (GREENLIGHT_APPROVERS=another)" in " ".join(done.err.split())


def test_nobody_approves_in_anothers_name(home: Home) -> None:
    done = home.run("approve", "some-plan", "--by", "somebody else", **TWO)
    assert (done.code, done.out) == (1, "")
    assert f"nobody approves in another's name (GREENLIGHT_APPROVERS=another); you are {getpass.getuser()}" in (
        " ".join(done.err.split())
    )


def test_a_word_that_is_neither_is_refused_by_name(home: Home) -> None:
    done = home.run("status", GREENLIGHT_APPROVERS="two")
    assert done.code == 1
    assert "GREENLIGHT_APPROVERS" in done.err
