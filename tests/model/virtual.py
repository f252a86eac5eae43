"""An event loop whose time passes only while everybody waits, so that a night takes milliseconds."""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

from typing_extensions import override


class Stuck(RuntimeError):
    """Everything waits, and nothing is due."""


class _Selector(selectors.SelectSelector):
    """Never sleeps: what the loop would wait for is added to the clock."""

    now = 0.0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's sleeps and time limits all follow this loop's own clock."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self.complaints: list[str] = []
        self.set_exception_handler(self._complain)

    @override
    def time(self) -> float:
        return self._virtual.now

    def pass_time(self, seconds: float) -> None:
        self.run_until_complete(asyncio.sleep(seconds))

    def _complain(self, _loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        error = context.get("exception")
        # Whatever is no Exception is a process that was killed.
        if error is None or isinstance(error, Exception):
            self.complaints.append(repr(error or context.get("message")))
