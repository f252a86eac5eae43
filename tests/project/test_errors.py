"""One tree of errors: each exception says who must act, or is control flow and on a list here."""

import ast
import builtins
import importlib
from collections.abc import Iterator

import pytest

from greenlight.errors import Defect, GreenlightError, Kind
from portal.refusals import STATUS_BY_KIND, status_of
from tests.project.test_repository import ROOT

ROOMS = ("cli", "flows", "portal", "tasks", "blocks", "greenlight")
TREE = ("greenlight.errors", "GreenlightError")
#: Caught by whoever calls, always: they say where to go on, and nobody is told of them as such.
CONTROL_FLOW = {
    # What a value is refused with, on its way to a sentence that names the field, the row or the variable.
    "greenlight.domain.applications.InvalidOrigin",
    "greenlight.domain.keys.InvalidKey",
    "greenlight.intake.values.BadValue",
    "greenlight.intake.source.Unreadable",
    "greenlight.intake.source.RowTooLong",
    "greenlight.intake.problems.TooManyErrors",
    # Of a request to LinkedIn, on its way to a LinkedInError.
    "greenlight.linkedin.answers.NotJson",
    "greenlight.linkedin.compression.TooLong",
    "greenlight.linkedin.transport.NoAnswer",
    # Of one integration or one customer, on its way to a condition.
    "greenlight.ats.attempts.AttemptHeld",
    "greenlight.ats.attempts.AttemptRefused",
    # Of a sync, for which a cancelled run does not wait.
    "greenlight.desired.syncing.SyncStopped",
    # Of a shard, whose helper has nothing more to do.
    "tasks.sequences.shards.ShardLost",
    "greenlight.reconcile.customer_leases.Busy",
    # Of a browser's request, on its way to an answer.
    "greenlight.ats.callbacks.TooManyIntegrations",
    "greenlight.ats.portal_sessions.LinkUsed",
    "portal.links.BadLink",
    "portal.links.ExpiredLink",
    "portal.api.problems.ApiProblem",
    "portal.refusals.NoPortalSession",
    "portal.refusals.Refusal",
    "portal.refusals.TooOften",
}
Name = tuple[str, str]


def classes() -> Iterator[tuple[Name, list[Name]]]:
    """Every class of the product, with what its file calls its bases."""
    for file in (file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        parsed = ast.parse(file.read_text(encoding="utf-8"))
        come_from = {
            alias.asname or alias.name: (node.module or "", alias.name)
            for node in ast.walk(parsed)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for node in ast.walk(parsed):
            if isinstance(node, ast.ClassDef):
                names = [base.id for base in node.bases if isinstance(base, ast.Name)]
                yield (module, node.name), [come_from.get(name, (module, name)) for name in names]


@pytest.fixture(scope="module")
def bases() -> dict[Name, list[Name]]:
    return dict(classes())


def above(name: Name, bases: dict[Name, list[Name]]) -> Iterator[Name]:
    for base in bases.get(name, []):
        yield base
        yield from above(base, bases)


def is_exception(name: Name) -> bool:
    found = getattr(builtins, name[1], None)
    return isinstance(found, type) and issubclass(found, BaseException)


def test_every_exception_says_who_must_act_or_is_control_flow(bases: dict[Name, list[Name]]) -> None:
    exceptions = {name for name in bases if any(is_exception(base) for base in above(name, bases))} - {TREE}
    outside = {".".join(name) for name in exceptions if TREE not in above(name, bases)}
    assert len(exceptions) > 30
    assert outside == CONTROL_FLOW


def test_every_class_of_the_tree_says_who_must_act_and_what_to_do(bases: dict[Name, list[Name]]) -> None:
    for module, name in (name for name in bases if TREE in above(name, bases)):
        found = getattr(importlib.import_module(module), name)
        assert issubclass(found, GreenlightError)
        assert found.kind is not Kind.DEFECT or found is Defect, f"{name} says nobody"
        assert found._remedy.strip(), name


def test_a_remedy_of_its_own_is_said_and_kept_apart() -> None:
    error = Defect("it broke", "mend it")
    assert (str(error), error.message, error.remedy) == ("it broke; mend it", "it broke", "mend it")
    assert str(Defect("it broke")) == "it broke"


def test_every_kind_has_a_status() -> None:
    assert set(STATUS_BY_KIND) == set(Kind)
    assert status_of(ZeroDivisionError()) == 500
