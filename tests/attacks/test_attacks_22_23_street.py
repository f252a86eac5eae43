"""Attacks 22 and 23 over real connections: foreign hosts, proxies that are none, guesses and floods."""

import secrets

import pytest

from greenlight.ats.tables import PortalSession, RequestEvidence
from tests.attacks.street import Street
from tests.portal.world import named

BODY = {"integrations": [named()]}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:80@127.0.0.1", ""])
def test_attack_22_another_host_is_answered_with_nothing(portal_street: Street, host: str) -> None:
    """A link or a redirect that is built from the Host header leads to whoever sent it; ours are from the settings."""
    with portal_street.visitor("acme") as acme:
        for path in ("/", portal_street.portal.link("acme"), "/integrations.json", "/nothing"):
            answer = acme.client.get(path, headers={"Host": host})
            assert (answer.status_code, answer.text) == (404, "Not found."), path
            assert "evil" not in str(answer.headers)
        assert acme.post(BODY, {"Host": host}).status_code == 404
    assert len(portal_street.portal.rows(PortalSession)) == 1
    assert portal_street.portal.rows(RequestEvidence) == []


def test_attack_22_what_an_untrusted_peer_forwards_is_not_believed(portal_street: Street) -> None:
    """Nothing of X-Forwarded-* changes where a redirect goes, what the cookie says, or whose guesses are counted."""
    forged = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Server": "evil.example",
        "X-Original-URL": "/healthz",
        "X-Rewrite-URL": "/healthz",
        "Forwarded": "host=evil.example;proto=https",
    }
    with portal_street.stranger(**forged) as stranger:
        opened = portal_street.spend(stranger, portal_street.portal.link("acme"))
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        page = stranger.get("/")
        assert page.status_code == 200
        assert "evil" not in page.text + str(page.headers)
    answers = []
    for number in range(70):
        with portal_street.stranger(**{"X-Forwarded-For": f"198.51.100.{number}"}) as guesser:
            answers.append(guesser.get("/open/x").status_code)
    assert answers[-1] == 429, "seventy addresses of its own invention are still one guesser"


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "/open/..%2f..%2f", "/%2f%2fevil.example/.."])
def test_attack_22_no_path_is_a_redirect_elsewhere(portal_street: Street, path: str) -> None:
    """The only redirect there is goes to the page, and only after a link that works."""
    with portal_street.stranger() as stranger:
        answer = stranger.get(path)
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_attack_23_guesses_are_answered_alike_and_then_not_at_all(portal_street: Street) -> None:
    """Ids are 256 random bits, every wrong one gets the same 404, and after a minute's worth there are no more."""
    with portal_street.stranger() as stranger:
        links = [stranger.get(f"/open/{secrets.token_urlsafe(40)}") for _ in range(25)]
        sessions = [stranger.get("/", headers={"Cookie": f"greenlight={secrets.token_urlsafe(32)}"}) for _ in range(25)]
        assert {(a.status_code, a.text) for a in [*links, *sessions]} == {(404, links[0].text)}
        rest = [stranger.get("/open/x") for _ in range(15)]
    assert rest[-1].status_code == 429
    assert 1 <= int(rest[-1].headers["retry-after"]) <= 60
    assert portal_street.portal.rows(PortalSession) == []


def test_attack_23_a_flood_does_not_shut_out_who_is_in(portal_street: Street) -> None:
    """The guesser's address is spent; a session from the same office goes on."""
    with portal_street.visitor("acme") as acme, portal_street.stranger() as stranger:
        while stranger.get("/open/x").status_code != 429:
            pass
        assert acme.client.get("/").status_code == 200
        assert acme.post(BODY).status_code == 202


def test_attack_23_a_flood_of_posts_is_bounded_per_session(portal_street: Street) -> None:
    """Each post costs a transaction; one browser gets sixty a minute, and another customer has its own."""
    with portal_street.visitor("acme") as acme, portal_street.visitor("bolt") as bolt:
        statuses = [acme.post(BODY).status_code for _ in range(62)]
        assert statuses == [202] * 60 + [429] * 2
        assert bolt.post(BODY).status_code == 202


def test_attack_23_session_ids_and_links_do_not_repeat(portal_street: Street) -> None:
    """Long, random, and never stored: the database has digests alone."""
    seen = set()
    for _ in range(20):
        with portal_street.visitor("acme") as acme:
            assert len(acme.cookie) >= 43
            seen.add(acme.cookie)
    assert len(seen) == 20
    assert not any(cookie in repr(portal_street.portal.everything()) for cookie in seen)
