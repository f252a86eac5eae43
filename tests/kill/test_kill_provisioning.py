"""Provisioning survives a SIGKILL at any step, and a second process beside it.

Afterwards there is one application at LinkedIn, its working secret is in the customer's block, and it is on record.
Every matrix takes its steps from the run itself (`tests/kill/steps.py`), so a step that is new in the code is in it.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sandbox.world import Fault
from tests.kill.harness import killed_at, steps_of
from tests.kill.world import (
    OLD_ORIGINS,
    WINDOW,
    Town,
    customers,
    lost_a_secret,
    there_already,
    vendor,
)

#: Pairs of kill points that are drawn from all pairs of a path, beside those that are always taken.
DRAWN = 6


def needing_a_person(cells: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The cells whose last run says that no secret works and no third one can be made."""
    too_many = {"left": 0, "items": [["failed", "TOO_MANY_SECRETS"]]}
    return [cell for cell in cells if cell["runs"][-1].get("result") == too_many]


async def settled(there: Town, cells: Sequence[Mapping[str, Any]], *, new: bool = True) -> None:
    """All is well but where a rotated secret was lost, nowhere else, and there as soon as a person has deleted one."""
    person = [cell for cell in cells if lost_a_secret(cell)]
    assert needing_a_person(cells) == person
    await there.check(cells, person=[cell["customer"] for cell in person])
    await there.after_a_person(person, new=new)


def saved_at_once(cells: Sequence[Mapping[str, Any]], answer: str) -> bool:
    """Whether the secret of that answer goes into its block before anything else happens, in the run nobody killed."""
    steps = cells[-1]["runs"][0]["steps"]
    at = steps.index(answer)
    return steps[at : at + 4] == [answer, "block save: before", "document: before", "document: after"]


def killed_twice(cells: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Pairs out of the square of a path: what its restarts would do is known from its matrix.

    Always: both kills between an answer with a secret and the block. Beside them some of the others.
    """
    always: list[list[int]] = []
    others: list[list[int]] = []
    for first, cell in enumerate(cells[:-1], 1):
        unsaved = killed_at(cell)[0] in ("create: after", *WINDOW)
        for second, name in enumerate(cell["runs"][1]["steps"], 1):
            (always if unsaved and name in WINDOW else others).append([first, second])
    return always + random.sample(others, DRAWN)


def pairs(names: Sequence[str], kills: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    return [{"customer": name, "new": True, "kills": pair} for name, pair in zip(names, kills, strict=False)]


async def test_a_new_customer(town: Any) -> None:
    """The secret of a new application is shown once; killed twice, the second time may be in its rotation."""
    async with town(vendor()) as there:
        cells = there.matrix(customers())
        assert {
            *("parent token: after", "commit begin: after", "block read: after", "create: before", "create: after"),
            *("block save: before", "document: before", "document: after", "block save: after"),
            *("commit register: before", "commit register: after", "token: after", "commit worked: after"),
            *("commit record: before", "commit record: after", "commit finish: after"),
        } <= set(steps_of(cells))
        assert saved_at_once(cells, "create: after")
        assert needing_a_person(cells) == [], "one secret was lost at most, so a second could be made"
        await settled(there, cells)

        twice = there.work(pairs(customers(), killed_twice(cells)))
        assert all(len(killed_at(cell)) == 2 for cell in twice)
        unsaved = ["create: after", "block save: before", "document: before"]
        assert [killed_at(cell) for cell in needing_a_person(twice)] == [[a, b] for a in unsaved for b in WINDOW]
        await settled(there, twice)


async def test_a_create_whose_answer_is_lost(town: Any) -> None:
    """The application was made and nobody has its secret. The fault is for ever: each create of this world meets it."""
    async with town(vendor(Fault(on="create", fault="lost", times=None))) as there:
        cells = there.matrix(customers())
        assert {"create: after", "find: before", "find: after", "rotate: before", *WINDOW} <= set(steps_of(cells))
        assert saved_at_once(cells, "rotate: after")
        assert [killed_at(cell)[0] for cell in needing_a_person(cells)] == WINDOW
        await settled(there, cells)


async def test_an_application_that_is_adopted(town: Any) -> None:
    """It exists at LinkedIn under our id, with a secret that nobody has and with old domains."""
    names, others = customers(), customers()
    known = [there_already(name, origins=OLD_ORIGINS) for name in [*names, *others]]
    async with town(vendor(applications=known)) as there:
        cells = there.matrix(names)
        assert {"create: after", "find: after", "update: before", "update: after", *WINDOW} <= set(steps_of(cells))
        assert saved_at_once(cells, "rotate: after")
        assert [killed_at(cell)[0] for cell in needing_a_person(cells)] == WINDOW
        await settled(there, cells)

        await settled(there, there.work(pairs(others, killed_twice(cells))))


async def test_drifted_domains_of_an_application_on_record(town: Any) -> None:
    """Two places have to agree with the settings: LinkedIn's list and ours."""
    names = customers()
    known = [there_already(name, "held", OLD_ORIGINS) for name in names]
    async with town(vendor(applications=known)) as there:
        there.on_record(names, OLD_ORIGINS)
        await there.hold(names, "held")
        cells = there.matrix(names, new=False)
        assert {"find: after", "update: before", "update: after", "commit put: after"} <= set(steps_of(cells))
        assert not {"create: before", "rotate: before"} & set(steps_of(cells))
        assert needing_a_person(cells) == []
        await settled(there, cells, new=False)


async def test_an_application_on_record_whose_block_is_gone(town: Any) -> None:
    """A Prefect server that was set up anew has no blocks: the secret is rotated as for one that is adopted."""
    names = customers()
    async with town(vendor(applications=[there_already(name) for name in names])) as there:
        there.on_record(names, there_already(names[0]).js_sdk_domains)
        cells = there.matrix(names, new=False)
        assert {"find: after", "rotate: before", *WINDOW, "commit renewed: after"} <= set(steps_of(cells))
        assert saved_at_once(cells, "rotate: after")
        assert [killed_at(cell)[0] for cell in needing_a_person(cells)] == WINDOW
        await settled(there, cells, new=False)


@pytest.mark.parametrize("rounds", [pytest.param(10, id="on record"), pytest.param(5, id="named as new by both")])
async def test_two_processes_for_one_customer(town: Any, rounds: int) -> None:
    """The second one starts later each time; whichever comes first, LinkedIn gives out one application."""
    names = customers(rounds)
    async with town(vendor()) as there:
        if rounds == 10:
            there.add(names)
        cells = there.work(
            [{"customer": name, "new": True, "together": 2, "lag": 0.01 * turn} for turn, name in enumerate(names)]
        )
        errors = [run["error"] for cell in cells for run in cell["runs"] if "error" in run]
        assert errors == [], "\n".join(errors)
        # Neither knows of the other, so the later create may come when the first one's answer has arrived: a conflict.
        await there.check_state(cells, allowed=("created_again",))
