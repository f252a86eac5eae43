"""Undoing a compression that was not asked for, which somebody in between may have added. Bounded; never raises."""

import zlib

_GZIP = b"\x1f\x8b"
#: How zlib is told of gzip, of deflate as HTTP means it, and of deflate as some servers send it.
_AS_GZIP, _AS_ZLIB, _AS_RAW = 31, 15, -15


class TooLong(Exception):
    """What was compressed is longer than the limit."""


def decompressed(body: bytes, encoding: str, limit: int) -> bytes:
    """`body` without gzip or deflate; as it came where it has neither or is damaged. Raises TooLong over `limit` bytes.

    `encoding` is the Content-Encoding header. gzip is known by its first bytes, since the header may be lost or stale.
    """
    if body.startswith(_GZIP):
        forms = [_AS_GZIP]
    elif encoding.strip().lower() == "deflate":
        forms = [_AS_ZLIB, _AS_RAW]
    else:
        return body
    for form in forms:
        if (found := _inflated(body, form, limit)) is not None:
            return found
    return body


def _inflated(body: bytes, form: int, limit: int) -> bytes | None:
    """None where `body` is not whole in this form."""
    found, rest = bytearray(), body
    while rest:
        inflater = zlib.decompressobj(form)
        try:
            found += inflater.decompress(rest, limit + 1 - len(found))
        except zlib.error:
            return None
        if len(found) > limit:
            raise TooLong
        if not inflater.eof:
            return None
        rest = inflater.unused_data
        if rest and form != _AS_GZIP:
            return None
    return bytes(found)
