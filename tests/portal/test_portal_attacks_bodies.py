"""Attacks by what is posted: size, JSON that is none, keys that are none, characters databases refuse (8 to 12)."""

import gzip
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenlight.ats.tables import Integration, RequestEvidence
from greenlight.domain.nesting import MAX_NESTING
from greenlight.domain.reasons import Outcome, Reason
from portal.bodies import MAX_BODY
from tests.portal.world import Portal, add_customer, named

GOOD = '{"integrationContext":"urn:li:organization:1","integrationType":"APPLY_CONNECT","tenantType":"JOBS"}'


def around(entry: str, more: str = "") -> bytes:
    return f'{{"integrations":[{entry}]{more}}}'.encode("utf-8", "surrogatepass")


async def chunked(total: int, sent: list[int]) -> AsyncIterator[bytes]:
    for _ in range(total):
        sent.append(1)
        yield b" " * 1024


async def test_attack_08_one_byte_over_the_limit(portal: Portal) -> None:
    body = around(GOOD)
    async with portal.visit("acme") as browser:
        over = await browser.send(body + b" " * (MAX_BODY - len(body) + 1))
        assert (over.status_code, over.json()) == (413, {"error": f"The body is larger than {MAX_BODY} bytes."})
        assert portal.rows(RequestEvidence) == []
        assert (await browser.send(body + b" " * (MAX_BODY - len(body)))).status_code == 202


async def test_attack_08_chunks_without_an_end_are_not_read_to_it(portal: Portal) -> None:
    sent: list[int] = []
    async with portal.visit("acme") as browser:
        answer = await browser.send(chunked(10_000, sent))
    assert answer.status_code == 413
    assert len(sent) <= MAX_BODY // 1024 + 2
    assert portal.rows(RequestEvidence) == []


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "identity, gzip", "x"])
async def test_attack_08_a_compressed_body_is_not_unpacked(portal: Portal, encoding: str) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    assert len(bomb) < MAX_BODY
    async with portal.visit("acme") as browser:
        assert (await browser.send(bomb, {"Content-Encoding": encoding})).status_code == 415
        assert (await browser.send(around(GOOD), {"Content-Encoding": "identity"})).status_code == 202


@pytest.mark.parametrize("length", ["-1", "1_0", "٣", "+5", "0x10", "1" * 30, "1e9", " "])
async def test_attack_08_a_length_that_is_no_number(portal: Portal, length: str) -> None:
    async with portal.visit("acme") as browser:
        pairs = [(name.encode(), value.encode()) for name, value in browser.headers().items()]
        pairs.append((b"Content-Length", length.encode()))
        answer = await browser.client.post("/requests", content=around(GOOD), headers=pairs)
    assert answer.status_code in (400, 413)
    assert portal.rows(RequestEvidence) == []


