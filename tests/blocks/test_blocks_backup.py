"""Blocks that are saved again where the answer to a write was lost, and its repeat is told that it is there."""

from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectAlreadyExists

from blocks.backup import KINDS, BlockCopy, BlocksUnusable, read_all, restore_all
from blocks.child_app import LinkedInChildApp

KIND = next(slug for slug, kind in KINDS.items() if kind is LinkedInChildApp)


def copies(count: int) -> list[BlockCopy]:
    unique = uuid4().hex[:8]
    return [
        BlockCopy(KIND, f"kept-{unique}-{n}", {"client_id": f"app{n}", "client_secret": f"secret {n}"})
        for n in range(count)
    ]


def lose_answers(monkeypatch: pytest.MonkeyPatch, instead: dict[str, Any] | None = None) -> None:
    """Each write is carried out, with other content if so said, and its repeat is answered 409."""
    create = PrefectClient.create_block_document

    async def created_before(self: PrefectClient, document: Any, include_secrets: bool = True) -> Any:
        await create(self, document.model_copy(update={"data": instead}) if instead else document, include_secrets)
        raise ObjectAlreadyExists(None)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(PrefectClient, "create_block_document", created_before)


async def test_what_is_there_because_it_was_written_is_no_trouble(
    prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = copies(5)
    with monkeypatch.context() as lossy:
        lose_answers(lossy)
        done = await restore_all(kept, lambda _: None)
    assert done.written == 5
    assert {each.name: each.data for each in await read_all()}.items() >= {
        each.name: each.data for each in kept
    }.items()


async def test_what_somebody_else_has_stored_meanwhile_is(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as lossy:
        lose_answers(lossy, {"client_id": "appx", "client_secret": "theirs"})
        with pytest.raises(BlocksUnusable, match="somebody else stores"):
            await restore_all(copies(1), lambda _: None)
