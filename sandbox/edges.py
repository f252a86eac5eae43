"""Right answers in other dress: what an edge, a proxy or another serializer does to them, their meaning unchanged."""

import gzip
import json
import zlib
from collections.abc import Callable, Collection
from typing import Any, Literal

from sandbox.answers import Answer

Variation = Literal[
    "gzip", "deflate", "raw_deflate", "bom", "null_errors", "no_errors", "statuses", "header_case", "content_type"
]


def vary(answer: Answer, how: Collection[Variation], size: int | None = None) -> None:
    """Changes the answer in place. `size` pads its body with spaces to so many bytes before it is compressed.

    What has no body or is no JSON stays as it is, but for the case of its header names.
    """
    answer.titled = answer.titled or "header_case" in how
    if not answer.body or answer.headers.get("content-type") != "application/json":
        return
    for name in how:
        if name in _MAPS and b'"results"' in answer.body:
            body = json.loads(answer.body)
            _MAPS[name](body)
            answer.body = json.dumps(body).encode()
    if size is not None:
        answer.body = answer.body.ljust(size)
    if "bom" in how:
        answer.body = b"\xef\xbb\xbf" + answer.body
    for name in how:
        if name in _CODINGS:
            coding, compress = _CODINGS[name]
            earlier = answer.headers.get("content-encoding")
            answer.headers["content-encoding"] = coding if earlier is None else f"{earlier}, {coding}"
            answer.body = compress(answer.body)
    if "content_type" in how:
        answer.headers["content-type"] = "Application/JSON; Charset=UTF-8"


def _null_errors(body: dict[str, Any]) -> None:
    body["errors"] = body.get("errors") or None


def _no_errors(body: dict[str, Any]) -> None:
    if not body.get("errors"):
        body.pop("errors", None)


def _statuses(body: dict[str, Any]) -> None:
    """One for each key that stands in `results`, as Rest.li writes it for those that it could serve."""
    told = {spelling: one.get("status", 200) for spelling, one in body["results"].items()}
    body["statuses"] = body.get("statuses", {}) | told


def _raw_deflate(body: bytes) -> bytes:
    """Without zlib's frame: what many servers send as `deflate`."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(body) + deflate.flush()


_MAPS: dict[Variation, Callable[[dict[str, Any]], None]] = {
    "null_errors": _null_errors,
    "no_errors": _no_errors,
    "statuses": _statuses,
}
_CODINGS: dict[Variation, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", lambda body: gzip.compress(body, mtime=0)),
    "deflate": ("deflate", zlib.compress),
    "raw_deflate": ("deflate", _raw_deflate),
}
