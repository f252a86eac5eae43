"""Provisioning: create, find, update (docs/linkedin.md#provisioning)."""

import re
from typing import Any

import pytest

from tests.sandbox.parent import APPLICATIONS, BODY, DOMAIN, Provisioner, complaint, provisioner

CREATE_REFUSED = "Not enough permissions to access: POST /provisionedApplications"


@pytest.mark.parametrize("path", [APPLICATIONS, APPLICATIONS + "/"])
async def test_a_new_application_gets_credentials_and_a_urn(path: str) -> None:
    parent = await provisioner()
    answer = await parent.create(path=path, validJsSdkDomains=[DOMAIN], oauth2AuthorizedCallbackUrls=["https://x/y/"])
    body = answer.json()
    assert (answer.status_code, body.keys(), body["credentials"].keys()) == (
        201,
        {"credentials", "key"},
        {"client_id", "client_secret"},
    )
    client_id, secret = body["credentials"]["client_id"], body["credentials"]["client_secret"]
    assert re.fullmatch("[A-Za-z0-9]{14}", client_id)
    assert 24 <= len(secret) <= 60
    assert set("/=+") < set(secret)
    shown = parent.state()
    assert shown is not None
    assert (shown["client_id"], shown["urn"], shown["name"]) == (client_id, body["key"], "Our ATS - Globex")
    assert (shown["js_sdk_domains"], shown["integrations"], parent.rules) == ([DOMAIN], [], [])
    assert parent.sandbox.clients[client_id].callback_urls == ["https://x/y/"]
    assert (await parent.ask_token(secret, client_id)).status_code == 200


async def test_the_same_seed_makes_the_same_application_and_another_seed_another() -> None:
    made = [(await (await provisioner(seed=seed)).create()).json() for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


async def test_each_application_is_a_new_one() -> None:
    parent = await provisioner()
    made = [(await parent.create(uniqueForeignId=str(number))).json() for number in range(20)]
    assert len({one["key"] for one in made}) == len({one["credentials"]["client_secret"] for one in made}) == 20
    assert len(parent.sandbox.clients) == 23


async def test_a_repeated_foreign_id_is_a_conflict_under_the_same_parent_only() -> None:
    parent = await provisioner()
    assert complaint(await parent.create(uniqueForeignId="acme-1"))[0] == 409
    assert [one.client_id for one in parent.sandbox.clients.values()] == ["acme", "initech", "hooli"]
    assert parent.rules == []
    other = await Provisioner(parent.theatre, "stranger").log_in()
    assert (await other.create()).status_code == 201
    assert (await parent.create()).status_code == 201


async def test_creating_again_after_the_answer_had_arrived_is_a_violation() -> None:
    parent = await provisioner()
    first = (await parent.create()).json()
    assert (await parent.create()).status_code == 409
    assert parent.rules == ["created_again"]
    assert parent.sandbox.violations[0].client_id == "parent"
    assert (await parent.find()).json()["elements"][0]["key"] == first["key"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"uniqueForeignId": ""}, "/uniqueForeignId :: must be text that is not empty"),
        ({"uniqueForeignId": 7}, "/uniqueForeignId :: must be text"),
        ({"uniqueForeignId": None}, "/uniqueForeignId :: must be text"),
        ({"name": " "}, "/name :: must be text that is not empty"),
        ({"name": ["x"]}, "/name :: must be text"),
        ({"name": "x" * 51}, "/name :: is longer than 50"),
        ({"name": "\N{GRINNING FACE}" * 26}, "/name :: is longer than 50"),
        ({"name": "Our ATS - LinkedIn"}, "/name :: must not contain LinkedIn"),
        ({"name": "lINKEDiNATS"}, "/name :: must not contain LinkedIn"),
        ({"description": ""}, "/description :: must be text"),
        ({"validJsSdkDomains": DOMAIN}, "/validJsSdkDomains :: must be a list"),
        ({"validJsSdkDomains": [1]}, "/validJsSdkDomains :: must be a list"),
        ({"oauth2AuthorizedCallbackUrls": None}, "/oauth2AuthorizedCallbackUrls :: must be a list"),
        ({"colour": "red"}, "/colour :: is not known"),
    ],
)
async def test_a_body_that_is_refused(change: dict[str, Any], words: str) -> None:
    parent = await provisioner()
    status, _, text = complaint(await parent.create(**change))
    assert (status, words in text) == (400, True), text
    assert (len(parent.sandbox.clients), parent.rules) == (3, [])


@pytest.mark.parametrize("name", list(BODY))
async def test_a_field_that_is_missing(name: str) -> None:
    parent = await provisioner()
    status, _, text = complaint(await parent.create({key: value for key, value in BODY.items() if key != name}))
    assert (status, f"/{name} ::" in text) == (400, True)
    assert len(parent.sandbox.clients) == 3


async def test_fifty_characters_are_allowed() -> None:
    parent = await provisioner()
    assert (await parent.create(name="x" * 50)).status_code == 201


TWICE = b'{"uniqueForeignId": "a", "name": "x", "description": "x", "name": "x"}'


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": NaN}', b"\xff", TWICE])
async def test_a_body_that_is_no_object(content: bytes) -> None:
    parent = await provisioner()
    headers = parent.headers({"content-type": "application/json"})
    answer = await parent.http.post(APPLICATIONS, content=content, headers=headers)
    assert complaint(answer)[0] == 400


