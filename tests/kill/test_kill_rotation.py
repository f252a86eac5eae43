"""A rotation survives a SIGKILL at any step: the block always holds a secret that LinkedIn takes.

Where it was killed after LinkedIn made the new secret and before the block had it, that secret is lost. The one before
it is then still held and still good; the next run says which of the two a person has to delete.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest

from blocks.child_app import ChildAppBlocks, block_name
from tests.kill.harness import Cell, client_of, killed_at
from tests.kill.world import ORIGINS, WINDOW, Town, customers, lost_a_secret, there_already, vendor

ROTATED = {"left": 0, "items": [["updated", "APPLICATION_WORKS"]], "messages": None}
LOST = "answer was lost: delete that"


def result(cell: Cell) -> dict[str, Any]:
    assert "result" in cell["runs"][-1], cell
    return {**cell["runs"][-1]["result"], "messages": None}


async def held(names: Sequence[str]) -> dict[str, str]:
    """The secrets in these customers' blocks."""
    read = await ChildAppBlocks().get_many([block_name(name) for name in names])
    return {name: read[block_name(name)].client_secret.get_secret_value() for name in names if block_name(name) in read}


def at_linkedin(there: Town, name: str) -> list[str]:
    return list(there.linkedin.clients[client_of(name)].secrets)


def steps_of(cells: Sequence[Cell]) -> set[str]:
    return {step for cell in cells for step in killed_at(cell)[:1]}


def was_over(cell: Cell) -> bool:
    """Whether the first run came to the end of its rotation."""
    return "commit record: after" in cell["runs"][0]["steps"]


async def finished(there: Town, cells: Sequence[Cell]) -> None:
    """A person deletes the lost secrets, runs again, and all have their newest secret in the block."""
    lost = [cell for cell in cells if lost_a_secret(cell)]
    names = [cell["customer"] for cell in lost]
    for name in names:
        there.linkedin.delete_secret(client_of(name), "newest")
    again = there.work([{"customer": name, "act": "rotate", "kills": []} for name in names])
    assert [result(cell) for cell in again] == [ROTATED] * len(lost)
    every = [cell["customer"] for cell in cells]
    secrets = await held(every)
    assert {name: at_linkedin(there, name)[-1] for name in every} == secrets
    assert all(len(at_linkedin(there, name)) == 2 for name in every)
    assert [one for one in there.linkedin.violations if one.rule != "extra_token"] == []


@pytest.mark.long
@pytest.mark.parametrize("dead", [False, True], ids=["a working secret", "a dead secret"])
async def test_a_rotation(town: Any, dead: bool) -> None:
    names = customers()
    async with town(vendor(applications=[there_already(name, "the old one") for name in names])) as there:
        there.on_record(names, ORIGINS)
        await there.hold(names, "dead" if dead else "the old one")
        cells = there.matrix(names, new=False, act="rotate")
        assert {"commit begin: after", "rotate: before", *WINDOW, "document: after", "token: after"} <= steps_of(cells)
        steps = cells[-1]["runs"][0]["steps"]
        at = steps.index("rotate: after")
        assert steps[at : at + 4] == ["rotate: after", "block save: before", "document: before", "document: after"]
        assert steps.index("commit begin: after") < steps.index("rotate: before"), "the intent is on disk first"

        lost = [cell for cell in cells if lost_a_secret(cell)]
        assert [killed_at(cell)[0] for cell in lost] == WINDOW
        secrets = await held([cell["customer"] for cell in cells])
        for cell in cells:
            name = cell["customer"]
            if cell not in lost:
                assert secrets[name] == at_linkedin(there, name)[-1]
            if cell not in lost and not was_over(cell):
                assert result(cell) == ROTATED, cell
                continue
            assert result(cell)["items"] == [["failed", "TOO_MANY_SECRETS"]]
            (message,) = cell["runs"][-1]["result"]["messages"]
            if cell not in lost:
                assert "delete the older one" in message, "that was a rotation of its own, after one that was over"
                continue
            if dead:
                assert "delete either" in message
            else:
                assert LOST in message
                assert secrets[name] == at_linkedin(there, name)[0] == "the old one"
                assert hashlib.sha256(b"the old one").hexdigest()[:12] in message
        made = [len(at_linkedin(there, cell["customer"])) for cell in cells]
        # A run that was killed after it had stored its secret is completed without a further rotation.
        assert set(made) == {2}
        await finished(there, cells)
