"""How blocks are saved: a type is registered once, and what Prefect does not take is offered again for minutes.

A secret that LinkedIn has shown once is nowhere else until its block has it, so no hiccup may be the end of it.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from prefect.blocks.core import Block
from prefect.client.base import ServerType
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import BlockDocumentCreate, BlockDocumentUpdate, BlockSchemaCreate, BlockTypeCreate
from prefect.exceptions import ObjectNotFound

from blocks.asking import LOGIN_REFUSED, again, refused, words
from blocks.writers import Writers
from greenlight.reconcile.provision import NotStored

#: Seconds for which blocks are offered that Prefect does not take; any that it takes begin them anew.
PATIENCE = 300.0
#: The same where nothing would be lost.
SHORT_PATIENCE = 15.0
#: The most documents that Prefect's server returns for one filter call.
_PAGE = 200
#: Waits in seconds between two offers; the last one repeats.
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
#: What Prefect's client sends of a block's type and of its schema.
_SHOWN = {"name", "slug", "logo_url", "documentation_url", "description", "code_example"}
_SCHEMA = {"fields", "block_type_id", "capabilities", "version"}
#: Seconds between two words about it.
_SAY_EVERY = 15.0

_log = logging.getLogger("greenlight.blocks")
#: Who is told that blocks are still being offered; the log, unless somebody watches.
WAITING: ContextVar[Callable[[str], None]] = ContextVar("waiting_for_blocks", default=_log.warning)


class BlocksNotSaved(NotStored):
    """Prefect did not take blocks for as long as they were offered. The text says what came last and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where documents of one kind of block go on one server."""

    block_type_id: UUID
    schema_id: UUID


#: Registered kinds by the server's address and the type's slug.
_PLACES: dict[tuple[str, str], Place] = {}


async def place_of(client: PrefectClient, kind: type[Block]) -> Place:
    """Where blocks of this kind go, registered once per process and server."""
    key = _key(client, kind)
    if key not in _PLACES:
        # Step by step: each is taken again by itself, so that a hiccup in one does not undo the others.
        block_type = await again(lambda: _type_of(client, kind))
        schema = await again(lambda: _schema_of(client, kind, block_type))
        _PLACES[key] = Place(block_type, schema)
    return _PLACES[key]


async def _type_of(client: PrefectClient, kind: type[Block]) -> UUID:
    try:
        return (await client.read_block_type_by_slug(kind.get_block_type_slug())).id
    except ObjectNotFound:
        shown = kind._to_block_type().model_dump(include=_SHOWN)
        # Where another writer is first, this is refused, and the next try finds what that one has made.
        return (await client.create_block_type(BlockTypeCreate(**shown))).id


async def _schema_of(client: PrefectClient, kind: type[Block], block_type: UUID) -> UUID:
    try:
        return (await client.read_block_schema_by_checksum(kind._calculate_schema_checksum())).id
    except ObjectNotFound:
        shown = kind._to_block_schema(block_type_id=block_type).model_dump(include=_SCHEMA)
        return (await client.create_block_schema(BlockSchemaCreate(**shown))).id


def forget_place(client: PrefectClient, kind: type[Block]) -> None:
    """The server may not know the kind any more: it is registered again before the next write."""
    _PLACES.pop(_key(client, kind), None)


def _key(client: PrefectClient, kind: type[Block]) -> tuple[str, str]:
    return str(client.api_url), kind.get_block_type_slug()


async def read(
    client: PrefectClient, kind: type[Block], names: Sequence[str]
) -> dict[str, tuple[UUID, dict[str, Any]]]:
    """Documents by name: their id, and what they hold with the secrets in clear. Those not there are left out."""
    found: dict[str, tuple[UUID, dict[str, Any]]] = {}
    for start in range(0, len(names), _PAGE):
        asked = {
            "limit": _PAGE,
            "include_secrets": True,
            "block_types": {"slug": {"any_": [kind.get_block_type_slug()]}},
            "block_documents": {"name": {"any_": list(names[start : start + _PAGE])}},
        }
        response = await client.request("POST", "/block_documents/filter", json=asked)
        found |= {each["name"]: (UUID(each["id"]), each["data"]) for each in response.json()}
    return found


async def read_like(client: PrefectClient, kind: type[Block], part: str) -> dict[str, UUID]:
    """Ids of the documents of this kind whose names have this in them, by name."""
    found: dict[str, UUID] = {}
    while True:
        asked = {
            "limit": _PAGE,
            "offset": len(found),
            "block_types": {"slug": {"any_": [kind.get_block_type_slug()]}},
            "block_documents": {"name": {"like_": part}},
        }
        page = (await client.request("POST", "/block_documents/filter", json=asked)).json()
        found |= {each["name"]: UUID(each["id"]) for each in page}
        if len(page) < _PAGE:
            return found


async def save(
    kind: type[Block],
    wanted: Mapping[str, dict[str, Any]],
    patience: float = PATIENCE,
    keep: Callable[[str, dict[str, Any]], str | None] = lambda *_: None,
) -> Set[str]:
    """Create or update blocks so that they hold this, by name; returns those that had to be written.

    What one held instead goes afterwards into the block that `keep` names, if any, unless there is one. Raises
    BlocksNotSaved once none of those that are left was taken for `patience` seconds; where these are few, for a login
    that is refused at once.
    """
    left, tried, instead = dict(wanted), set[str](), dict[str, dict[str, Any]]()
    writers = Writers()
    loop, pauses = asyncio.get_running_loop(), _waits()
    since = said = loop.time()
    while left:
        before = len(left)
        error = await _offer(kind, left, tried, instead, writers)
        now = loop.time()
        if error is None or len(left) < before:
            since, pauses = now, _waits()
        if error is None:
            continue
        if refused(error) and patience <= SHORT_PATIENCE:
            raise BlocksNotSaved(LOGIN_REFUSED) from None
        if now - since >= patience:
            raise BlocksNotSaved(
                f"Prefect's API did not take {_counted(left)} for {patience:.0f} s ({words(error)}): see that the "
                "server of PREFECT_API_URL is up, takes this login and can write its database"
            ) from None
        if now - said >= _SAY_EVERY:
            said = now
            WAITING.get()(
                f"Prefect's API does not take {_counted(left)} yet ({words(error)}); offered again for up to "
                f"{patience - (now - since):.0f} s more: do not stop this now, secrets in them are nowhere else"
            )
        await asyncio.sleep(next(pauses))
    before = {at: held for name, held in instead.items() if (at := keep(name, held)) is not None}
    if before:
        await _keep(kind, before)
    return tried


async def keep_first(
    kind: type[Block],
    wanted: Mapping[str, dict[str, Any]],
    patience: float,
    keep: Callable[[str, dict[str, Any]], str | None],
) -> None:
    """Keep what these blocks hold that is not wanted, before anything is written there. Raises BlocksNotSaved."""
    try:
        async with get_client() as client:
            held = await again(lambda: read(client, kind, list(wanted)))
        before = {at: data for name, (_, data) in held.items() if data != wanted[name] and (at := keep(name, data))}
        await _add(kind, before, patience)
    except BlocksNotSaved:
        raise
    except Exception as error:
        if refused(error):
            raise BlocksNotSaved(LOGIN_REFUSED) from None
        raise BlocksNotSaved(
            f"Prefect's API does not say what is in {_counted(wanted)} ({words(error)}): see that the server of "
            "PREFECT_API_URL is up and takes this login"
        ) from None


async def _add(kind: type[Block], wanted: Mapping[str, dict[str, Any]], patience: float) -> None:
    """Write those of these blocks that are not there yet. Raises BlocksNotSaved, and what Prefect's client raises."""
    async with get_client() as client:
        there = await again(lambda: read(client, kind, list(wanted)))
    await save(kind, {name: data for name, data in wanted.items() if name not in there}, patience)


