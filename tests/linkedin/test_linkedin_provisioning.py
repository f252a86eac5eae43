"""The Provisioning API: what is sent, to the letter, and what every answer that succeeds is taken for."""

import json
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from pydantic import SecretStr

from greenlight.domain.reasons import Reason
from greenlight.linkedin.errors import Unclear
from greenlight.linkedin.oauth import Credentials
from greenlight.linkedin.provisioning import Created, Found
from tests.linkedin.parent_stage import (
    APPLICATIONS,
    CHILD_SECRET,
    CREATED,
    ELEMENT,
    PARENT_SECRET,
    ROTATED,
    ROTATION,
    URN,
    WANTED,
    ParentStage,
)
from tests.linkedin.stage import TOKEN, bearer_of


async def test_a_create_as_linkedin_documents_it() -> None:
    stage = ParentStage()
    stage.answers(CREATED, 201)
    assert await stage.provisioner.create(WANTED) == Created(URN, Credentials("77abc", SecretStr(CHILD_SECRET)))
    request = stage.request()
    assert (request.method, str(request.url)) == ("POST", APPLICATIONS)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert bearer_of(request) == f"{TOKEN}1"
    assert not [name for name in request.headers if name.startswith("x-restli")]
    assert json.loads(request.content) == {
        "uniqueForeignId": "acme",
        "name": "ATS - Acme",
        "description": "What it is for",
        "validJsSdkDomains": ["https://jobs.example.com", "http://b.example:81"],
    }
    assert stage.sent() == (1, 1)


async def test_the_token_is_the_parents_and_its_secret_goes_nowhere_else() -> None:
    """A child's token may not provision, and the API has no use for a secret."""
    stage = ParentStage()
    stage.answers(CREATED)
    await stage.do("create")
    form = parse_qsl(stage.token.calls.last.request.content.decode(), strict_parsing=True)
    assert form == [
        ("grant_type", "client_credentials"),
        ("client_id", "parent-app"),
        ("client_secret", PARENT_SECRET),
    ]
    request = stage.request()
    assert PARENT_SECRET not in f"{request.url} {request.headers.raw} {request.content!r}"


@pytest.mark.parametrize("status", [200, 201, 202, 299])
@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("a", id="one character"),
        pytest.param("WPL_AP1./=+&%2F", id="slash, equals, plus, as LinkedIn warns"),
        pytest.param("x" * 256, id="the longest that LinkedIn documents"),
        pytest.param("x" * 512, id="twice that"),
    ],
)
async def test_a_created_application_with_any_secret(status: int, secret: str) -> None:
    """Which 2xx it is, is not documented; neither is what else the answer holds."""
    stage = ParentStage()
    stage.answers({**CREATED, "credentials": {"client_id": "a.B-c_9", "client_secret": secret}, "more": [1]}, status)
    created = await stage.provisioner.create(WANTED)
    assert created == Created(URN, Credentials("a.B-c_9", SecretStr(secret)))
    assert secret == "a" or secret not in f"{created!r} {created}"


def with_credentials(**values: object) -> dict[str, Any]:
    return {**CREATED, "credentials": {**CREATED["credentials"], **values}}


BAD_CREATED = [
    pytest.param(b"", id="no body"),
    pytest.param(b"<html>", id="a page"),
    pytest.param(b"[]", id="an array"),
    pytest.param(b'{"key":"a","key":"b"}', id="a member twice"),
    pytest.param(b"\xff\xfe", id="no text"),
    pytest.param(b"x" * 1_000_001, id="more than anybody's application"),
    pytest.param({}, id="nothing"),
    pytest.param({"key": URN}, id="no credentials"),
    pytest.param({"key": URN, "credentials": "77abc"}, id="credentials of another type"),
    pytest.param({"credentials": CREATED["credentials"]}, id="no key"),
    pytest.param(with_credentials(client_id=None), id="no client id"),
    pytest.param(with_credentials(client_id=77), id="a number for a client id"),
    pytest.param(with_credentials(client_id="a\nb"), id="a client id of two lines"),
    pytest.param(with_credentials(client_id="</script>"), id="a client id that ends a script"),
    pytest.param(with_credentials(client_id="x" * 129), id="a client id that no table takes"),
    pytest.param(with_credentials(client_secret=None), id="no secret"),
    pytest.param(with_credentials(client_secret=""), id="an empty secret"),
    pytest.param(with_credentials(client_secret=[CHILD_SECRET]), id="a secret of another type"),
    pytest.param(with_credentials(client_secret="x" * 513), id="a secret without measure"),
    pytest.param(with_credentials(client_secret="a\ud800"), id="a secret that no form can carry"),
]
BAD_URNS = [
    pytest.param(None, id="null"),
    pytest.param(234, id="a number"),
    pytest.param("", id="empty"),
    pytest.param("234", id="the id alone"),
    pytest.param("urn:li:developerApplication:", id="no id"),
    pytest.param("urn:li:organization:234", id="something else"),
    pytest.param(f"{URN}/../x", id="a way out of the path"),
    pytest.param(f"{URN}?a=1", id="a query"),
    pytest.param(f"{URN}#", id="a fragment"),
    pytest.param(f"{URN}%2F", id="an escape"),
    pytest.param(f"{URN}\n", id="a line break"),
    pytest.param(f" {URN}", id="a blank"),
    pytest.param("URN:li:developerApplication:234", id="other letters"),
    pytest.param(f"urn:li:developerApplication:{'1' * 65}", id="longer than any"),
]


