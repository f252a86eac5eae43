"""How often a browser may ask: moving windows in memory.

Who has a link or a session is limited by it; an address, which a whole office or a proxy may share, limits only those
who have neither.
"""

import math
import time
from collections.abc import Callable, Collection

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from portal.refusals import TooOften

#: A person clicks a few times; the page's script repeats a lost post four times.
POSTS_OF_SESSION = RateLimitItemPerMinute(60, namespace="posts-session")
#: Two admins of one customer may be busy at the same time.
POSTS_OF_CUSTOMER = RateLimitItemPerMinute(120, namespace="posts-customer")
#: The page asks at most every 0.7 s, and may be open in three tabs.
READS_OF_SESSION = RateLimitItemPerMinute(300, namespace="reads-session")
#: Nobody has this many links that are none of ours.
FAILURES_OF_ADDRESS = RateLimitItemPerMinute(60, namespace="failures-address")
#: A scanner or two look at a link before its reader does; some come back to one that is spent.
LOOKS_AT_LINK = RateLimitItemPerMinute(60, namespace="looks-link")
#: A page that breaks the policy does it a few times on each load.
REPORTS_OF_ADDRESS = RateLimitItemPerMinute(60, namespace="reports-address")
#: A back end that shows all of its customers' pages, and follows the changes.
CALLS_OF_KEY = RateLimitItemPerMinute(600, namespace="calls-key")

#: More windows than this are a flood from many addresses; the storage would keep each for ever.
MOST_WINDOWS = 10_000


class Limiter:
    """Counts in this process's memory, so each worker process has windows of its own."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._storage = MemoryStorage()
        self._windows = MovingWindowRateLimiter(self._storage)

    def count(self, item: RateLimitItem, whose: str) -> None:
        """Count one request. Raises TooOften if it is one too many."""
        if len(self._storage.events) > MOST_WINDOWS:
            self._forget()
        if not self._windows.hit(item, whose):
            raise self._too_often(item, whose)

    def _too_often(self, item: RateLimitItem, whose: str) -> TooOften:
        left = self._windows.get_window_stats(item, whose).reset_time - self._clock()
        return TooOften(min(max(math.ceil(left), 1), item.get_expiry()))

    def _forget(self) -> None:
        windows = self._storage.events
        self._clear([key for key, hits in list(windows.items()) if not hits])
        if len(windows) > MOST_WINDOWS:
            # Counting afresh is better than counting without end.
            self._clear(list(windows))

    def _clear(self, keys: Collection[str]) -> None:
        for key in keys:
            # The storage drops old hits in a thread of its own.
            with self._storage.locks[key]:
                self._storage.clear(key)