async def _keep(kind: type[Block], before: Mapping[str, dict[str, Any]]) -> None:
    """What is new is stored by now, so that nothing of it may fail for this."""
    try:
        await _add(kind, before, SHORT_PATIENCE)
    except Exception as error:
        _log.warning("What %s held before could not be kept (%s)", _counted(before), words(error))


async def must_be_writable(kind: type[Block], data: dict[str, Any], patience: float = SHORT_PATIENCE) -> None:
    """See that a block of this kind can be written, read and removed again. Raises BlocksNotSaved."""
    name = f"probe-{uuid4().hex}"
    await save(kind, {name: data}, patience)
    with suppress(Exception):
        # One that stays is in nobody's way.
        async with get_client() as client:
            for id, _ in (await read(client, kind, [name])).values():
                await client.delete_block_document(id)


async def _offer(
    kind: type[Block],
    left: dict[str, dict[str, Any]],
    tried: set[str],
    instead: dict[str, dict[str, Any]],
    writers: Writers,
) -> Exception | None:
    """Write what is left once, and drop from it what is there now. Returns what kept something from being written.

    What there was `instead` is noted where it is first seen.
    """
    try:
        async with get_client() as client:
            there = await again(lambda: read(client, kind, list(left)))
            for name in [name for name, (_, held) in there.items() if held == left[name]]:
                del left[name]
            for name, (_, held) in there.items():
                if name in left:
                    instead.setdefault(name, held)
            if not left:
                return None
            if client.server_type is ServerType.EPHEMERAL:
                # This process's own is on SQLite for sure.
                writers = Writers(1)
            place = await place_of(client, kind)

            async def write(name: str) -> None:
                data = left[name]
                async with writers.one():
                    tried.add(name)
                    if name in there:
                        update = BlockDocumentUpdate(
                            block_schema_id=place.schema_id, data=data, merge_existing_data=False
                        )
                        await client.update_block_document(there[name][0], update)
                    else:
                        document = BlockDocumentCreate(
                            name=name, data=data, block_schema_id=place.schema_id, block_type_id=place.block_type_id
                        )
                        await client.create_block_document(document, include_secrets=False)
                    del left[name]

            ended = await asyncio.gather(*map(write, list(left)), return_exceptions=True)
            errors = [one for one in ended if isinstance(one, BaseException)]
            if errors:
                # It may have been set up anew in between, and says of an unknown type that the block exists.
                forget_place(client, kind)
            for error in errors:
                if not isinstance(error, Exception):
                    raise error
                return error
    except Exception as error:
        return error
    return None


def _waits() -> Iterator[float]:
    return itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1]))


def _counted(left: Mapping[str, object]) -> str:
    return "a block" if len(left) == 1 else f"{len(left)} blocks"
