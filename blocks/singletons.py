"""Blocks of which there is one, under a name that everybody knows."""

from typing import Any, TypeVar, cast

from prefect.blocks.core import Block

from blocks.asking import again

_Block = TypeVar("_Block", bound=Block)


async def load_or_none(kind: type[_Block], name: str) -> _Block | None:
    """The block of this kind and name, or None if nobody has made it."""

    async def load() -> _Block | None:
        try:
            # Prefect types its dispatching methods as if they were not awaited.
            return await cast(Any, kind).aload(name)
        except ValueError:
            # Prefect's own words for a block that does not exist.
            return None

    return await again(load)
