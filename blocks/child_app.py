"""Child-application credentials as Prefect blocks, one per customer, read and written in bulk.

Prefect's own `load` takes 16 to 60 ms a block, its filter call about 1 ms (fact sheet on Prefect, section 1).
"""

import asyncio
import base64
import hashlib
import re
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from typing import ClassVar
from uuid import UUID

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import BlockDocumentCreate, BlockDocumentUpdate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from pydantic import ConfigDict, SecretStr, ValidationError

from greenlight.linkedin.oauth import Credentials

#: The most documents that Prefect's server returns for one filter call.
_PAGE = 200
#: Prefect's server on SQLite answers many writers with lock errors; more at once brings nothing there.
_WRITERS = 4
#: Waits after a block that exists, according to the server, and cannot be found.
_PAUSES = (0.0, 0.1, 0.5, 1.0, 2.0)


class LinkedInChildApp(Block):
    """A customer's child application at LinkedIn: its client id and its secret."""

    _block_type_name: ClassVar[str | None] = "LinkedIn child application"
    _block_type_slug: ClassVar[str | None] = "linkedin-child-app"
    _description: ClassVar[str | None] = "OAuth client credentials of one customer's LinkedIn child application."

    # A validation error would otherwise print what was stored.
    model_config = ConfigDict(hide_input_in_errors=True)

    client_id: str
    client_secret: SecretStr

    def credentials(self) -> Credentials:
        return Credentials(self.client_id, self.client_secret)


def block_name(customer_id: str) -> str:
    """The name of a customer's block: readable, and different for any two customer ids.

    Prefect takes lower-case letters, digits and dashes alone, and our customer ids are richer than that.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", customer_id.lower()).strip("-")[:40].rstrip("-")
    digest = base64.b32encode(hashlib.sha256(customer_id.encode()).digest()).decode().lower()[:16]
    return f"{slug}-{digest}" if slug else digest


class ChildAppBlocks:
    """The blocks of many customers. What was read is kept in memory for the life of this object, which is a run's."""

    def __init__(self) -> None:
        self._held: dict[str, Credentials] = {}
        self._asked: set[str] = set()
        self._lock = asyncio.Lock()

    async def get_many(self, names: Sequence[str]) -> Mapping[str, Credentials]:
        """The credentials in these blocks; a block that does not exist or cannot be read is left out."""
        async with self._lock:
            new = [name for name in dict.fromkeys(names) if name not in self._asked]
            if new:
                async with get_client() as client:
                    there = await _read(client, new)
                self._held |= {name: held for name, (_, held) in there.items() if held is not None}
                self._asked.update(new)
        return {name: self._held[name] for name in names if name in self._held}

    async def save_many(self, wanted: Mapping[str, Credentials]) -> Set[str]:
        """Create or update blocks so that they hold these credentials; returns those that had to be written."""
        if not wanted:
            return frozenset()
        async with get_client() as client:
            there = await _read(client, list(wanted))
            changed = {n: c for n, c in wanted.items() if n not in there or there[n][1] != c}
            if not changed:
                return frozenset()
            await LinkedInChildApp.aregister_type_and_schema(client=client)
            block_type = await client.read_block_type_by_slug("linkedin-child-app")
            schema = await client.read_block_schema_by_checksum(LinkedInChildApp._calculate_schema_checksum())
            gate = asyncio.Semaphore(_WRITERS)

            async def write(name: str, credentials: Credentials) -> None:
                data = {
                    "client_id": credentials.client_id,
                    "client_secret": credentials.client_secret.get_secret_value(),
                }
                document = BlockDocumentCreate(
                    name=name, data=data, block_schema_id=schema.id, block_type_id=block_type.id
                )
                async with gate:
                    for pause in _PAUSES:
                        if name in there:
                            break
                        try:
                            await client.create_block_document(document, include_secrets=False)
                        except ObjectAlreadyExists:
                            # Another process was first, or a new server's first blocks met at its encryption key: then
                            # it says the same and has nothing. A secret that nobody else holds must not be lost here.
                            await asyncio.sleep(pause)
                            there.update(await _read(client, [name]))
                        else:
                            return
                    update = BlockDocumentUpdate(block_schema_id=schema.id, data=data, merge_existing_data=False)
                    await client.update_block_document(there[name][0], update)

            await asyncio.gather(*(write(name, credentials) for name, credentials in changed.items()))
        self._held |= changed
        self._asked |= changed.keys()
        return changed.keys()

    async def delete(self, name: str) -> bool:
        """Delete a block for good; whether it was there."""
        async with get_client() as client:
            there = await _read(client, [name])
            for id, _ in there.values():
                with suppress(ObjectNotFound):
                    await client.delete_block_document(id)
        self._held.pop(name, None)
        return bool(there)


async def _read(client: PrefectClient, names: Sequence[str]) -> dict[str, tuple[UUID, Credentials | None]]:
    """Documents by name: their id, and what they hold if it is whole."""
    read: dict[str, tuple[UUID, Credentials | None]] = {}
    for start in range(0, len(names), _PAGE):
        response = await client.request(
            "POST",
            "/block_documents/filter",
            json={
                "limit": _PAGE,
                "include_secrets": True,
                "block_types": {"slug": {"any_": [LinkedInChildApp._block_type_slug]}},
                "block_documents": {"name": {"any_": list(names[start : start + _PAGE])}},
            },
        )
        response.raise_for_status()
        for document in response.json():
            try:
                held = LinkedInChildApp.model_validate(document["data"]).credentials()
            except ValidationError:
                held = None
            read[document["name"]] = (UUID(document["id"]), held)
    return read
