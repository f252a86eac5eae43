"""Credentials in Prefect blocks: in bulk, kept secret, and written only where they changed."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, cast
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectAlreadyExists
from pydantic import SecretStr, ValidationError

from blocks import child_app
from blocks.child_app import ChildAppBlocks, LinkedInChildApp, block_name, name_before
from blocks.saving import BlocksNotSaved
from greenlight.linkedin.oauth import Credentials

SECRET = "WPL_AP1.canary/+=="


def credentials(client_id: str = "app", secret: str = SECRET) -> Credentials:
    return Credentials(client_id, SecretStr(secret))


@given(st.text(min_size=1, max_size=130))
def test_every_customer_id_gives_a_name_that_prefect_takes(customer_id: str) -> None:
    """Prefect's own pattern lets a trailing newline pass and cannot load it afterwards, hence fullmatch."""
    assert re.fullmatch(r"[a-z0-9-]+", block_name(customer_id))


@pytest.mark.parametrize(
    ("one", "other"), [("acme", "Acme"), ("a.b", "a-b"), ("\u00e9", "\u00e8"), ("x" * 60, "x" * 61)]
)
def test_ids_that_read_alike_have_names_of_their_own(one: str, other: str) -> None:
    assert block_name(one) != block_name(other)


async def test_what_is_saved_is_read_and_saved_once(prefect_server: str) -> None:
    names = {f"{uuid4()}": credentials(f"app{number}") for number in range(5)}
    assert len(await ChildAppBlocks().save_many(names)) == 5
    assert len(await ChildAppBlocks().save_many(names)) == 0, "the same again changes nothing"
    read = await ChildAppBlocks().get_many([*names, "not-there"])
    assert read == names


async def test_a_rotated_secret_replaces_the_old_one(prefect_server: str) -> None:
    name = f"{uuid4()}"
    blocks = ChildAppBlocks()
    await blocks.save_many({name: credentials()})
    assert len(await blocks.save_many({name: credentials(secret="new")})) == 1
    assert (await blocks.get_many([name]))[name] == credentials(secret="new")
    assert (await ChildAppBlocks().get_many([name]))[name] == credentials(secret="new")


async def test_what_was_replaced_is_kept_until_what_took_its_place_has_worked(prefect_server: str) -> None:
    name, other = f"{uuid4()}", f"{uuid4()}"
    first, second, third = (credentials(f"app{n}", f"{n}+CANARY") for n in range(3))
    await ChildAppBlocks().save_many({name: first, other: first})
    assert await ChildAppBlocks().before(name) is None
    for replaced_by in (second, second, third):
        blocks = ChildAppBlocks()
        await blocks.save_many({name: replaced_by})
        await blocks.settle(lambda held, _: False)
        assert await ChildAppBlocks().before(name) == first, "what never worked does not take its place"

    await ChildAppBlocks().swap(name, first)
    assert await ChildAppBlocks().get_many([name]) == {name: first}
    assert await ChildAppBlocks().before(name) == third, "nothing is lost by going back"

    await ChildAppBlocks().save_many({other: second})
    used = ChildAppBlocks()
    await used.get_many([name])
    await used.settle(lambda held, _: held == first)
    assert await ChildAppBlocks().before(name) is None
    assert await ChildAppBlocks().before(other) == first, "nobody has tried that one"


async def test_what_worked_settles_nothing_of_what_was_put_in_its_place_since(prefect_server: str) -> None:
    """A long run used the old ones, and meanwhile somebody has imported wrong ones."""
    name = f"{uuid4()}"
    first, wrong = credentials(), credentials(secret="wrong")
    await ChildAppBlocks().save_many({name: first})
    used = ChildAppBlocks()
    await used.get_many([name])
    await ChildAppBlocks().save_many({name: wrong})
    await used.settle(lambda held, _: held == first)
    assert await ChildAppBlocks().before(name) == first


