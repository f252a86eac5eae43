"""Which hosts are reached through the proxy, and which past it."""

import pytest

from greenlight.domain.way import Way, is_loopback

PROXY = "http://me:s3cret@proxy.corp:3128"
LINKEDIN = "api.linkedin.com"


def test_without_a_proxy_nothing_leads_through_one() -> None:
    assert not Way().leads_through_proxy(LINKEDIN)
    assert Way(PROXY).leads_through_proxy(LINKEDIN)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("linkedin.localhost", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("notlocalhost", False),
        (LINKEDIN, False),
    ],
)
def test_this_machine_is_never_asked_through_a_proxy(host: str, here: bool) -> None:
    assert is_loopback(host) is here
    assert Way(PROXY).leads_through_proxy(host) is not here


@pytest.mark.parametrize(
    ("entry", "host", "past"),
    [
        (LINKEDIN, LINKEDIN, True),
        ("API.LinkedIn.com.", LINKEDIN, True),
        ("linkedin.com", LINKEDIN, True),
        (".linkedin.com", LINKEDIN, True),
        ("*.linkedin.com", LINKEDIN, True),
        ("*", LINKEDIN, True),
        ("www.linkedin.com", LINKEDIN, False),
        ("edin.com", LINKEDIN, False),
        (".", LINKEDIN, False),
        ("*.", LINKEDIN, False),
        ("10.1.0.0/16", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("fd00::/8", "[fd00::1]", True),
        ("10.1.0.0/16", "10.2.2.3", False),
        ("10.1.0.0/16", LINKEDIN, False),
        ("*", "10.1.2.3", True),
    ],
)
def test_hosts_that_are_reached_past_the_proxy(entry: str, host: str, past: bool) -> None:
    assert Way(PROXY, ("other.example", entry)).leads_through_proxy(host) is not past


def test_its_repr_has_no_password() -> None:
    assert "s3cret" not in repr(Way(PROXY))