#: Whether it is the API's, damaged, or somebody else's: nothing is known of the effect.
NOT_TO_BE_USED = (Reason.UNREADABLE_ANSWER, Reason.NOT_THE_API)


async def unreadable(stage: ParentStage, call: str, reasons: Collection[Reason] = (Reason.UNREADABLE_ANSWER,)) -> None:
    error = await stage.error(call)
    assert type(error) is Unclear
    assert error.reason in reasons
    assert error.worth_repeating
    assert stage.sent() == (1, 1), "what may have had an effect is not sent again"


@pytest.mark.parametrize("body", BAD_CREATED)
async def test_a_create_whose_answer_cannot_be_used_is_unclear(body: object) -> None:
    """The application may be there all the same, so nothing but a look can tell."""
    stage = ParentStage()
    stage.answers(body)
    await unreadable(stage, "create", NOT_TO_BE_USED)


@pytest.mark.parametrize("urn", BAD_URNS)
async def test_a_urn_that_would_not_stay_in_its_place_is_not_taken(urn: object) -> None:
    """It becomes part of an address as it is."""
    stage = ParentStage()
    stage.answers({**CREATED, "key": urn})
    await unreadable(stage, "create")
    stage = ParentStage()
    stage.answers({"elements": [{**ELEMENT, "key": urn}]})
    await unreadable(stage, "find")


@pytest.mark.parametrize(
    "foreign_id",
    ["acme", "07d5284a-d0a1-45a3-93c0-ac69c9c78", "a&q=all", "a b+c", "a/b?c#d", "100%", "%2F", "Müller", "=&", "a;b"],
)
async def test_the_finder_is_asked_for_one_id_whatever_it_is(foreign_id: str) -> None:
    """Unescaped, an id could ask for something else."""
    stage = ParentStage()
    stage.answers({"elements": []})
    assert await stage.provisioner.find(foreign_id) is None
    request = stage.request()
    assert (request.method, request.content) == ("GET", b"")
    assert "content-type" not in request.headers
    query = f"q=credentialsByUniqueForeignId&uniqueForeignId={quote(foreign_id, safe='')}"
    assert str(request.url) == f"{APPLICATIONS}?{query}"
    assert request.url.params.multi_items()[1:] == [("uniqueForeignId", foreign_id)]
    assert bearer_of(request) == f"{TOKEN}1"
    assert stage.sent() == (1, 1)


FOUND = Found(URN, "77abc", "ATS - Acme", ("http://a.example", "https://b.example"), None)