async def test_what_cannot_be_kept_is_not_replaced_by_a_file(
    prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has the new ones; the old ones are nowhere else."""
    name = f"{uuid4()}"
    first = credentials()
    await ChildAppBlocks().save_many({name: first})

    async def refuse(*_: object, **__: object) -> None:
        raise BlocksNotSaved("no")

    with monkeypatch.context() as broken:
        broken.setattr("blocks.child_app.keep_first", refuse)
        with pytest.raises(BlocksNotSaved):
            await ChildAppBlocks().save_many({name: credentials(secret="new")}, kept_elsewhere=True)
    assert await ChildAppBlocks().get_many([name]) == {name: first}
    await ChildAppBlocks().save_many({name: credentials(secret="new")}, kept_elsewhere=True)
    assert await ChildAppBlocks().before(name) == first


async def test_what_is_kept_beside_a_block_goes_with_it(prefect_server: str) -> None:
    name = f"{uuid4()}"
    await ChildAppBlocks().save_many({name: credentials()})
    await ChildAppBlocks().save_many({name: credentials(secret="new")})
    assert await ChildAppBlocks().delete(name)
    assert await ChildAppBlocks().get_many([name, name_before(name)]) == {}


async def test_more_than_one_page_is_read(prefect_server: str) -> None:
    """The server returns 200 documents at most; what lies beyond must not read as missing."""
    names = {f"page-{number}-{uuid4()}": credentials(f"app{number}") for number in range(205)}
    assert len(await ChildAppBlocks().save_many(names)) == 205
    assert await ChildAppBlocks().get_many(list(names)) == names


async def test_a_block_that_prefect_itself_can_load(prefect_server: str) -> None:
    """People see and mend it in Prefect's UI, so it is an ordinary block."""
    name = f"{uuid4()}"
    await ChildAppBlocks().save_many({name: credentials()})
    block = await LinkedInChildApp.aload(name)
    assert block.credentials() == credentials()
    assert SECRET not in repr(block) + str(block) + block.model_dump_json()


async def test_a_block_that_holds_something_else_is_left_out_and_can_be_mended(prefect_server: str) -> None:
    name = f"{uuid4()}"
    await ChildAppBlocks().save_many({name: credentials()})
    async with get_client() as client:
        document = await client.read_block_document_by_name(name, "linkedin-child-app")
        changed = {
            "block_schema_id": str(document.block_schema_id),
            "data": {"client_id": 7},
            "merge_existing_data": False,
        }
        response = await client.request("PATCH", f"/block_documents/{document.id}", json=changed)
        response.raise_for_status()
    assert await ChildAppBlocks().get_many([name]) == {}
    assert len(await ChildAppBlocks().save_many({name: credentials()})) == 1
    assert (await ChildAppBlocks().get_many([name]))[name] == credentials()


def test_a_validation_error_does_not_print_what_was_stored() -> None:
    with pytest.raises(ValidationError) as caught:
        LinkedInChildApp.model_validate({"client_id": 7, "client_secret": [SECRET]})
    assert SECRET not in str(caught.value)


async def test_a_new_servers_first_blocks_may_meet(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL they all make its encryption key; the loser is told that its block exists, and it does not."""
    honest = PrefectClient.create_block_document
    refusals = [ObjectAlreadyExists(cast(Any, None)) for _ in range(2)]

    async def meeting(self: PrefectClient, *arguments: Any, **named: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return await honest(self, *arguments, **named)

    monkeypatch.setattr(PrefectClient, "create_block_document", meeting)
    name = block_name(uuid4().hex)
    held = Credentials("a-client", SecretStr("its-secret"))
    await ChildAppBlocks().save_many({name: held})
    assert (await ChildAppBlocks().get_many([name])) == {name: held}
    assert refusals == []


class Slowly:
    """Prefect's answers come when they are let, and are counted."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.answers: list[asyncio.Future[Any]] = []

    async def __call__(self, names: Sequence[str]) -> Any:
        self.asked.append([*names])
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]

    def answer(self, number: int, secret: str = SECRET) -> None:
        data = {"client_id": "app", "client_secret": secret}
        self.answers[number].set_result({name: (uuid4(), data) for name in self.asked[number]})


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> Slowly:
    read = Slowly()
    monkeypatch.setattr(child_app, "_read", read)
    return read


async def test_side_by_side_each_block_is_read_once(slowly: Slowly) -> None:
    blocks = ChildAppBlocks()
    first = asyncio.create_task(blocks.get_many(["a", "b"]))
    second = asyncio.create_task(blocks.get_many(["b", "c"]))
    await asyncio.sleep(0)
    assert slowly.asked == [["a", "b"], ["c"]], "nobody waits for what somebody else reads before asking"
    slowly.answer(1)
    slowly.answer(0)
    assert [sorted(await each) for each in (first, second)] == [["a", "b"], ["b", "c"]]


async def test_what_another_could_not_read_is_read_anew(slowly: Slowly) -> None:
    blocks = ChildAppBlocks()
    first = asyncio.create_task(blocks.get_many(["a"]))
    second = asyncio.create_task(blocks.get_many(["a"]))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    slowly.answer(1)
    assert sorted(await second) == ["a"]


async def test_what_was_saved_meanwhile_is_newer_than_what_is_read(slowly: Slowly, prefect_server: str) -> None:
    blocks, name = ChildAppBlocks(), f"{uuid4()}"
    reading = asyncio.create_task(blocks.get_many([name]))
    await asyncio.sleep(0)
    await blocks.save_many({name: credentials(secret="new")})
    slowly.answer(0, "old")
    assert (await reading)[name] == credentials(secret="new")