async def test_finding_shows_everything_but_the_secret() -> None:
    parent = await provisioner()
    answer = await parent.find("acme-1")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "elements": [
                {
                    "credentials": {"client_id": "acme"},
                    "uniqueForeignId": "acme-1",
                    "name": "Our ATS - Acme",
                    "description": "Acme",
                    "validJsSdkDomains": [DOMAIN],
                    "key": "urn:li:developerApplication:11",
                    "oauth2AuthorizedCallbackUrls": ["https://ats.example/back/"],
                }
            ]
        },
    )
    assert (await parent.find("nobody")).json() == {"elements": []}
    assert parent.rules == []


async def test_a_parent_finds_its_own_children_only() -> None:
    other = await provisioner(client_id="stranger")
    assert [one["key"] for one in (await other.find("acme-1")).json()["elements"]] == ["urn:li:developerApplication:12"]


async def test_finding_may_show_the_secret_if_the_world_says_so() -> None:
    parent = await provisioner(secret_in_finder=True)
    made = (await parent.create()).json()
    assert (await parent.find()).json()["elements"][0]["credentials"] == made["credentials"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?q=credentialsByUniqueForeignId",
        "?uniqueForeignId=acme-1",
        "?q=all&uniqueForeignId=acme-1",
        "?q=credentialsByUniqueForeignId&uniqueForeignId=",
        "?q=credentialsByUniqueForeignId&uniqueForeignId=%FF",
        "?q=credentialsByUniqueForeignId&uniqueForeignId=a&uniqueForeignId=b",
    ],
)
async def test_a_query_that_names_nothing(query: str) -> None:
    parent = await provisioner()
    assert complaint(await parent.http.get(APPLICATIONS + query, headers=parent.headers(None)))[0] == 400


@pytest.mark.parametrize("urn", ["urn:li:developerApplication:11", "urn%3Ali%3AdeveloperApplication%3A11"])
async def test_setting_a_list_replaces_it(urn: str) -> None:
    parent = await provisioner()
    answer = await parent.update(urn, validJsSdkDomains=["https://new.example", "http://localhost:8000"])
    assert (answer.status_code, answer.content) == (204, b"")
    client = parent.sandbox.clients["acme"]
    assert client.js_sdk_domains == ["https://new.example", "http://localhost:8000"]
    assert (client.callback_urls, client.name) == (["https://ats.example/back/"], "Our ATS - Acme")
    await parent.update(urn, name="New", description="Newer", oauth2AuthorizedCallbackUrls=[])
    assert (client.name, client.description, client.callback_urls) == ("New", "Newer", [])
    assert parent.rules == []


@pytest.mark.parametrize(
    ("urn", "values", "expected"),
    [
        ("urn:li:developerApplication:11", {"uniqueForeignId": "x"}, (400, None, "/uniqueForeignId")),
        ("urn:li:developerApplication:11", {"name": ""}, (400, None, "/name")),
        ("urn:li:developerApplication:11", {"name": "LINKEDIN"}, (400, None, "/name")),
        ("urn:li:developerApplication:99", {"name": "x"}, (404, 0, "does not exist")),
        ("11", {"name": "x"}, (404, 0, "does not exist")),
        ("urn:li:developerApplication:12", {"name": "x"}, (403, 100, CREATE_REFUSED)),
        ("urn:li:developerApplication:13", {"name": "x"}, (403, 100, CREATE_REFUSED)),
    ],
)
async def test_an_update_that_is_refused(urn: str, values: dict[str, Any], expected: tuple[int, Any, str]) -> None:
    parent = await provisioner()
    before = parent.sandbox.as_world()
    status, code, text = complaint(await parent.update(urn, **values))
    assert (status, code, expected[2] in text) == (*expected[:2], True)
    assert parent.sandbox.as_world() == before


@pytest.mark.parametrize(
    "body", [{}, {"patch": {}}, {"patch": {"$set": [1]}}, {"patch": {"$set": {}, "$delete": ["name"]}}, {"$set": {}}]
)
async def test_an_update_that_is_no_patch(body: Any) -> None:
    parent = await provisioner()
    answer = await parent.create(body, path=f"{APPLICATIONS}/urn:li:developerApplication:11")
    assert complaint(answer)[0] == 400


BAD_DOMAINS = ["https://ats.example/", "https://ats.example/a", "ats.example", "ftp://ats.example", "https://"]
MORE_BAD_DOMAINS = ["https://ATS.example", "https://a.example:443", "https://u@a.example", "https://a.example:x", ""]


@pytest.mark.parametrize("domain", BAD_DOMAINS + MORE_BAD_DOMAINS)
async def test_a_domain_that_is_no_origin_is_taken_and_written_down(domain: str) -> None:
    parent = await provisioner()
    assert (await parent.create(validJsSdkDomains=[DOMAIN, domain])).status_code == 201
    answer = await parent.update("urn:li:developerApplication:11", validJsSdkDomains=[domain, domain])
    assert answer.status_code == 204
    assert parent.sandbox.clients["acme"].js_sdk_domains == [domain, domain]
    assert parent.rules == ["js_sdk_domain", "js_sdk_domain"]


@pytest.mark.parametrize("domain", [DOMAIN, "http://localhost", "http://127.0.0.1:8000", "https://[::1]:8443"])
async def test_an_origin_is_no_violation(domain: str) -> None:
    parent = await provisioner()
    await parent.create(validJsSdkDomains=[domain])
    assert parent.rules == []
