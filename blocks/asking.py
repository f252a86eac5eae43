"""Calls to Prefect that fail: what costs nothing is asked again, what waiting does not mend is not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

#: Waits in seconds, for what costs nothing to ask again.
_AGAIN_AFTER = (0.1, 0.5)
LOGIN_REFUSED = (
    "Prefect's API refuses our password: set PREFECT_API_AUTH_STRING to what the server has in "
    "PREFECT_SERVER_API_AUTH_STRING"
)

_Result = TypeVar("_Result")


async def again(call: Callable[[], Awaitable[_Result]]) -> _Result:
    """What a call to Prefect gives, asked for again a few times where it fails. Raises its last error."""
    for pause in _AGAIN_AFTER:
        try:
            return await call()
        except Exception as error:
            if refused(error):
                raise
            await asyncio.sleep(pause)
    return await call()


def refused(error: Exception) -> bool:
    """Whether the server takes no login like ours, which no waiting makes right."""
    return isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403)


def words(error: Exception) -> str:
    """What came, without anything that was sent."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return type(error).__name__
