"""Attacks 8 and 9 over real connections: bodies too large, packed, endless or slow, and JSON that breaks readers."""

import gzip
import json
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from greenlight.ats.tables import RequestEvidence
from portal.bodies import MAX_BODY
from tests.attacks.street import Street, status_of
from tests.linkedin.raw_server import TOKEN_ANSWER, a_client, answer, listening
from tests.linkedin.stage import ACME, AWLI, OWN, body_of
from tests.portal.world import named

GOOD = json.dumps({"integrations": [named()]}).encode()
MIB = 1024 * 1024


@contextmanager
def flat_memory(most: int = 8 * MIB) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most


def test_attack_08_one_byte_over_the_limit(portal_street: Street) -> None:
    """The bound is exact, so that nobody finds a size at which it is not there."""
    with portal_street.visitor("acme") as acme:
        assert acme.post(GOOD + b" " * (MAX_BODY + 1 - len(GOOD))).status_code == 413
        assert portal_street.portal.rows(RequestEvidence) == []
        assert acme.post(GOOD + b" " * (MAX_BODY - len(GOOD))).status_code == 202


def test_attack_08_a_bomb_is_not_unpacked(portal_street: Street) -> None:
    """100 MiB of blanks pack into 100 kB; whatever the declared encoding, nothing of it is inflated."""
    bomb = gzip.compress(GOOD + b" " * (100 * MIB))
    small = gzip.compress(GOOD + b" " * MIB)
    assert len(small) < MAX_BODY
    with portal_street.visitor("acme") as acme, flat_memory():
        for encoding in ("gzip", "deflate", "br", "gzip, gzip", "identity, gzip"):
            assert acme.post(small, {"Content-Encoding": encoding}).status_code == 415
        assert acme.post(small).status_code == 422, "undeclared, it is no JSON"
        headers = f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n"
        assert status_of(portal_street.raw(acme, headers, bomb)) in (0, 415)
    assert portal_street.portal.rows(RequestEvidence) == []


@pytest.mark.parametrize(
    ("headers", "statuses"),
    [
        pytest.param("Content-Length: 5\r\n", {422}, id="a length that is too short"),
        pytest.param("Content-Length: 5000\r\n", {408}, id="a length that is too long"),
        pytest.param("Content-Length: 100000000\r\n", {413}, id="a huge length"),
        pytest.param("Content-Length: -1\r\n", {400}, id="a negative length"),
        pytest.param("", {400, 422}, id="no length at all"),
    ],
)
def test_attack_08_a_length_that_lies(portal_street: Street, headers: str, statuses: set[int]) -> None:
    """Whoever trusts a length waits for ever, or reads the next request's bytes as this one's."""
    started = time.monotonic()
    with portal_street.visitor("acme") as acme:
        said = portal_street.raw(acme, "Connection: close\r\n" + headers, GOOD)
    assert status_of(said) in statuses
    assert time.monotonic() - started < 4
    assert portal_street.portal.rows(RequestEvidence) == []


def test_attack_08_chunks_without_an_end(portal_street: Street) -> None:
    """130 MB in chunks: refused at the limit, with memory flat, and nobody goes on listening."""
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    with portal_street.visitor("acme") as acme, flat_memory():
        said = portal_street.raw(acme, "Transfer-Encoding: chunked\r\n", *[chunk] * 2_000)
    # A reset may overtake the answer.
    assert status_of(said) in (0, 413)
    assert portal_street.portal.rows(RequestEvidence) == []


def test_attack_08_a_body_that_drips(portal_street: Street) -> None:
    """A byte now and then holds a connection for hours; the whole body has one time limit (half a second here)."""
    started = time.monotonic()
    with portal_street.visitor("acme") as acme:
        drops = [GOOD[n : n + 1] for n in range(12)]
        said = portal_street.raw(acme, f"Content-Length: {len(GOOD)}\r\n", *drops, pause=0.1)
    assert status_of(said) == 408
    assert time.monotonic() - started < 4
    assert portal_street.portal.rows(RequestEvidence) == []


async def test_attack_08_an_answer_of_linkedins_that_is_a_bomb() -> None:
    """The same from the other side: a packed answer is not unpacked, and so it is no answer."""
    packed = gzip.compress(body_of(results={OWN: {"onboardingStatus": "ENABLED"}}) + b" " * (50 * MIB))

    async def linkedin(request: bytes) -> tuple[bytes, bool]:
        if b"/oauth/" in request:
            return answer(TOKEN_ANSWER), True
        return answer(packed, headers="content-encoding: gzip\r\n"), True

    async with listening(linkedin) as server, a_client(server.url) as (enabler, _):
        with flat_memory():
            (seen,) = (await enabler.verify(ACME, [AWLI])).values()
    assert isinstance(seen, Exception)


PATHOLOGIES = {
    "nested 10,000 deep": b'{"integrations":' + b"[" * 8_000,
    "nested and closed": b"[" * 8_000 + b"]" * 8_000,
    "as many items as fit": b'{"integrations":[' + b"1," * 8_000 + b"1]}",
    "a name twice": GOOD[:-1] + b"," + GOOD[1:],
    "a name twice within": GOOD.replace(b'{"integrationContext"', b'{"tenantType":"X","integrationContext"'),
    "NaN": b'{"integrations":NaN}',
    "NaN beside it": GOOD[:-1] + b',"x":NaN}',
    "Infinity": GOOD[:-1] + b',"x":-Infinity}',
    "a huge integer": GOOD[:-1] + b',"x":' + b"9" * 6_000 + b"}",
    "a huge exponent": GOOD[:-1] + b',"x":1e999}',
    "half of a surrogate pair": GOOD[:-1] + b',"x":"\\ud800"}',
    "half of a surrogate pair in a part": GOOD.replace(b"JOBS", b"\\udc00"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "invalid UTF-8": GOOD.replace(b"JOBS", b"JOBS\xff"),
    "NUL in a part": GOOD.replace(b"JOBS", b"J\\u0000BS"),
    "a text for the list": b'{"integrations":"urn:li:organization:1"}',
    "an object for the list": b'{"integrations":{"0":{}}}',
    "a number for a part": GOOD.replace(b'"JOBS"', b"7"),
    "null for a part": GOOD.replace(b'"JOBS"', b"null"),
    "a list around it": b"[" + GOOD + b"]",
    "an empty list": b'{"integrations":[]}',
    "a bare text": b'"integrations"',
    "nothing": b"",
    "two documents": GOOD + GOOD,
}


@pytest.mark.parametrize("body", PATHOLOGIES.values(), ids=PATHOLOGIES.keys())
def test_attack_09_json_that_breaks_readers(portal_street: Street, body: bytes) -> None:
    """Each is an answer to the sender, never an error of ours, and nothing is stored."""
    with portal_street.visitor("acme") as acme:
        assert acme.post(body).status_code == (413 if len(body) > MAX_BODY else 422)
        assert portal_street.portal.rows(RequestEvidence) == []
        assert acme.post(GOOD).status_code == 202, "and the next one is served"


def test_attack_09_a_million_items(portal_street: Street) -> None:
    """Far over the limit on bytes, so not one of them is parsed."""
    body = b'{"integrations":[' + b"1," * 1_000_000 + b"1]}"
    with portal_street.visitor("acme") as acme, flat_memory():
        said = portal_street.raw(acme, f"Content-Length: {len(body)}\r\n", body)
    assert status_of(said) in (0, 413)
    assert portal_street.portal.rows(RequestEvidence) == []
