"""The portal's signing keys: whoever has them can make links that open any customer's page."""

import asyncio
import secrets
from contextlib import suppress
from typing import ClassVar

from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.exceptions import ObjectAlreadyExists
from pydantic import ConfigDict, Field, HttpUrl, SecretStr

from blocks.singletons import load_or_none

NAME = "portal"
#: Waits in seconds before each look for the keys that another process is just making.
_PAUSES = (0.0, 0.1, 0.5, 1.0, 2.0)


class PortalKeys(Block):
    """Keys for links and for the portal's own tokens; the last one signs, all of them are accepted."""

    _block_type_name: ClassVar[str | None] = "Greenlight portal keys"
    _block_type_slug: ClassVar[str | None] = "greenlight-portal-keys"
    _description: ClassVar[str | None] = "Signing keys of the customers' page. To rotate, add a new one at the end."
    _logo_url: ClassVar[HttpUrl | None] = Secret._logo_url
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://itsdangerous.palletsprojects.com/en/stable/concepts/#key-rotation"
    )
    _code_example: ClassVar[str | None] = """```python
from blocks.portal_keys import PortalKeys

held = PortalKeys.load("BLOCK_NAME")
newest = held.signing_keys[-1]
```"""

    model_config = ConfigDict(hide_input_in_errors=True)

    signing_keys: list[SecretStr] = Field(
        min_length=1, description="Oldest first: the last one signs, all of them are accepted."
    )


async def portal_keys() -> list[str]:
    """The signing keys, oldest first; the first call makes one."""
    for pause in _PAUSES:
        block = await load_or_none(PortalKeys, NAME)
        if block is not None:
            return [key.get_secret_value() for key in block.signing_keys]
        # Where somebody else was first, theirs is the one that counts, once it is there.
        with suppress(ValueError, ObjectAlreadyExists):
            await PortalKeys(signing_keys=[SecretStr(secrets.token_urlsafe(32))]).asave(NAME)
        await asyncio.sleep(pause)
    raise RuntimeError("the portal's signing keys can neither be read nor made")
