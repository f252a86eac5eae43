"""Where a run's time goes, in the event loop's thread and in those that it hands work to."""

import cProfile
import pstats
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from io import StringIO
from typing import Any

from tests.benchmarks.gauge import Gauge

_LINES = 15


async def profiled(gauge: Gauge, work: Callable[[], Awaitable[object]], clock: str) -> None:
    """Run `work` and print to stderr what took longest by the `clock`: `cpu` of each thread, or `wall` with all waits.

    In Python 3.12 and later the event loop's thread alone.
    """
    timer = {"cpu": time.thread_time, "wall": time.perf_counter}[clock]
    mine, others, own = cProfile.Profile(timer), list[cProfile.Profile](), threading.local()

    def within(act: Callable[..., Any], *given: Any) -> Any:
        if not hasattr(own, "profile"):
            own.profile = cProfile.Profile(timer)
            others.append(own.profile)
        return own.profile.runcall(act, *given)

    if sys.version_info < (3, 12):
        gauge.around = within
    mine.enable()
    try:
        await work()
    finally:
        mine.disable()
        gauge.around = None
    _tell("event loop", [mine])
    if others:
        _tell("threads", others)


def _tell(where: str, profiles: list[cProfile.Profile]) -> None:
    for order in ("cumulative", "tottime"):
        text = StringIO()
        stats = pstats.Stats(profiles[0], stream=text)
        for more in profiles[1:]:
            stats.add(more)
        stats.sort_stats(order).print_stats(_LINES)
        sys.stderr.write(f"--- {where}, by {order}\n{text.getvalue().strip()}\n")