PATHOLOGIES: dict[str, bytes] = {
    "empty": b"",
    "blank": b"   ",
    "half": b'{"integrations":[',
    "not json": b"integrations=1",
    "two values": around(GOOD) + b"{}",
    "deep lists": b"[" * 8_000,
    "deep lists, closed": b'{"integrations":' + b"[" * 8_000 + b"]" * 8_000 + b"}",
    "deep objects": b'{"a":' * 2_500 + b"1" + b"}" * 2_500,
    "deep in an ignored field": around(GOOD, ',"x":' + "[" * 7_000 + "]" * 7_000),
    "just too deep in an ignored field": around(GOOD, ',"x":' + "[" * MAX_NESTING + "]" * MAX_NESTING),
    "NaN": around(GOOD, ',"x":NaN'),
    "Infinity": around(GOOD, ',"x":-Infinity'),
    "float out of range": around(GOOD, ',"x":1e999'),
    "huge int": around(GOOD, ',"x":' + "9" * 10_000),
    "int of 30 digits": around(GOOD, ',"x":' + "9" * 30),
    "name twice": around(GOOD, f',"integrations":[{GOOD}]'),
    "name twice in an entry": around(GOOD[:-1] + ',"tenantType":"OTHER"}'),
    "name twice by escape": around(GOOD[:-1] + ',"tenant\\u0054ype":"OTHER"}'),
    "name twice in an ignored field": around(GOOD, ',"x":{"a":1,"a":2}'),
    "lone surrogate": around(GOOD.replace("JOBS", "\\ud800")),
    "lone surrogate in a name": around(GOOD, ',"\\udfff":1'),
    "lone surrogate, ignored": around(GOOD, ',"x":"\\ud800"'),
    "surrogate in utf-8": around(GOOD, ',"x":"\ud800"'),
    "byte order mark": b"\xef\xbb\xbf" + around(GOOD),
    "utf-16": around(GOOD).decode().encode("utf-16"),
    "utf-32": around(GOOD).decode().encode("utf-32"),
    "latin-1": around(GOOD, ',"x":"').replace(b'"x":"', b'"x":"\xe9"'),
    "overlong utf-8": around(GOOD, ',"x":"').replace(b'"x":"', b'"x":"\xc0\xaf"'),
    "NUL": around(GOOD) + b"\0",
    "comment": b"/* */" + around(GOOD),
    "single quotes": around(GOOD).replace(b'"', b"'"),
    "a list": f"[{GOOD}]".encode(),
    "null": b"null",
    "a string": b'"integrations"',
    "a string for the list": b'{"integrations":"APPLY_CONNECT"}',
    "an object for the list": b'{"integrations":' + GOOD.encode() + b"}",
    "null for the list": b'{"integrations":null}',
    "no entries": b'{"integrations":[]}',
    "51 entries": around(",".join([GOOD] * 51)),
    "many entries": b'{"integrations":[' + b"1," * 8_000 + b"1]}",
    "a list for an entry": around(f"[{GOOD}]"),
    "null for an entry": around("null"),
    "a number for a part": around(GOOD.replace('"JOBS"', "1")),
    "a list for a part": around(GOOD.replace('"JOBS"', '["JOBS"]')),
    "null for a part": around(GOOD.replace('"JOBS"', "null")),
    "true for a part": around(GOOD.replace('"JOBS"', "true")),
    "part missing": around(GOOD.replace("tenantType", "tenanttype")),
    "other spelling": around(GOOD.replace("integrationContext", "integration_context")),
    "bad ones alone": around(f"{GOOD.replace('JOBS', 'jobs')},null"),
}


@pytest.mark.parametrize("body", PATHOLOGIES.values(), ids=PATHOLOGIES.keys())
async def test_attack_09_json_pathologies(portal: Portal, body: bytes) -> None:
    async with portal.visit("acme") as browser:
        before = portal.everything()
        answer = await browser.send(body)
    assert answer.status_code == 422
    sentence = answer.json()["error"]
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 300
    assert portal.everything() == before
    assert portal.rings == []


async def test_attack_09_what_linkedin_adds_is_ignored(portal: Portal) -> None:
    added = {**named(), "dataProvider": "ATS", "new": {"deep": [1, 2.5, None, "é😀"]}, "integration_type": "OTHER"}
    async with portal.visit("acme") as browser:
        assert (await browser.post(added, version=2)).status_code == 202
        assert (await browser.send(around(GOOD, ',"x":"\\ud83d\\ude00"'))).status_code == 202
        assert (await browser.send(around(GOOD, ',"x":' + "[" * 99 + "]" * 99))).status_code == 202
        assert (await browser.send(around(GOOD, ',"x":"' + "[" * 200 + '"'))).status_code == 202
    assert [row["integration_type"] for row in portal.rows(Integration, "acme")].count("OTHER") == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*named(), "integrations", "x"]), inner)
    ),
    max_leaves=12,
)


