"""Links and tokens: what is read, and everything that is not (attack 3, the part about links)."""

import base64
import time
import zlib

import pytest
from itsdangerous import URLSafeTimedSerializer

from portal.links import LINK_SECONDS, SKEW_SECONDS, BadLink, ExpiredLink, LinkClaim, Links
from tests.portal.world import Clock

KEYS = ["first key", "second key"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def links(clock: Clock) -> Links:
    return Links(KEYS, clock.seconds)


def is_bad(links: Links, token: str) -> bool:
    try:
        links.read(token)
    except BadLink:
        return True
    return False


@pytest.mark.parametrize("customer_id", ["acme", "a b/c?d#e", "ключ", "😀" * 128, "x" * 128, "'; DROP TABLE visit --"])
def test_a_link_says_for_whom_it_is(links: Links, customer_id: str) -> None:
    token = links.issue(customer_id)
    assert links.read(token).customer_id == customer_id
    assert len(token) <= 1024
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@pytest.mark.parametrize("customer_id", ["", "x" * 129, "a\0b", "\ud800"])
def test_no_link_for_what_no_customer_is_called(links: Links, customer_id: str) -> None:
    with pytest.raises(ValueError, match="not a customer id"):
        links.issue(customer_id)


def test_two_links_of_a_customer_are_two(links: Links) -> None:
    assert links.read(links.issue("acme")) != links.read(links.issue("acme"))


@pytest.mark.parametrize("keys", [[], [""], ["good", ""]])
def test_an_empty_key_signs_nothing(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="signing key"):
        Links(keys, time.time)


def test_attack_03_an_expired_link(links: Links, clock: Clock) -> None:
    token = links.issue("acme")
    claim = links.read(token)
    clock.advance(LINK_SECONDS)
    assert links.read(token) == claim
    clock.advance(1)
    with pytest.raises(ExpiredLink) as error:
        links.read(token)
    assert error.value.claim == claim
    assert str(error.value) == ""


def test_attack_03_a_future_dated_link(links: Links, clock: Clock) -> None:
    clock.advance(SKEW_SECONDS)
    skewed = links.issue("acme")
    clock.advance(1)
    future = links.issue("acme")
    clock.advance(-SKEW_SECONDS - 1)
    assert links.read(skewed).customer_id == "acme"
    assert is_bad(links, future)


def test_attack_03_no_single_changed_character_passes(links: Links) -> None:
    token = links.issue("acme")
    claim = links.read(token)
    for place in range(len(token)):
        for other in ("A", "b", "_", ".", "\x00", "é", "\ud800", ""):
            changed = token[:place] + other + token[place + 1 :]
            # The last character of a signature in base64 has bits that count for nothing.
            if changed != token and not is_bad(links, changed):
                assert place == len(token) - 1
                assert links.read(changed) == claim


def test_attack_03_a_link_of_somebody_elses_key(clock: Clock) -> None:
    assert is_bad(Links(KEYS, clock.seconds), Links(["other"], clock.seconds).issue("acme"))


@pytest.mark.parametrize("kind", ["csrf", "no salt", "another salt", "untimed"])
def test_attack_03_a_text_signed_for_another_purpose(links: Links, clock: Clock, kind: str) -> None:
    payload = ["acme", "link-1"]
    tokens = {
        "csrf": links.csrf_for("digest"),
        "no salt": URLSafeTimedSerializer(KEYS).dumps(payload),
        "another salt": URLSafeTimedSerializer(KEYS, salt="session").dumps(payload),
        "untimed": links._serializer("greenlight portal link").dumps(payload).rpartition(".")[0],
    }
    assert is_bad(links, tokens[kind])


@pytest.mark.parametrize(
    "payload",
    [
        *[None, 1, "acme", [], ["acme"], ["acme", 1], ["acme", ""], ["acme", "x" * 65], ["", "id"], ["a\0", "id"]],
        *[["acme", "id", "more"], {"customer_id": "acme"}, [["acme"], "id"]],
    ],
)
def test_attack_03_a_signed_text_that_is_no_link(links: Links, payload: object) -> None:
    assert is_bad(links, links._serializer("greenlight portal link").dumps(payload))


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b.c", "x" * 5000, "A" * 2048, "%00", "null", "0", "../../etc/passwd", "\n", "é.é.é"],
)
def test_attack_03_what_is_no_token_at_all(links: Links, token: str) -> None:
    assert is_bad(links, token)


def test_attack_03_an_over_long_link_is_not_even_verified(links: Links) -> None:
    assert is_bad(
        links, links._serializer("greenlight portal link").dumps(["acme", "i", "é😀\t" * 1000 + str(KEYS) * 99])
    )
    assert is_bad(links, links.issue("acme") + "=" * 2048)


def test_attack_08_a_compressed_token_is_not_unpacked_before_it_is_verified(links: Links) -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b"[" * 1_000_000)).decode().rstrip("=")
    assert len(bomb) < 2000
    assert is_bad(links, f".{bomb}.aaaa.bbbb")


def test_keys_are_rotated_by_adding_one_at_the_end(clock: Clock) -> None:
    old, both, new = (Links(keys, clock.seconds) for keys in (KEYS[:1], KEYS, KEYS[1:]))
    assert both.read(old.issue("acme")).customer_id == "acme"
    assert new.read(both.issue("acme")).customer_id == "acme"
    assert is_bad(new, old.issue("acme"))
    assert is_bad(old, both.issue("acme"))
    assert both.check_csrf("digest", old.csrf_for("digest"))
    assert not new.check_csrf("digest", old.csrf_for("digest"))


def test_an_expired_link_of_an_old_key_is_expired_and_not_tampered(clock: Clock) -> None:
    token = Links(KEYS[:1], clock.seconds).issue("acme")
    clock.advance(LINK_SECONDS + 1)
    with pytest.raises(ExpiredLink):
        Links(KEYS, clock.seconds).read(token)


def test_a_csrf_token_is_good_for_one_session_alone(links: Links, clock: Clock) -> None:
    token = links.csrf_for("one")
    clock.advance(8 * 3600)
    assert links.check_csrf("one", token)
    for digest, other in [("two", token), ("one", ""), ("one", token[:-2]), ("one", "x" * 3000), ("", token)]:
        assert not links.check_csrf(digest, other)
    assert not any(links.check_csrf(digest, links.issue("acme")) for digest in ("one", ""))
    assert "one" not in token


def test_a_claim_is_a_value() -> None:
    assert LinkClaim("acme", "1") == LinkClaim("acme", "1")