@pytest.mark.parametrize(
    ("element", "found"),
    [
        pytest.param(ELEMENT, FOUND, id="as LinkedIn's own client tests it: without a secret"),
        pytest.param(
            {**ELEMENT, "credentials": {"client_id": "77abc", "client_secret": CHILD_SECRET}},
            Found(URN, "77abc", "ATS - Acme", FOUND.js_sdk_domains, SecretStr(CHILD_SECRET)),
            id="with its secret",
        ),
        pytest.param(
            {k: v for k, v in ELEMENT.items() if k not in ("name", "validJsSdkDomains")},
            Found(URN, "77abc", None, (), None),
            id="without what was never set",
        ),
        pytest.param(
            {
                **ELEMENT,
                "name": None,
                "validJsSdkDomains": None,
                "credentials": {"client_id": "a", "client_secret": ""},
            },
            Found(URN, "a", None, (), None),
            id="with nulls and an empty secret",
        ),
        pytest.param({**ELEMENT, "name": 7}, Found(URN, "77abc", None, FOUND.js_sdk_domains, None), id="an odd name"),
    ],
)
async def test_an_application_that_is_there(element: dict[str, Any], found: Found) -> None:
    stage = ParentStage()
    stage.answers({"elements": [element], "paging": {"start": 0, "count": 10, "links": []}})
    shown = await stage.provisioner.find("acme")
    assert shown == found
    assert CHILD_SECRET not in f"{shown!r} {shown}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="no elements"),
        pytest.param({"elements": None}, id="null for elements"),
        pytest.param({"elements": {}}, id="elements of another type"),
        pytest.param({"elements": ["acme"]}, id="an element of another type"),
        pytest.param({"elements": [{**ELEMENT, "uniqueForeignId": "bolt"}]}, id="another customer's"),
        pytest.param({"elements": [{**ELEMENT, "uniqueForeignId": "ACME"}]}, id="in other letters"),
        pytest.param({"elements": [{k: v for k, v in ELEMENT.items() if k != "uniqueForeignId"}]}, id="nobody's"),
        pytest.param({"elements": [ELEMENT, ELEMENT]}, id="two of them"),
        pytest.param({"elements": [ELEMENT, {**ELEMENT, "uniqueForeignId": "bolt"}]}, id="ours and another's"),
        pytest.param({"elements": [{**ELEMENT, "credentials": {}}]}, id="no client id"),
        pytest.param({"elements": [{**ELEMENT, "credentials": None}]}, id="no credentials"),
        pytest.param({"elements": [{**ELEMENT, "credentials": {"client_id": "a\n"}}]}, id="a bad client id"),
        pytest.param({"elements": [{**ELEMENT, "validJsSdkDomains": "https://a.example"}]}, id="domains as one text"),
        pytest.param({"elements": [{**ELEMENT, "validJsSdkDomains": [1]}]}, id="a domain that is a number"),
        pytest.param(b"<html>", id="a page"),
    ],
)
async def test_a_finder_that_says_something_else_is_not_believed(body: object) -> None:
    """Another's application would be given to this customer, and none at all would make a second one."""
    stage = ParentStage()
    stage.answers(body)
    await unreadable(stage, "find", NOT_TO_BE_USED)


@pytest.mark.parametrize("call", ["create", "find", "rotate", "set"])
@pytest.mark.parametrize("status", [200, 201, 202, 203])
@pytest.mark.parametrize("body", [b"<html><title>Sign in</title>", b'{"message": "blocked"}', b"blocked"])
async def test_somebody_elses_success_is_none(call: str, status: int, body: bytes) -> None:
    """Least of all for a change that answers with nothing: a page with 200 would pass for it."""
    stage = ParentStage()
    stage.answers(body, status)
    await unreadable(stage, call, (Reason.NOT_THE_API,))


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b""), (200, b"{}"), (202, b"")])
async def test_domains_are_replaced_as_a_whole(status: int, body: bytes) -> None:
    """The urn stands in the path as it is; a partial update answers nothing, so no body is asked for."""
    stage = ParentStage()
    stage.answers(body, status)
    await stage.provisioner.set_js_sdk_domains(URN, ("https://a.example", "https://b.example"))
    request = stage.request()
    assert (request.method, str(request.url)) == ("POST", f"{APPLICATIONS}/{URN}")
    assert request.url.raw_path.decode() == f"/v2/provisionedApplications/{URN}"
    assert request.headers["content-type"] == "application/json"
    assert bearer_of(request) == f"{TOKEN}1"
    patch = {"patch": {"$set": {"validJsSdkDomains": ["https://a.example", "https://b.example"]}}}
    assert json.loads(request.content) == patch
    assert stage.sent() == (1, 1)


async def test_a_rotation_as_linkedin_documents_it() -> None:
    stage = ParentStage()
    stage.answers(ROTATED)
    secret = await stage.provisioner.rotate(URN)
    assert secret.get_secret_value() == CHILD_SECRET
    request = stage.request()
    assert (request.method, str(request.url)) == ("POST", ROTATION)
    assert request.headers["x-restli-method"] == "action"
    assert request.headers["x-restli-protocol-version"] == "2.0.0"
    assert request.headers["content-type"] == "application/json"
    assert bearer_of(request) == f"{TOKEN}1"
    assert json.loads(request.content) == {"childDeveloperApplication": URN}
    assert stage.sent() == (1, 1)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"value": None},
        {"value": CHILD_SECRET},
        {"value": {}},
        {"value": {"client_secret": ""}},
        ROTATED["value"],
        b"",
    ],
)
async def test_a_rotation_whose_answer_has_no_secret_is_unclear(body: object) -> None:
    stage = ParentStage()
    stage.answers(body)
    await unreadable(stage, "rotate", NOT_TO_BE_USED)
