"""All of Greenlight's blocks at once: read, to keep them elsewhere, and saved again.

Prefect encrypts every block under one key and takes one key at a time. A server that was started with another key
answers 500 to every call that would read, change or delete an older block; what it still does is count them, and
remove them together with their type (tried with 3.8.8 and 3.9.1).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import BlockDocumentCreate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from blocks.child_app import LinkedInChildApp
from blocks.parent_app import LinkedInParentApp
from blocks.portal_keys import PortalKeys
from blocks.saving import forget_place, place_of, read
from blocks.writers import Writers
from greenlight.errors import PrefectTrouble

KINDS: dict[str, type[Block]] = {
    str(kind._block_type_slug): kind for kind in (LinkedInChildApp, LinkedInParentApp, PortalKeys)
}
#: The most documents that Prefect's server returns for one call.
_PAGE = 200


class BlocksUnusable(PrefectTrouble):
    """Blocks that can neither be kept nor be saved as they are. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class BlockCopy:
    """One block: its type's slug, its name, and its content with the secrets in clear."""

    kind: str
    name: str
    data: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Restored:
    """What saving came to, in blocks. `newer` are those that hold something else on the server, and were left alone."""

    written: int
    there_already: int
    removed: int
    newer: Sequence[BlockCopy]


async def read_all() -> list[BlockCopy]:
    """All of Greenlight's blocks. Raises BlocksUnusable where one cannot be read, or while they are being changed."""
    async with get_client() as client:
        kept: list[BlockCopy] = []
        for slug in KINDS:
            readable = await _read(client, slug)
            if readable is None:
                raise BlocksUnusable(
                    f"Prefect's server cannot read all of the {slug} blocks; start it with the encryption key that "
                    "they were stored under (PREFECT_SERVER_ENCRYPTION_KEY)"
                )
            kept += readable.values()
        return kept


async def others() -> int:
    """How many blocks are not Greenlight's: a notification's, for example."""
    async with get_client() as client:
        every = await client.request("POST", "/block_documents/count", json={})
        return int(every.json()) - sum([await _count(client, slug) for slug in KINDS])


async def restore_all(kept: Sequence[BlockCopy], keep_too: Callable[[Sequence[BlockCopy]], None]) -> Restored:
    """Bring the server to hold these blocks. A block that can be read is never changed, so a repeat changes nothing.

    Blocks that cannot be read are removed with all others of their type and made anew; `keep_too` is called before
    that with blocks which only the server has, and must make them durable. Raises BlocksUnusable.
    """
    written = there_already = removed = 0
    newer: list[BlockCopy] = []
    async with get_client() as client:
        for slug, kind in KINDS.items():
            wanted = {each.name: each for each in kept if each.kind == slug}
            readable = await _read(client, slug)
            if readable is None:
                readable, unreadable = await _sort_out(client, slug, wanted)
                if unreadable:
                    if any(wanted.get(name) != each for name, each in readable.items()):
                        keep_too(list(readable.values()))
                    removed += unreadable
                    wanted |= readable
                    await _remove_type(client, kind)
                    readable = {}
            newer += [each for name, each in readable.items() if name in wanted and wanted[name] != each]
            there_already += len(wanted.keys() & readable.keys())
            missing = [each for name, each in wanted.items() if name not in readable]
            await _create(client, kind, missing)
            written += len(missing)
    return Restored(written, there_already, removed, newer)


async def _read(client: PrefectClient, slug: str) -> dict[str, BlockCopy] | None:
    """All blocks of this type by name, or None where there is one that cannot be read."""
    total = await _count(client, slug)
    readable: dict[str, BlockCopy] = {}
    for start in range(0, total, _PAGE):
        page = await _page(client, slug, start, _PAGE)
        if page is None:
            return None
        readable |= page
    await _unchanged(client, slug, total, len(readable))
    return readable


