"""Checks of settings' texts: each raises ValueError with what is wrong and what to do, without the text."""

import re
import ssl
from collections.abc import Iterable
from ipaddress import ip_network
from pathlib import Path

from pydantic import ValidationInfo
from sqlalchemy import engine
from sqlalchemy.exc import ArgumentError
from yarl import URL

from greenlight.domain.way import is_loopback

_URL_TEXT = re.compile(r"[!-~]+")


def secret_in(file: str) -> str:
    """The text of a file that stands for a variable, without the blanks and the line end around it."""
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot be read from its file ({type(error).__name__}); mend the path") from None
    if not text:
        raise ValueError("is to be read from a file that is empty; write it there")
    return text


def text_or_file(value: object, info: ValidationInfo, prefix: str, *, needs_name: bool = False) -> object:
    """What was given, or the text of the file that a field of the same name with `_file` names.

    With `needs_name` such a field must not be empty.
    """
    path, variable = info.data.get(f"{info.field_name}_file"), f"{prefix}{str(info.field_name).upper()}_FILE"
    if not path:
        if path is not None and needs_name:
            raise ValueError(f"is to be read from {variable}, which is empty; name the file there")
        return value
    if value:
        raise ValueError(f"and {variable} are both given; keep one of them")
    return secret_in(path)


def database_address(text: str) -> engine.URL:
    """A database's address, for PostgreSQL with the driver that is there."""
    try:
        url = engine.make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("is not a database URL; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME") from None
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgres", "postgresql") else url


def check_user(text: str) -> None:
    """That no user or password has a character in it at which an address is cut."""
    authority, cut, rest = (*re.split("([/?#])", text.partition("//")[2], maxsplit=1), "", "")[:3]
    user, at, host = authority.rpartition("@")
    _, colon, port = host.rpartition("]")[2].partition(":")
    # What follows a colon is the beginning of a password, unless it is the host's port.
    begun = cut in ("?", "#") or (colon and not (at and port.isdigit()))
    if "@" in user or ("@" in rest and begun):
        raise ValueError("has /, @, # or ? in its user or password; write them as %2F, %40, %23 and %3F")


def check_proxy(text: str) -> None:
    """The address of an HTTP proxy."""
    try:
        url = URL(text)
        usable = url.host and url.explicit_port and url.scheme in ("http", "https") and _URL_TEXT.fullmatch(text)
    except ValueError:
        url, usable = URL(), False
    if url.scheme.startswith("socks"):
        raise ValueError("names a SOCKS proxy, which cannot be used; use http://HOST:PORT of an HTTP proxy")
    if not usable or url.path not in ("", "/") or set(text) & set("?#"):
        raise ValueError("is not a proxy's address; use http://HOST:PORT or http://USER:PASSWORD@HOST:PORT")


def check_certificates(file: str) -> None:
    """A file of certificates in PEM form."""
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise ValueError("has no certificate in PEM form; use a file of -----BEGIN CERTIFICATE----- blocks") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({type(error).__name__}); use the path of a PEM file") from None


def check_address(
    text: str, *, cut: str = "?#", never: str = "a user, a query or a fragment; use the plain https address"
) -> None:
    """An address that is reached under TLS, or of a stand-in on this machine; `cut` are characters not to be in it."""
    try:
        url = URL(text)
        host = url.host or ""
    except ValueError:
        url, host = URL(), ""
    # yarl mends what it reads, and it is the text itself that is used.
    if not host or url.scheme not in ("http", "https") or not _URL_TEXT.fullmatch(text):
        raise ValueError("is not an address; use a full https address")
    if url.user is not None or url.password is not None or set(text) & set(cut):
        raise ValueError(f"must not carry {never}")
    if url.scheme == "http" and not is_loopback(host):
        raise ValueError("uses plain http, which is accepted for a loopback address alone; use https")


def check_networks(texts: Iterable[str]) -> None:
    """Raise ValueError unless each is an IP address or a network, and none is everybody."""
    for text in texts:
        try:
            network = ip_network(text)
        except ValueError:
            raise ValueError(f"has {text!r}, which is no IP address and no network like 10.0.0.0/8") from None
        if not network.prefixlen:
            raise ValueError(f"has {text!r}, which is everybody; name the proxies' own network")
        if getattr(network.network_address, "ipv4_mapped", None):
            raise ValueError(f"has {text!r}; write it as an IPv4 address")