@given(value=json_values, seed=st.integers(0, 2**32))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_attack_09_no_body_is_an_error_of_ours(portal: Portal, value: Any, seed: int) -> None:
    portal.clock.advance(3600)
    body = bytearray(json.dumps({"integrations": [value, named()]} if seed % 2 else value).encode())
    if body and seed % 3 == 0:
        body[random.Random(seed).randrange(len(body))] = seed % 256
    async with portal.visit("acme") as browser:
        answer = await browser.send(bytes(body))
    assert answer.status_code in (202, 413, 422)
    assert (answer.status_code == 202) == (portal.rings[-1:] == [portal.clock()])


CONTEXTS = [
    "",
    "4gX03uw",
    "urn:li:organization:",
    "urn:li:organization:1%2C2",
    "urn:li:company:1",
    "urn:li:person:1",
    "urn:li:organization:1\n",
    "\nurn:li:organization:1",
    " urn:li:organization:1",
    "urn:li:organization:(1,2)",
    "urn:li:organization:1,2",
    "urn:li:organization:1&ids[1].tenantType=X",
    "urn:li:organization:1=2",
    "urn:li:organization:１２",
    "urn:li:organization:1\x00",
    "urn:li:organization:1:2",
    "URN:LI:ORGANIZATION:1",
    "urn:li:organization:1/../2",
    "urn:li:organization:😀",
    "urn:li:organization:\u202e1",
    "urn:li:organization:" + "1" * 10_000,
]


@pytest.mark.parametrize("context", CONTEXTS)
async def test_attack_10_contexts_that_are_none(portal: Portal, context: str) -> None:
    async with portal.visit("acme") as browser:
        before = portal.everything()
        answer = await browser.post(named(context))
    assert answer.status_code == 422
    assert len(answer.json()["error"]) < 300
    assert answer.json()["error"].isprintable()
    assert portal.everything() == before
    assert portal.rings == []


@pytest.mark.parametrize(
    "value", ["", "apply", "APPLY CONNECT", "A" * 65, "ÄPPLY", "A\n", "A\x00", "1A", "A-B", "A;--", "Ａ"]
)
@pytest.mark.parametrize("part", ["integrationType", "tenantType"])
async def test_attack_11_types_that_are_none(portal: Portal, part: str, value: str) -> None:
    async with portal.visit("acme") as browser:
        before = portal.everything()
        answer = await browser.post({**named(), part: value})
    assert answer.status_code == 422
    assert portal.everything() == before


async def test_attack_11_a_type_unknown_to_us_is_stored_and_shown(portal: Portal) -> None:
    async with portal.visit("acme") as browser:
        assert (await browser.post(named(type="BRAND_NEW_THING", tenant="QUANTUM"))).status_code == 202
        state = (await browser.client.get("/integrations.json")).json()
        assert "Brand new thing" in (await browser.client.get("/")).text
    (row,) = (r for r in portal.rows(Integration, "acme") if r["integration_type"] == "BRAND_NEW_THING")
    assert (row["tenant_type"], row["outcome"], row["reason"]) == (
        "QUANTUM",
        Outcome.NOT_LOOKED_AT,
        Reason.NOT_LOOKED_AT,
    )
    assert {entry["state"] for entry in state["integrations"] if entry["type"] == "BRAND_NEW_THING"} == {"requested"}


@pytest.mark.parametrize(
    "name", ["x'); DROP TABLE visit;--", "Ünïcödé 😀🏳️‍🌈", "e\u0301\u0323" * 60, "%_\\", "名" * 200]
)
async def test_attack_12_names_are_stored_and_shown_faithfully(portal: Portal, name: str) -> None:
    add_customer(portal.database, "odd", name=name, client_id="oddclient")
    async with portal.visit("odd") as browser:
        assert (await browser.post(named(type="A" * 64))).status_code == 202
        assert (await browser.client.get("/integrations.json")).json()["customer"] == name
    (row,) = portal.rows(Integration, "odd")
    assert len(row["integration_name"]) <= 200
    assert row["integration_name"].startswith(name[:20])