async def _page(client: PrefectClient, slug: str, start: int, size: int) -> dict[str, BlockCopy] | None:
    """Some of them, by their place; None where one of these cannot be read, which spoils the whole page."""
    asked = {"block_types": _of(slug), "include_secrets": True, "offset": start, "limit": size}
    try:
        answer = await client.request("POST", "/block_documents/filter", json=asked)
    except httpx.HTTPStatusError as error:
        if error.response.status_code != 500:
            raise
        return None
    return {document["name"]: BlockCopy(slug, document["name"], document["data"]) for document in answer.json()}


async def _sort_out(client: PrefectClient, slug: str, wanted: dict[str, BlockCopy]) -> tuple[dict[str, BlockCopy], int]:
    """Of a type with unreadable blocks: those that can be read all the same, and how many cannot.

    Raises BlocksUnusable for an unreadable one that is not wanted.
    """
    total, names = await _count(client, slug), list(wanted)
    known = sum([await _count(client, slug, names[i : i + _PAGE]) for i in range(0, len(names), _PAGE)])
    spread = (0, total // 2, total - 1)
    if total == known and not any([await _page(client, slug, at, 1) for at in spread]):
        # While an unreadable block has a name, nothing else can be stored under it.
        return {}, total
    # Each page that cannot be read takes the server half a second, so this is for strangers alone.
    readable: dict[str, BlockCopy] = {}
    unreadable, waiting = 0, [(0, total)]
    while waiting:
        start, size = waiting.pop()
        page = await _page(client, slug, start, size) if size <= _PAGE else None
        half = size // 2
        if page is not None:
            readable |= page
        elif size == 1:
            unreadable += 1
        else:
            waiting += [(start + half, size - half), (start, half)]
    await _unchanged(client, slug, total, len(readable) + unreadable)
    if strangers := total - known - len(readable.keys() - wanted.keys()):
        raise BlocksUnusable(
            f"Prefect's server cannot read {strangers} {slug} blocks that are not in the file; nothing was changed: "
            "start it with its former encryption key and export again"
        )
    return readable, unreadable


async def _unchanged(client: PrefectClient, slug: str, total: int, seen: int) -> None:
    if seen != total or await _count(client, slug) != total:
        raise BlocksUnusable(f"somebody changes {slug} blocks at this moment; stop what does, and repeat")


async def _count(client: PrefectClient, slug: str, names: Sequence[str] | None = None) -> int:
    asked: dict[str, Any] = {"block_types": _of(slug)}
    if names is not None:
        asked["block_documents"] = {"name": {"any_": list(names)}}
    return int((await client.request("POST", "/block_documents/count", json=asked)).json())


def _of(slug: str) -> dict[str, Any]:
    return {"slug": {"any_": [slug]}}


async def _remove_type(client: PrefectClient, kind: type[Block]) -> None:
    block_type = await client.read_block_type_by_slug(kind.get_block_type_slug())
    forget_place(client, kind)
    try:
        await client.delete_block_type(block_type.id)
    except ObjectNotFound:
        # Somebody else was first.
        return


async def _create(client: PrefectClient, kind: type[Block], kept: Sequence[BlockCopy]) -> None:
    if not kept:
        return
    place = await place_of(client, kind)
    writers = Writers()

    async def write(each: BlockCopy) -> None:
        document = BlockDocumentCreate(
            name=each.name, data=each.data, block_schema_id=place.schema_id, block_type_id=place.block_type_id
        )
        async with writers.one():
            try:
                await client.create_block_document(document, include_secrets=False)
            except ObjectAlreadyExists:
                # Prefect's client repeats what got no answer, and is then told that it is there.
                there = (await read(client, kind, [each.name])).get(each.name)
                if there is not None and there[1] == each.data:
                    return
                raise BlocksUnusable(
                    f"somebody else stores {each.kind} blocks at this moment; stop what does, and repeat"
                ) from None

    # The first one alone: on a new server several would meet at its encryption key.
    await write(kept[0])
    await asyncio.gather(*(write(each) for each in kept[1:]))
