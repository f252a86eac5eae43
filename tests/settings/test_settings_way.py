"""The way out: a proxy by its address or from a file, hosts past it, and a CA of one's own."""

from pathlib import Path

import pytest

from greenlight.domain.way import Way
from greenlight.settings import InvalidSettings
from tests.linkedin.networks import certificates
from tests.settings.conftest import Load

PROXY = "http://me:s3cret%2F@proxy.corp:3128"


def test_without_any_of_them_the_way_is_direct(load: Load) -> None:
    assert load().way == Way()
    assert load(HTTPS_PROXY="", NO_PROXY="", CA_FILE="", HTTPS_PROXY_FILE="").way == Way()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"])
def test_the_environments_own_variables_lead_nowhere(load: Load, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for spelled in (name, name.lower()):
        monkeypatch.setenv(spelled, "http://stray.example:1")
    assert load().way == Way()


def test_a_proxy_with_credentials_from_a_file(load: Load, tmp_path: Path) -> None:
    (tmp_path / "proxy").write_text(f"{PROXY}\n")
    settings = load(HTTPS_PROXY_FILE=str(tmp_path / "proxy"), NO_PROXY="a.example, .b.example ,10.0.0.0/8")
    assert settings.way == Way(PROXY, ("a.example", ".b.example", "10.0.0.0/8"))
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    "address", ["http://proxy.corp:3128", "https://proxy.corp:443", "http://[fd00::1]:3128/", PROXY]
)
def test_addresses_of_proxies(load: Load, address: str) -> None:
    assert load(HTTPS_PROXY=address).way.proxy == address


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("proxy.corp:3128", "is not a proxy's address; use http://HOST:PORT"),
        ("proxy.corp", "is not a proxy's address"),
        ("http://proxy.corp", "is not a proxy's address"),
        ("http://:3128", "is not a proxy's address"),
        ("http://proxy.corp:3128/path", "is not a proxy's address"),
        ("http://proxy.corp:3128?a", "is not a proxy's address"),
        ("http://proxy.corp:99999", "is not a proxy's address"),
        ("http://pro xy:3128", "is not a proxy's address"),
        ("ftp://proxy.corp:21", "is not a proxy's address"),
        ("socks://127.0.0.1:1080", "names a SOCKS proxy, which cannot be used"),
        ("socks5h://me:s3cret@127.0.0.1:1080", "names a SOCKS proxy, which cannot be used"),
    ],
)
def test_what_is_no_proxys_address(load: Load, address: str, words: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(HTTPS_PROXY=address)
    assert str(caught.value).startswith(f"GREENLIGHT_HTTPS_PROXY {words}")
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_not_there_and_one_too_many(load: Load, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(HTTPS_PROXY_FILE=str(tmp_path / "none"))
    assert str(caught.value).startswith("GREENLIGHT_HTTPS_PROXY cannot be read from its file (FileNotFoundError)")
    (tmp_path / "proxy").write_text(PROXY)
    with pytest.raises(InvalidSettings) as caught:
        load(HTTPS_PROXY_FILE=str(tmp_path / "proxy"), HTTPS_PROXY="http://proxy.corp:3128")
    assert str(caught.value).startswith("GREENLIGHT_HTTPS_PROXY and GREENLIGHT_HTTPS_PROXY_FILE are both given")


def test_a_ca_file(load: Load, tmp_path: Path) -> None:
    ca, _ = certificates(tmp_path, "api.linkedin.test")
    assert load(CA_FILE=str(ca)).way == Way(ca_file=str(ca))


def test_what_is_no_ca_file(load: Load, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate in it\n")
    with pytest.raises(InvalidSettings) as caught:
        load(CA_FILE=str(tmp_path / "empty.pem"))
    assert str(caught.value).startswith("GREENLIGHT_CA_FILE has no certificate in PEM form")
    with pytest.raises(InvalidSettings) as caught:
        load(CA_FILE=str(tmp_path / "none.pem"))
    assert str(caught.value).startswith("GREENLIGHT_CA_FILE cannot be read (FileNotFoundError)")


def test_as_many_connections_as_are_named(load: Load) -> None:
    assert load(CONNECTIONS="128").way == Way(connections=128)


@pytest.mark.parametrize("number", ["0", "-1", "1025", "many", "1.5", ""])
def test_no_such_number_of_connections(load: Load, number: str) -> None:
    with pytest.raises(InvalidSettings, match="GREENLIGHT_CONNECTIONS "):
        load(CONNECTIONS=number)
