"""Paths whose parts may hold a slash: `%2F` is a character of an id, as RFC 3986 has it, and ends no part of a path."""

import re
from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

#: What is sent encoded and stays so until a path is taken apart; the sign itself, so that both can be told apart.
_KEPT = re.compile("%(2F|25)", re.IGNORECASE)


class EncodedSlashes:
    """In front of routes: the server's path has `%2F` decoded already, which would make two parts of one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": _path_of(scope["raw_path"].decode("ascii"))}
        await self._app(scope, receive, send)


def _path_of(raw: str) -> str:
    return unquote(_KEPT.sub(lambda found: f"%25{found[1].upper()}", raw))


class _Id(Convertor[str]):
    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return value.replace("%2F", "/").replace("%25", "%")

    def to_string(self, value: str) -> str:
        return value.replace("%", "%25").replace("/", "%2F")


# `{NAME:id}` in a path: a part of it, decoded.
register_url_convertor("id", _Id())
