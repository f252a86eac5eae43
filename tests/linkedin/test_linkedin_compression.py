"""Compression that was not asked for: undone within the limit on a body's size, and never a way to more than that."""

import gzip
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from greenlight.linkedin.compression import TooLong, decompressed
from greenlight.linkedin.errors import LinkedInError, Unclear
from greenlight.linkedin.transport import MAX_BODY_BYTES
from tests.linkedin.raw_server import TOKEN_ANSWER, a_client, a_wire, answer, listening
from tests.linkedin.stage import ACME, AWLI, NAME, OWN, body_of

BOTH = body_of(results={OWN: {"status": 204, "onboardingStatus": "REQUESTED"}})
BOM = b"\xef\xbb\xbf"


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


async def outcome(body: bytes, headers: str, token: bytes = TOKEN_ANSWER, token_headers: str = "") -> list[object]:
    """What verify and enable make of this answer, over real HTTP."""

    async def talk(request: bytes) -> tuple[bytes, bool]:
        if b"/oauth/" in request:
            return answer(token, headers=token_headers), True
        return answer(body, headers=headers), True

    async with listening(talk) as server, a_client(server.url) as (client, _):
        got: list[object] = [(await client.verify(ACME, [AWLI]))[AWLI]]
        try:
            await client.enable(ACME, AWLI, NAME)
            got.append(None)
        except LinkedInError as error:
            got.append(error)
        assert all(b"accept-encoding: identity" in request.lower() for request in server.requests)
        return got


GZIP, DEFLATE = "Content-Encoding: gzip\r\n", "Content-Encoding: deflate\r\n"
HARMLESS = [
    pytest.param(BOTH, "", id="as asked for"),
    pytest.param(BOM + BOTH, "", id="a byte order mark"),
    pytest.param(gzip.compress(BOTH), GZIP, id="gzip"),
    pytest.param(gzip.compress(BOM + BOTH), GZIP, id="gzip and a byte order mark"),
    pytest.param(gzip.compress(BOTH), GZIP.upper(), id="another letter case"),
    pytest.param(gzip.compress(BOTH), "content-encoding: x-gzip\r\n", id="gzip's older name"),
    pytest.param(gzip.compress(BOTH), "", id="a proxy lost the header"),
    pytest.param(gzip.compress(BOTH[:30]) + gzip.compress(BOTH[30:]), GZIP, id="gzip in two parts"),
    pytest.param(zlib.compress(BOTH), DEFLATE, id="deflate"),
    pytest.param(raw_deflate(BOTH), DEFLATE, id="deflate as some servers send it"),
    pytest.param(BOTH, GZIP, id="a proxy undid it and left the header"),
    pytest.param(BOTH, DEFLATE, id="and of deflate"),
    pytest.param(BOTH, "Content-Encoding: identity\r\n", id="identity, said"),
]


@pytest.mark.parametrize(("body", "headers"), HARMLESS)
async def test_a_right_answer_is_right_however_it_is_packed(body: bytes, headers: str) -> None:
    assert await outcome(body, headers) == [Observation(Status.REQUESTED), None]


async def test_the_token_endpoints_answer_too() -> None:
    packed = gzip.compress(BOM + TOKEN_ANSWER)
    assert await outcome(BOTH, "", packed, GZIP) == [Observation(Status.REQUESTED), None]


DAMAGED = [
    pytest.param(gzip.compress(BOTH)[:-9], GZIP, id="the end is missing"),
    pytest.param(gzip.compress(BOTH)[:-1], GZIP, id="the last byte of its checksum is missing"),
    pytest.param(gzip.compress(BOTH)[:-8] + b"\0" * 8, GZIP, id="a wrong checksum"),
    pytest.param(gzip.compress(BOTH) + b"x", GZIP, id="something after it"),
    pytest.param(zlib.compress(BOTH) + b"x", DEFLATE, id="something after deflate"),
    pytest.param(zlib.compress(BOTH)[:-5], DEFLATE, id="deflate without its end"),
    pytest.param(zlib.compress(BOTH), "", id="deflate that nothing tells of"),
    pytest.param(gzip.compress(gzip.compress(BOTH)), GZIP, id="twice"),
    pytest.param(b"\x1b\x2a\x00\xf8", "Content-Encoding: br\r\n", id="another compression"),
    pytest.param(gzip.compress(b"x" * (MAX_BODY_BYTES + 1)), GZIP, id="one byte too long when undone"),
    pytest.param(gzip.compress(b" " * 50_000_000), GZIP, id="a bomb"),
    pytest.param(zlib.compress(b" " * 50_000_000), DEFLATE, id="a bomb of the other kind"),
    pytest.param(gzip.compress(b" " * 400_000) * 3, GZIP, id="a bomb in parts"),
]


@pytest.mark.parametrize(("body", "headers"), DAMAGED)
async def test_what_cannot_be_undone_says_nothing(body: bytes, headers: str) -> None:
    for error in await outcome(body, headers):
        assert isinstance(error, Unclear)
        assert error.reason in (Reason.UNREADABLE_ANSWER, Reason.NOT_THE_API)
        assert error.worth_repeating


async def test_the_limit_counts_what_was_undone() -> None:
    """A megabyte on the wire could be a gigabyte in memory."""
    for length, read in ((MAX_BODY_BYTES, True), (MAX_BODY_BYTES + 1, False)):
        packed = gzip.compress(b" " * length)

        async def talk(_: bytes, packed: bytes = packed) -> tuple[bytes, bool]:
            return answer(packed, headers=GZIP), True

        async with listening(talk) as server, a_wire() as wire:
            assert ((await wire.exchange("GET", server.url)).body is not None) is read


@given(body=st.binary(max_size=400), encoding=st.sampled_from(["", "gzip", "deflate", "br", "gzip, gzip", " DEFLATE "]))
def test_no_bytes_break_it_or_pass_the_limit(body: bytes, encoding: str) -> None:
    for form in (body, b"\x1f\x8b" + body, gzip.compress(body), zlib.compress(body)):
        with suppress(TooLong):
            assert len(decompressed(form, encoding, 500)) <= max(500, len(form))


@given(body=st.binary(max_size=400))
def test_what_was_packed_comes_back(body: bytes) -> None:
    assert decompressed(gzip.compress(body), "gzip", 400) == body
    assert decompressed(zlib.compress(body), "deflate", 400) == body
