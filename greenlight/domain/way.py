"""The way out to LinkedIn, as the settings say it: through which proxy, and past it for which hosts. Pure."""

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network


@dataclass(frozen=True, slots=True)
class Way:
    """How LinkedIn is reached. Nothing of the environment is looked at: no stray variable leads secrets elsewhere.

    `proxy` is http(s)://[USER:PASSWORD@]HOST:PORT and is asked with CONNECT alone; `no_proxy` are hosts that are
    reached without it: a name with all below it, an address, a network, or `*`. `ca_file` holds certificates in PEM
    form that are trusted beside the public ones. As many `connections` are there at most, each with one request.
    """

    proxy: str | None = field(default=None, repr=False)
    no_proxy: tuple[str, ...] = ()
    ca_file: str | None = None
    connections: int = 32

    def leads_through_proxy(self, host: str) -> bool:
        """Never for this machine itself."""
        return self.proxy is not None and not is_loopback(host) and not any(_covers(e, host) for e in self.no_proxy)


def is_loopback(host: str) -> bool:
    """Whether a host, by name or address, is this machine."""
    name = _bare(host)
    try:
        return ip_address(name).is_loopback
    except ValueError:
        # Names below it are not always this machine: a resolver may ask elsewhere.
        return name == "localhost"


def _covers(entry: str, host: str) -> bool:
    wanted, name = _bare(entry).removeprefix("*.").lstrip("."), _bare(host)
    try:
        return ip_address(name) in ip_network(wanted, strict=False)
    except ValueError:
        return entry == "*" or name == wanted or (bool(wanted) and name.endswith(f".{wanted}"))


def _bare(host: str) -> str:
    return host.lower().rstrip(".").removeprefix("[").removesuffix("]")
