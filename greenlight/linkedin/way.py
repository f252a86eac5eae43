"""The way out to LinkedIn: whose certificates are trusted, and which step of it failed."""

import errno
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp


@dataclass(frozen=True, slots=True)
class Failure:
    """One sentence about the step that failed; `by_proxy` where it is the proxy's own no."""

    words: str
    by_proxy: bool = False


#: What aiohttp raises while it makes a new connection, and nowhere else: the name, TCP, the proxy's answer to CONNECT,
#: TLS. A request is written after all of these; what a kept connection ends with is another kind.
_BEFORE_THE_REQUEST = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
)


def never_connected(error: BaseException) -> bool:
    """Whether it proves that there was no connection on which any byte of the request could have left."""
    # Itself alone: what lies behind it may be of an exchange before this one.
    return isinstance(error, _BEFORE_THE_REQUEST)


def failed_step(error: BaseException, host: str) -> Failure:
    """What an exchange with `host` that ended without an answer failed at."""
    for one in _behind(error):
        match one:
            case aiohttp.ClientHttpProxyError():
                return _refused_by_proxy(one.status)
            case aiohttp.ClientConnectorCertificateError():
                why = getattr(one.certificate_error, "verify_message", "") or "it cannot be verified"
                return Failure(f"the certificate shown for {one.host} is not trusted: {why}")
            case aiohttp.ClientConnectorDNSError():
                return Failure(f"the name {one.host} is not known here (DNS)")
            case aiohttp.ClientProxyConnectionError():
                return Failure(f"no connection to the proxy {one.host}:{one.port}: {_os_words(one.os_error)}")
            case aiohttp.ClientConnectorError():
                if (tls := _tls_words(one)) is not None:
                    return Failure(f"no TLS with {one.host}: {tls}")
                if one.os_error.errno is None:
                    return Failure(f"no TLS with {one.host}: closed in the handshake, maybe for its version of TLS")
                return Failure(f"no connection to {one.host}:{one.port}: {_os_words(one.os_error)}")
            case aiohttp.ServerTimeoutError():
                return Failure(f"no connection to {host} in time")
            case ssl.SSLError():
                return Failure(f"no TLS with {host}: {_reason(one)}")
            case aiohttp.ServerDisconnectedError():
                return Failure(f"the connection to {host} was closed before any answer")
            case aiohttp.ClientPayloadError():
                return Failure(f"the answer of {host} was cut off")
            case aiohttp.ClientOSError() | ConnectionError():
                return Failure(f"the connection to {host} was cut: {_os_words(one)}")
            case aiohttp.ClientResponseError():
                return Failure(f"the answer of {host} is not HTTP")
            case _:
                continue
    return Failure(f"no connection to {host}, or it was cut")


def _refused_by_proxy(status: int) -> Failure:
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return Failure("the proxy asks for a user and a password, or for others (HTTP 407)", by_proxy=True)
    try:
        phrase = f" {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = ""
    # A gateway's 5xx says that it did not reach LinkedIn either.
    return Failure(f"the proxy does not let this through (HTTP {status}{phrase})", by_proxy=status < 500)


def _behind(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _tls_words(error: BaseException) -> str | None:
    found = [one for one in _behind(error) if isinstance(one, ssl.SSLError)]
    # aiohttp's own kind of SSLError has no reason; the one behind it has.
    return _reason(found[-1]) if found else None


def _reason(error: ssl.SSLError) -> str:
    reason = (getattr(error, "reason", None) or "").replace("_", " ").lower()
    if "version" in reason or "protocol" in reason:
        return f"no version of TLS in common, or what answers speaks none ({reason})"
    return reason or "the handshake failed"


def _os_words(error: OSError) -> str:
    if error.errno == errno.ECONNREFUSED:
        return "refused"
    if error.errno in (errno.ECONNRESET, errno.EPIPE):
        return "reset"
    if error.errno == errno.ETIMEDOUT:
        return "timed out"
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "no route"
    return errno.errorcode.get(error.errno or 0, "failed")
