"""Where requests may go: https anywhere, plain http to this machine alone, whatever shape the address takes."""

import pytest

from greenlight.settings import InvalidSettings, load_settings

VARIABLES = ["GREENLIGHT_LINKEDIN_API_URL", "GREENLIGHT_LINKEDIN_TOKEN_URL", "GREENLIGHT_LINKEDIN_WIDGET_URL"]

ACCEPTED = [
    pytest.param("https://api.linkedin.com", id="the real one"),
    pytest.param("https://api.linkedin.com:8443/base/path", id="a port and a path"),
    pytest.param("http://127.0.0.1:8080", id="the stand-in on this machine"),
    pytest.param("http://127.1.2.3", id="all of 127.0.0.0/8 is loopback"),
    pytest.param("http://[::1]:8080", id="loopback of IPv6"),
    pytest.param("http://localhost:8080/v2", id="loopback by name"),
    pytest.param("http://LOCALHOST", id="host names have no letter case"),
    pytest.param("https://localhost.evil.com", id="over https the certificate decides who it is"),
]

REFUSED = [
    pytest.param("http://api.linkedin.com", id="plain http to another machine"),
    pytest.param("http://localhost.evil.com", id="a name that only begins like localhost"),
    pytest.param("http://evil.localhost.com", id="a name that only contains localhost"),
    pytest.param("http://127.0.0.1.evil.com", id="a name that only begins like a loopback address"),
    pytest.param("http://2130706433", id="127.0.0.1 as one decimal number, which resolvers read differently"),
    pytest.param("http://0x7f000001", id="127.0.0.1 as one hexadecimal number"),
    pytest.param("http://0177.0.0.1", id="an octal byte, which is 127 for some and 177 for others"),
    pytest.param("http://127.1", id="a shortened address"),
    pytest.param("http://0.0.0.0", id="every interface is not loopback"),
    pytest.param("http://[::]", id="every interface of IPv6 is not loopback"),
    pytest.param("http://128.0.0.1", id="one past the loopback network"),
    pytest.param("http://126.255.255.255", id="one before the loopback network"),
    pytest.param("http://10.0.0.1", id="a private network is another machine"),
    pytest.param("http://169.254.169.254/latest/meta-data", id="a cloud's metadata service"),
    pytest.param("http://[fe80::1]", id="link-local of IPv6"),
    pytest.param("http://[::ffff:169.254.169.254]", id="the metadata service inside an IPv6 address"),
    pytest.param("http://127.0.0.1@evil.com", id="a user that looks like the host"),
    pytest.param("http://localhost:80@evil.com", id="a user and password that look like host and port"),
    pytest.param("http://u:p@127.0.0.1", id="credentials even for this machine"),
    pytest.param("https://u@api.linkedin.com", id="a user without a password"),
    pytest.param("https://:p@api.linkedin.com", id="a password without a user"),
    pytest.param("http://127.0.0.1\\@evil.com", id="a backslash that some parsers take for a slash"),
    pytest.param("http://evil.com#@127.0.0.1", id="a fragment that hides the host"),
    pytest.param("http://evil.com?@127.0.0.1", id="a query that hides the host"),
    pytest.param("https://api.linkedin.com?a=1", id="a query would swallow the path that is added"),
    pytest.param("https://api.linkedin.com/#a", id="a fragment would swallow the path that is added"),
    pytest.param("file:///etc/passwd", id="a file of this machine"),
    pytest.param("file://localhost/etc/passwd", id="a file of this machine with a loopback host"),
    pytest.param("ftp://127.0.0.1", id="another protocol to this machine"),
    pytest.param("javascript:alert(1)", id="a script instead of an address"),
    pytest.param("//api.linkedin.com", id="no scheme"),
    pytest.param("api.linkedin.com", id="a host alone"),
    pytest.param("https://", id="a scheme alone"),
    pytest.param("https:///v2", id="no host"),
    pytest.param("https://:443", id="a port alone"),
    pytest.param("https://api.linkedin.com:99999", id="a port that there is not"),
    pytest.param("https://api.linkedin.com:https", id="a port that is no number"),
    pytest.param("https://[::1", id="a bracket that nobody closes"),
    pytest.param("", id="nothing"),
]


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("address", ACCEPTED)
def test_an_address_that_is_safe_is_taken_as_it_is(
    monkeypatch: pytest.MonkeyPatch, variable: str, address: str
) -> None:
    monkeypatch.setenv(variable, address)
    assert getattr(load_settings(), variable.removeprefix("GREENLIGHT_").lower()) == address


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_safe_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, address: str
) -> None:
    monkeypatch.setenv(variable, address)
    with pytest.raises(InvalidSettings) as refusal:
        load_settings()
    assert str(refusal.value).startswith(f"{variable} ")
    assert not address or address not in str(refusal.value), "an address may carry a password, so it is not repeated"


@pytest.mark.parametrize("slashes", [1, 2, 3])
def test_slashes_at_the_end_are_dropped(monkeypatch: pytest.MonkeyPatch, slashes: int) -> None:
    """Paths are added with a slash of their own."""
    monkeypatch.setenv("GREENLIGHT_LINKEDIN_API_URL", "https://api.linkedin.com/base" + "/" * slashes)
    assert load_settings().linkedin_api_url == "https://api.linkedin.com/base"


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("https://api.linkedin.com?", id="an empty query would swallow the path"),
        pytest.param("https://api.linkedin.com#", id="an empty fragment would swallow the path"),
        pytest.param(" https://api.linkedin.com", id="a blank in front"),
        pytest.param("https://api.linkedin.com\n", id="a newline behind"),
        pytest.param("http://local\thost", id="a tab within"),
        pytest.param("https://api.linkedin.com/a b", id="a blank in the path"),
    ],
)
def test_an_address_is_used_as_it_is_written_so_it_is_written_well(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENLIGHT_LINKEDIN_API_URL", address)
    with pytest.raises(InvalidSettings, match="GREENLIGHT_LINKEDIN_API_URL"):
        load_settings()


def test_a_password_with_an_at_sign_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENLIGHT_DATABASE_URL", "postgresql://user:pa@ss:canary@host/db")
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    assert "canary" not in str(caught.value)
