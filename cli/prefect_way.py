"""The way to Prefect's API: what is wrong with it, in one sentence, and stray proxies kept from this machine's own."""

import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

#: The longest that a look at the way to Prefect's API may take.
_SECONDS = 3.0
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_NOBODY = "nobody answers there. Start that server, or unset the variable and a temporary one is started"


@dataclass(frozen=True, slots=True)
class _Api:
    """Prefect's API as its client would ask it."""

    url: str
    verify: ssl.SSLContext | bool

    @classmethod
    def of_settings(cls) -> "_Api | None":
        from prefect.settings import get_current_settings

        settings = get_current_settings().api
        if not settings.url:
            return None
        if settings.tls_insecure_skip_verify:
            return cls(settings.url.rstrip("/"), verify=False)
        return cls(settings.url.rstrip("/"), ssl.create_default_context(cafile=settings.ssl_cert_file))

    def health(self, url: str, *, by_environment: bool = False) -> int | str:
        """The status of its answer, 200 only where it is that of Prefect; in words why there is none."""
        try:
            with httpx.Client(
                timeout=_SECONDS, verify=self.verify, trust_env=by_environment, follow_redirects=True
            ) as client:
                answer = client.get(f"{url}/health")
                return answer.status_code if answer.status_code != 200 or answer.json() is True else 404
        except ValueError:
            return 404
        except httpx.TimeoutException:
            return f"no answer within {_SECONDS:g} s. See that this machine may reach it, and that it is up"
        except httpx.HTTPError as error:
            if "CERTIFICATE" in str(error):
                return "its certificate is not trusted here. Name the file of its CA in PREFECT_API_SSL_CERT_FILE"
            return _NOBODY


def keep_proxies_from_this_machine() -> None:
    """Name the loopback in NO_PROXY: Prefect's client follows the environment's proxies, and none leads there."""
    if not _stray():
        return
    given = f"{os.environ.get('NO_PROXY', '')},{os.environ.get('no_proxy', '')}".split(",")
    every = dict.fromkeys([*(part.strip() for part in given if part.strip()), *_THIS_MACHINE])
    # Some read the one, some the other.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(every)


def address_of(url: str) -> str:
    """The address without anything in it that may be a secret."""
    if not _is_address(url):
        return "no address"
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


def trouble_with_prefect() -> str | None:
    """What keeps Prefect's API from being used, and what to do; None if nothing does. Asks for a few seconds."""
    api = _Api.of_settings()
    if api is None:
        return None
    where = f"Prefect's API cannot be used (PREFECT_API_URL is {address_of(api.url)})"
    if not _is_address(api.url):
        return f"{where}: use one like http://127.0.0.1:4200/api"
    health = api.health(api.url, by_environment=True)
    if health == 200:
        return None
    if isinstance(health, int) and (found := next((at for at in _likelier(api.url) if api.health(at) == 200), None)):
        return f"{where}: that is not its address. Set PREFECT_API_URL to {address_of(found)}{_as_before(api.url)}"
    if isinstance(health, int):
        return f"{where}: GET /health is answered HTTP {health}. See that a Prefect server is up there, and its log"
    if _stray() and api.health(api.url) == 200:
        host = urlsplit(api.url).hostname
        return f"{where}: {', '.join(_stray())} lead to a proxy that does not reach it. Add {host} to NO_PROXY"
    return f"{where}: {health}"


def _as_before(url: str) -> str:
    return ", with the user and the password that it has" if urlsplit(url).username is not None else ""


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


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
