"""The portal's callback on any body: 202 or a 4xx with a sentence, and rows only for what was taken.

GREENLIGHT_FUZZ multiplies the number of examples (`tests/fuzz/effort.py`).
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.ats.callbacks import MOST_INTEGRATIONS
from greenlight.ats.tables import Integration
from greenlight.domain.keys import IntegrationKey, InvalidKey
from tests.fuzz.effort import effort
from tests.portal.conftest import clock as clock
from tests.portal.conftest import portal as portal
from tests.portal.conftest import settings as settings
from tests.portal.world import Portal

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"])

texts = st.one_of(
    st.sampled_from(["urn:li:organization:4gX03uw", "urn:li:contract:1", "urn:li:company:1", "APPLY_CONNECT", "JOBS"]),
    st.sampled_from(["", "\0", "A" * 65, "a b", "é", "\ud800", "urn:li:organization:1,2", "<b>", "DROP_TABLE"]),
    st.text(max_size=12),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
parts = ("integrationContext", "integrationType", "tenantType", "dataProvider", "customer_id")
entries = st.fixed_dictionaries({}, optional=dict.fromkeys(parts, scalars))
likely = st.fixed_dictionaries(
    {
        "integrationContext": st.sampled_from(["urn:li:organization:4gX03uw", "urn:li:contract:1"]),
        "integrationType": st.sampled_from(["APPLY_CONNECT", "CSA_API"]),
        "tenantType": st.sampled_from(["JOBS", "RECRUITER"]),
    }
)
jsons = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(parts) | texts, inner, max_size=4),
    max_leaves=20,
)
bodies = st.one_of(
    jsons,
    st.fixed_dictionaries({"integrations": jsons}, optional={"customer_id": scalars}),
    st.fixed_dictionaries({"integrations": st.lists(entries | likely, max_size=4)}),
)


async def check(portal: Portal, content: bytes) -> None:
    # A new minute, so that it is the body alone that decides.
    portal.clock.advance(61)
    before = portal.everything()
    async with portal.visit("acme") as browser:
        answer = await browser.send(content)
    after = portal.rows(Integration)
    if answer.status_code == 202:
        assert usable(json.loads(content))
        assert answer.json()["accepted"] >= 1
        assert portal.rows(Integration, "bolt") == [r for r in before["Integration"] if r["customer_id"] == "bolt"]
        for row in after:
            IntegrationKey(row["integration_context"], row["integration_type"], row["tenant_type"])
            assert row["observed"] == "UNKNOWN", "a browser's word enables nothing"
        return
    assert answer.status_code in (409, 413, 422), answer.text
    assert after == before["Integration"]
    sentence = answer.json()["error"]
    assert sentence.isprintable()
    assert len(sentence) < 400


def usable(body: Any) -> bool:
    """Whether a body names a key, among no more entries than there may be."""
    entries = body.get("integrations") if isinstance(body, dict) else None
    if not isinstance(entries, list) or len(entries) > MOST_INTEGRATIONS:
        return False
    return any(names_a_key(entry) for entry in entries)


def names_a_key(entry: Any) -> bool:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(part), str) for part in parts[:3]):
        return False
    try:
        IntegrationKey(*(entry[part] for part in parts[:3]))
    except InvalidKey:
        return False
    return True


@effort(150)
@given(bodies, st.booleans())
async def test_any_json(portal: Portal, body: Any, ascii_only: bool) -> None:
    """Whatever JSON can say, and what Python's writer adds to it: NaN, Infinity, halves of surrogate pairs."""
    await check(portal, json.dumps(body, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


@effort(100)
@given(st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(b'{}[]":,\\ue0nIN-\x00\xff')).map(bytes)))
async def test_any_bytes(portal: Portal, content: bytes) -> None:
    await check(portal, content)


whole = texts.filter(lambda text: "\ud800" not in text)


@effort(60)
@given(st.lists(likely, min_size=1, max_size=4), st.dictionaries(whole, st.integers(0, 9) | whole, max_size=3))
async def test_a_good_body_is_taken_whatever_stands_beside_it(
    portal: Portal, entries: list[dict[str, str]], more: dict[str, Any]
) -> None:
    """Else the properties above would hold for a portal that refuses everything."""
    body = {**more, "integrations": entries}
    assert usable(body)
    portal.clock.advance(61)
    async with portal.visit("acme") as browser:
        answer = await browser.send(json.dumps(body))
    assert answer.status_code == 202
    assert answer.json()["accepted"] == len({tuple(sorted(entry.items())) for entry in entries})


@effort(40)
@given(st.lists(st.one_of(likely, entries, scalars), min_size=MOST_INTEGRATIONS + 1, max_size=90), st.booleans())
async def test_more_entries_than_there_may_be_are_refused_whatever_they_are(
    portal: Portal, entries: list[Any], alike: bool
) -> None:
    """The schema counts entries, and so does whoever believes it; alike or unreadable ones count as well."""
    body = {"integrations": [entries[0]] * len(entries) if alike else entries}
    portal.clock.advance(61)
    before = portal.everything("acme")["Integration"]
    async with portal.visit("acme") as browser:
        answer = await browser.send(json.dumps(body).encode("utf-8", "surrogatepass"))
    assert answer.status_code in (413, 422), answer.text
    assert portal.everything("acme")["Integration"] == before
