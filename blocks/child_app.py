"""Child-application credentials as Prefect blocks, one per customer, read and written in bulk.

Prefect's own `load` takes 16 to 60 ms a block, its filter call about 1 ms (docs/prefect.md#blocks).
"""

import asyncio
import base64
import hashlib
import logging
import re
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from typing import Any, ClassVar
from uuid import UUID

from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from pydantic import ConfigDict, Field, HttpUrl, SecretStr, ValidationError

from blocks.asking import again
from blocks.saving import PATIENCE, SHORT_PATIENCE, keep_first, must_be_writable, read, read_like, save
from greenlight.linkedin.oauth import Credentials

_log = logging.getLogger("greenlight.blocks")
#: What the name of a block ends in that keeps what another one held before.
_BEFORE = "-before"
#: A run that has ended does not wait for Prefect.
_SETTLE_SECONDS = 10.0


class LinkedInChildApp(Block):
    """A customer's child application at LinkedIn: its client id and its secret."""

    _block_type_name: ClassVar[str | None] = "LinkedIn child application"
    _block_type_slug: ClassVar[str | None] = "linkedin-child-app"
    _description: ClassVar[str | None] = "OAuth client credentials of one customer's LinkedIn child application."
    # One of Prefect's own: its pages shall ask no further host for a picture.
    _logo_url: ClassVar[HttpUrl | None] = Secret._logo_url
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://learn.microsoft.com/en-us/linkedin/talent/apply-with-linkedin/customer-configuration"
    )
    _code_example: ClassVar[str | None] = """```python
from blocks.child_app import LinkedInChildApp

held = LinkedInChildApp.load("BLOCK_NAME")
credentials = held.credentials()
```"""

    # A validation error would otherwise print what was stored.
    model_config = ConfigDict(hide_input_in_errors=True)

    client_id: str = Field(description="Client id (API key) of the customer's child application.")
    client_secret: SecretStr = Field(description="Its secret, as LinkedIn has shown it once.")

    def credentials(self) -> Credentials:
        return Credentials(self.client_id, self.client_secret)


def block_name(customer_id: str) -> str:
    """The name of a customer's block: readable, and different for any two customer ids.

    Prefect takes lower-case letters, digits and dashes alone, and our customer ids are richer than that.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", customer_id.lower()).strip("-")[:40].rstrip("-")
    digest = base64.b32encode(hashlib.sha256(customer_id.encode()).digest()).decode().lower()[:16]
    return f"{slug}-{digest}" if slug else digest


def name_before(name: str) -> str:
    """The name of the block that keeps what a customer's block held before, until what took its place has worked."""
    return name + _BEFORE


class ChildAppBlocks:
    """The blocks of many customers. What was read is kept in memory for the life of this object, which is a run's."""

    def __init__(self) -> None:
        self._held: dict[str, Credentials] = {}
        self._asked: set[str] = set()
        #: Names that are being read, and what is done once they are.
        self._under_way: dict[str, asyncio.Future[None]] = {}

    async def get_many(self, names: Sequence[str]) -> Mapping[str, Credentials]:
        """The credentials in these blocks; a block that does not exist or cannot be read is left out."""
        while missing := [name for name in dict.fromkeys(names) if name not in self._asked]:
            if new := [name for name in missing if name not in self._under_way]:
                await self._read_new(new)
            else:
                # Somebody else reads them; where that fails, it is ours to do.
                await asyncio.wait({self._under_way[name] for name in missing})
        return {name: self._held[name] for name in names if name in self._held}

    async def _read_new(self, names: Sequence[str]) -> None:
        done = asyncio.get_running_loop().create_future()
        self._under_way |= dict.fromkeys(names, done)
        try:
            there = await again(lambda: _read(names))
            for name, (_, data) in there.items():
                # What was saved meanwhile is newer, and what holds something else is mended by whoever saves it.
                if name not in self._asked:
                    with suppress(ValidationError):
                        self._held[name] = LinkedInChildApp.model_validate(data).credentials()
            self._asked.update(names)
        finally:
            for name in names:
                del self._under_way[name]
            done.set_result(None)

    async def save_many(self, wanted: Mapping[str, Credentials], *, kept_elsewhere: bool = False) -> Set[str]:
        """Create or update blocks so that they hold these credentials; returns those that had to be written.

        Offers them for minutes, unless they are kept elsewhere as well, like in a file. What a block held is kept
        beside it until `settle`. Raises BlocksNotSaved.
        """
        patience = SHORT_PATIENCE if kept_elsewhere else PATIENCE
        data = {name: _data(held) for name, held in wanted.items()}
        if kept_elsewhere:
            # What is new cannot be lost, and what is there is nowhere else.
            await keep_first(LinkedInChildApp, data, patience, _keep)
        written = await save(LinkedInChildApp, data, patience, _keep)
        self._held |= wanted
        self._asked |= wanted.keys()
        return written

    async def must_be_writable(self) -> None:
        """See that blocks can be written, before there is a secret that would be lost. Raises BlocksNotSaved."""
        await must_be_writable(LinkedInChildApp, {"client_id": "probe", "client_secret": "probe"})

    async def before(self, name: str) -> Credentials | None:
        """What this block held before; None once what it holds now has worked."""
        return (await self.get_many([name_before(name)])).get(name_before(name))

    async def swap(self, name: str, before: Credentials) -> None:
        """Put back what this block held before, and keep what it holds now in its place."""
        now = (await self.get_many([name])).get(name)
        await self.save_many({name: before})
        if now is not None:
            await self.save_many({name_before(name): now})

    async def settle(self, accepted: Callable[[Credentials, str], bool]) -> None:
        """Delete what is kept beside those of the blocks used here whose credentials LinkedIn has accepted.

        `accepted` is asked with the client id of what is kept. What cannot be deleted now is deleted after a later run.
        """
        if not any(accepted(held, held.client_id) for held in self._held.values()):
            return
        try:
            async with asyncio.timeout(_SETTLE_SECONDS), get_client() as client:
                kept = await read_like(client, LinkedInChildApp, _BEFORE)
                # Somebody may have put others in their place since they were read.
                names = [name for name in self._held if name_before(name) in kept]
                there = await _read([each for name in names for each in (name, name_before(name))])
                for name in names:
                    held, before = self._held[name], there.get(name_before(name))
                    if before is None or name not in there or there[name][1] != _data(held):
                        continue
                    if accepted(held, str(before[1].get("client_id"))):
                        with suppress(ObjectNotFound):
                            await client.delete_block_document(before[0])
        except Exception as error:
            _log.warning("credentials from before could not be deleted (%s)", type(error).__name__)

    async def delete(self, name: str) -> bool:
        """Delete a block for good, and what is kept beside it; whether there was any."""
        there = await _read([name, name_before(name)])
        async with get_client() as client:
            for id, _ in there.values():
                with suppress(ObjectNotFound):
                    await client.delete_block_document(id)
        self._held.pop(name, None)
        return bool(there)


async def _read(names: Sequence[str]) -> dict[str, tuple[UUID, dict[str, Any]]]:
    async with get_client() as client:
        return await read(client, LinkedInChildApp, names)


def _keep(name: str, data: dict[str, Any]) -> str | None:
    """Where what a block holds is kept while something else is tried; None for what are no credentials."""
    if name.endswith(_BEFORE):
        return None
    try:
        LinkedInChildApp.model_validate(data)
    except ValidationError:
        return None
    return name_before(name)


def _data(held: Credentials) -> dict[str, str]:
    return {"client_id": held.client_id, "client_secret": held.client_secret.get_secret_value()}
