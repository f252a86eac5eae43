"""How often a browser may ask: moving windows in memory, and whose address counts."""

import math
import time
from collections.abc import Callable, Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection

from portal.refusals import TooOften

#: A person clicks a few times; the page's script repeats a lost post four times.
POSTS_OF_SESSION = RateLimitItemPerMinute(60, namespace="posts-session")
#: Two admins of one customer may be busy at the same time.
POSTS_OF_CUSTOMER = RateLimitItemPerMinute(120, namespace="posts-customer")
#: The page asks at most every 0.7 s, and may be open in three tabs.
READS_OF_SESSION = RateLimitItemPerMinute(300, namespace="reads-session")
#: Nobody has this many links that do not work; a whole office may share the address.
FAILURES_OF_ADDRESS = RateLimitItemPerMinute(60, namespace="failures-address")
#: A scanner or two look at a link before its reader does.
LOOKS_AT_LINK = RateLimitItemPerMinute(60, namespace="looks-link")
#: A page that breaks the policy does it a few times on each load.
REPORTS_OF_ADDRESS = RateLimitItemPerMinute(60, namespace="reports-address")
#: A load balancer asks every second at most, and each answer costs a look into the database.
PROBES_OF_ADDRESS = RateLimitItemPerMinute(300, namespace="probes-address")

#: More windows than this are a flood from many addresses; the storage would keep each for ever.
MOST_WINDOWS = 10_000

_Address = IPv4Address | IPv6Address


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

    def check(self, item: RateLimitItem, whose: str) -> None:
        """Raise TooOften if the next one would be one too many; nothing is counted."""
        if not self._windows.test(item, whose):
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


def client_address(connection: HTTPConnection, trusted: Collection[str]) -> str:
    """Whose address a request counts for: the peer's, or the last one in X-Forwarded-For that is no proxy of ours.

    An IPv6 network counts as one, since a single client has all of its addresses.
    """
    peer = _address(connection.client.host if connection.client else "")
    if peer is None:
        return "local"
    proxies = {ip_address(proxy) for proxy in trusted}
    hops = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
    while peer in proxies and hops:
        hop = _address(hops.pop().strip())
        if hop is None:
            break
        peer = hop
    return str(peer) if isinstance(peer, IPv4Address) else str(IPv6Network((peer, 64), strict=False))


def _address(text: str) -> _Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
