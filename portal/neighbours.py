"""What stands between browsers and us: whose address a request counts for, and what a proxy passes on wrongly."""

import logging
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.requests import HTTPConnection

from greenlight.linkedin.errors import clean
from greenlight.settings import Settings

_log = logging.getLogger("portal.neighbours")

#: Of each kind. Anybody can send what is logged here; a proxy that is set up wrongly shows in the first of them.
MOST_LINES = 10

_Address = IPv4Address | IPv6Address


class Neighbours:
    """Reads what came through proxies. What is wrong with it is said once in the log, as one line each."""

    def __init__(self, settings: Settings) -> None:
        self._proxies = [ip_network(proxy) for proxy in settings.portal_trusted_proxies]
        self._portal_url = settings.portal_url
        self._host = settings.portal_url.partition("://")[2]
        self._said: dict[str, set[str]] = {}

    def address(self, connection: HTTPConnection) -> str:
        """Whose address a request counts for: the peer's, or the last in X-Forwarded-For that is no proxy of ours.

        An IPv6 network counts as one, since a single client has all of its addresses.
        """
        peer = _address(connection.client.host if connection.client else "")
        if peer is None:
            return "local"
        hops = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
        while self._is_ours(peer) and hops:
            hop = _address(hops.pop().strip())
            if hop is None:
                break
            peer = hop
        return str(peer) if isinstance(peer, IPv4Address) else str(IPv6Network((peer, 64), strict=False))

    def is_for_us(self, hosts: Sequence[str]) -> bool:
        """Whether these `Host` headers are the portal's own."""
        if [host.lower() for host in hosts] == [self._host]:
            return True
        came = clean(", ".join(hosts))[:100] or "none"
        self._say(
            "host",
            came,
            f"a request for host {came} came, and answers are for {self._host} alone: a proxy in front must pass the "
            f"browser's Host on, and GREENLIGHT_PORTAL_URL ({self._portal_url}) must be what browsers open",
        )
        return False

    def notice(self, connection: HTTPConnection) -> None:
        """Say so where somebody whom the settings do not name tells whose requests these are."""
        peer = _address(connection.client.host if connection.client else "")
        if peer is None or "x-forwarded-for" not in connection.headers or self._is_ours(peer):
            return
        self._say(
            "proxy",
            str(peer),
            f"{peer} sends X-Forwarded-For and is not believed, so that all who come through it count as one address: "
            "if it is a proxy of yours, name it in GREENLIGHT_PORTAL_TRUSTED_PROXIES",
        )

    def _is_ours(self, peer: _Address) -> bool:
        return any(peer in network for network in self._proxies)

    def _say(self, kind: str, once: str, line: str) -> None:
        said = self._said.setdefault(kind, set())
        if once not in said and len(said) < MOST_LINES:
            said.add(once)
            _log.warning("%s", line)


def _address(text: str) -> _Address | None:
    """An address, also as proxies write it: in brackets, with a port, with a zone."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
