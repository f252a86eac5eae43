"""A secret that is shown once survives what a Prefect server does in a bad minute, or in its first one."""

import asyncio
import json
import time
import tomllib
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

import blocks.saving
from blocks.child_app import ChildAppBlocks, LinkedInChildApp
from blocks.parent_app import LinkedInParentApp, save_parent
from blocks.portal_keys import PortalKeys
from blocks.saving import BlocksNotSaved, must_be_writable, read, save
from greenlight.linkedin.oauth import Credentials
from tests.blocks.flaky import flaky_prefect
from tests.cli.answering import answering

CANARY = "WPL_AP1.canary/+=="


class Trial(Block):
    """A kind of the tests' own, which no other test has registered."""

    _block_type_name: ClassVar[str | None] = "Greenlight trial"
    _block_type_slug: ClassVar[str | None] = "greenlight-trial"

    value: SecretStr


@pytest.fixture(autouse=True)
async def _unknown(prefect_server: str) -> AsyncIterator[None]:
    await forget()
    yield
    await forget()


async def forget() -> None:
    """As on a server that is set up anew: it knows neither the kind nor any block of it."""
    async with get_client() as client:
        try:
            known = await client.read_block_type_by_slug("greenlight-trial")
        except ObjectNotFound:
            return
        await client.delete_block_type(known.id)


@pytest.fixture
def unregistered() -> None:
    """As in a new process."""
    blocks.saving._PLACES.clear()


async def held(*names: str) -> dict[str, Any]:
    async with get_client() as client:
        return {name: data["value"] for name, (_, data) in (await read(client, Trial, names)).items()}


async def test_side_by_side_on_a_new_server(unregistered: None) -> None:
    """Each saver registers the type, and whoever is second is told that it exists: which is all that was wanted."""
    names = [f"side-{number}-{uuid4().hex}" for number in range(8)]
    await asyncio.gather(*(save(Trial, {name: {"value": name}}) for name in names))
    assert await held(*names) == {name: name for name in names}


async def test_a_raced_type_is_no_error(unregistered: None, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = PrefectClient.create_block_type
    raced: list[str] = []

    async def second(self: PrefectClient, block_type: Any) -> Any:
        created = await honest(self, block_type)
        if not raced:
            raced.append("yes")
            raise ObjectAlreadyExists(None)  # pyright: ignore[reportArgumentType]
        return created

    monkeypatch.setattr(PrefectClient, "create_block_type", second)
    assert await save(Trial, {"raced": {"value": "kept"}}, patience=5) == {"raced"}
    assert await held("raced") == {"raced": "kept"}
    assert raced


async def test_a_type_is_registered_once(unregistered: None, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = PrefectClient.read_block_type_by_slug
    asked: list[str] = []

    async def counted(self: PrefectClient, slug: str) -> Any:
        asked.append(slug)
        return await honest(self, slug)

    monkeypatch.setattr(PrefectClient, "read_block_type_by_slug", counted)
    for number in range(5):
        await save(Trial, {f"once-{number}": {"value": "x"}})
    assert 0 < len(asked) <= 3


async def test_a_server_that_was_set_up_anew_is_told_of_the_type_again() -> None:
    await save(Trial, {"before": {"value": "x"}})
    await forget()
    await save(Trial, {"after": {"value": "y"}}, patience=10)
    assert await held("before", "after") == {"after": "y"}


@pytest.mark.long
async def test_every_third_request_fails(prefect_server: str, unregistered: None) -> None:
    """Refused, done with its answer lost, cut: in the end each block holds what it was given."""
    names = [f"third-{number}-{uuid4().hex}" for number in range(16)]
    with (
        flaky_prefect(prefect_server, 600) as flaky,
        temporary_settings({PREFECT_API_URL: flaky.url}),
    ):
        await must_be_writable(Trial, {"value": "probe"})
        await asyncio.gather(*(save(Trial, {name: {"value": CANARY + name}}) for name in names[:8]))
        await save(Trial, {name: {"value": CANARY + name} for name in names[8:]})
        assert flaky.failed > 5
    assert await held(*names) == {name: CANARY + name for name in names}


async def test_what_never_comes_through_says_so_and_tells_no_secret(unused_tcp_port: int) -> None:
    said: list[str] = []
    mark = blocks.saving.WAITING.set(said.append)
    try:
        with (
            temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{unused_tcp_port}/api"}),
            pytest.raises(BlocksNotSaved, match="PREFECT_API_URL") as caught,
        ):
            await save(Trial, {"lost": {"value": CANARY}}, patience=1)
    finally:
        blocks.saving.WAITING.reset(mark)
    assert CANARY not in str(caught.value) + "".join(said)
    assert caught.value.__cause__ is None


async def test_a_refused_login_is_said_at_once_where_nothing_would_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting makes a wrong password right; a secret that is nowhere else is offered on, while a person mends it."""
    parent, name = Credentials("app", SecretStr(CANARY)), "refused"
    refusing = json.dumps({"exception_message": "Unauthorized"}).encode()
    with answering((401, refusing, 0)) as address, temporary_settings({PREFECT_API_URL: f"{address}/api"}):
        began = time.monotonic()
        for first in (
            ChildAppBlocks().must_be_writable(),
            ChildAppBlocks().save_many({name: parent}, kept_elsewhere=True),
            save_parent(parent),
        ):
            with pytest.raises(BlocksNotSaved, match="refuses our password: set PREFECT_API_AUTH_STRING"):
                await first
        assert time.monotonic() - began < blocks.saving.SHORT_PATIENCE / 2
        monkeypatch.setattr(blocks.saving, "SHORT_PATIENCE", 0.5)
        with pytest.raises(BlocksNotSaved, match=r"for 1 s \(HTTP 401\)"):
            await save(Trial, {name: {"value": CANARY}}, patience=1)


async def test_a_probe_leaves_nothing_behind() -> None:
    await ChildAppBlocks().must_be_writable()
    async with get_client() as client:
        documents = await client.read_block_documents_by_type("linkedin-child-app")
    assert [one.name for one in documents if (one.name or "").startswith("probe-")] == []


async def test_a_hiccup_at_reading_is_no_missing_secret(prefect_server: str) -> None:
    name, held = uuid4().hex, Credentials("app", SecretStr(CANARY))
    await ChildAppBlocks().save_many({name: held})
    with flaky_prefect(prefect_server, 600) as flaky, temporary_settings({PREFECT_API_URL: flaky.url}):
        for _ in range(3):
            assert await ChildAppBlocks().get_many([name]) == {name: held}


def test_prefect_finds_the_blocks_by_itself() -> None:
    """Prefect imports the modules of this entry point, and registers the block types that it finds there."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    (module,) = project["entry-points"]["prefect.collections"].values()
    kinds = {LinkedInChildApp, LinkedInParentApp, PortalKeys}
    assert kinds <= {each for each in vars(import_module(module)).values() if isinstance(each, type)}
