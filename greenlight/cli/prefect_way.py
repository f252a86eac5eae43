"""The way to Prefect's API: what is wrong with it, in one sentence, and stray proxies kept from this machine's own."""

import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

_SECONDS = 3.0
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def keep_proxies_from_this_machine() -> None:
    """Name the loopback in NO_PROXY: Prefect's client follows the environment's proxies, and none leads there."""
    if not _stray():
        return
    known = [part.strip() for part in (os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or "").split(",")]
    every = ",".join([part for part in known if part] + [host for host in _THIS_MACHINE if host not in known])
    # Some read the one, some the other.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = every


def trouble_with_prefect() -> str | None:
    """What keeps Prefect's API from being used, and what to do; None if nothing does. Asks for a few seconds."""
    api = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    if not api:
        return "Prefect's API cannot be reached, and PREFECT_API_URL is not set: set it to that of a running server"
    shown = re.sub(r"//[^/@]*@", "//", api)
    where = f"Prefect's API cannot be used (PREFECT_API_URL {shown})"
    if not _is_address(api):
        return f"{where}: that is no address. Use one like http://127.0.0.1:4200/api"
    status = _health(api, by_environment=True)
    if status == 200:
        return None
    if found := next((other for other in _likelier(api) if _health(other) == 200), None):
        return f"{where}: that is not its address. Set PREFECT_API_URL to {re.sub(r'//[^/@]*@', '//', found)}"
    if status is None and _health(api) == 200:
        host = urlsplit(api).hostname
        return f"{where}: {', '.join(_stray())} lead to a proxy that does not reach it. Add {host} to NO_PROXY"
    if status is not None:
        return f"{where}: GET /health is answered HTTP {status}. See that a Prefect server is up there, and its log"
    return f"{where}: nobody answers there. Start that server, or unset the variable and a temporary one is started"


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _stray() -> list[str]:
    return [name for name in _PROXIES if os.environ.get(name) or os.environ.get(name.lower())]


def _likelier(api: str) -> Iterator[str]:
    """Where the API would be if this were the address of the server, of its pages, or of a path before them."""
    parts = urlsplit(api)
    path = [part for part in parts.path.split("/") if part]
    for kept in range(len(path), -1, -1):
        other = parts._replace(path="/".join(["", *path[:kept], "api"]), query="", fragment="").geturl()
        if other != api:
            yield other


def _health(api: str, *, by_environment: bool = False) -> int | None:
    """The status of its answer, 200 only where it is that of Prefect; None without an answer."""
    try:
        with httpx.Client(timeout=_SECONDS, trust_env=by_environment) as client:
            answer = client.get(f"{api}/health")
            return answer.status_code if answer.status_code != 200 or answer.json() is True else 404
    except ValueError:
        return 404
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
