"""What is wrong with the way to Prefect's API is one true sentence, and stray proxies are kept from this machine."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.saving import BlocksNotSaved
from cli.errors import said_plainly
from cli.prefect_way import keep_proxies_from_this_machine, trouble_with_prefect
from tests.cli.conftest import Home
from tests.linkedin.networks import certificates, serving_context

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        # Set and unset, so that what a test's code writes there is undone as well.
        for spelled in (name, name.lower()):
            monkeypatch.setenv(spelled, "x")
            monkeypatch.delenv(spelled)


@pytest.fixture
def at() -> Iterator[Callable[[str], None]]:
    """Makes this Prefect's API."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(temporary_settings({PREFECT_API_URL: url}))


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, tuple[int, str]]]]:
    """Its address, and what it answers by path; everything else is a page."""
    answers = {"/api/health": (200, "true")}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (200, "<html>"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{listener.server_port}", answers
    listener.shutdown()
    thread.join()
    listener.server_close()


@pytest.mark.parametrize("path", ["", "/", "/dashboard", "/runs/flow-run/1", "/apis", "/v2/api"])
def test_the_server_or_its_pages_for_its_api(
    server: tuple[str, dict[str, tuple[int, str]]], at: Callable[[str], None], path: str
) -> None:
    at(server[0] + path)
    assert str(trouble_with_prefect()).endswith(f"that is not its address. Set PREFECT_API_URL to {server[0]}/api")


def test_behind_a_path(server: tuple[str, dict[str, tuple[int, str]]], at: Callable[[str], None]) -> None:
    address, answers = server
    del answers["/api/health"]
    answers["/prefect/api/health"] = (200, "true")
    at(f"{address}/prefect/api/")
    assert trouble_with_prefect() is None
    at(f"{address.replace('//', '//me:CANARY@')}/prefect/dashboard")
    said = str(trouble_with_prefect())
    assert said.endswith(f"Set PREFECT_API_URL to {address}/prefect/api, with the user and the password that it has")
    assert "CANARY" not in said


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9/api", "nobody answers there. Start that server"),
        ("prefect:CANARY@host:4200", "PREFECT_API_URL is no address): use one like http://"),
        ("not an address", "is no address)"),
        ("http://me:pa/CANARY@host:4200/api", "is no address)"),
    ],
)
def test_where_nobody_is(at: Callable[[str], None], url: str, says: str) -> None:
    at(url)
    said = str(trouble_with_prefect())
    assert says in said
    assert "CANARY" not in said


def test_a_server_that_is_ill(server: tuple[str, dict[str, tuple[int, str]]], at: Callable[[str], None]) -> None:
    server[1]["/api/health"] = (503, "")
    at(f"{server[0]}/api")
    assert "answered HTTP 503" in str(trouble_with_prefect())


def test_a_stray_proxy_is_named_and_kept_from_this_machine(
    server: tuple[str, dict[str, tuple[int, str]]], at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(f"{server[0]}/api")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "corp.example, localhost")
    monkeypatch.setenv("no_proxy", "prefect.corp")
    assert str(trouble_with_prefect()).endswith(
        "HTTP_PROXY lead to a proxy that does not reach it. Add 127.0.0.1 to NO_PROXY"
    )
    keep_proxies_from_this_machine()
    assert trouble_with_prefect() is None
    with httpx.Client() as client:
        assert client.get(f"{server[0]}/api/health").json() is True
    keep_proxies_from_this_machine()
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "corp.example,localhost,prefect.corp,127.0.0.1,::1"


def test_without_a_proxy_nothing_is_set() -> None:
    keep_proxies_from_this_machine()
    assert not {"NO_PROXY", "no_proxy"} & set(os.environ)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("no"), BlocksNotSaved("not taken"), RuntimeError("Failed to reach API at x")]
)
def test_an_error_of_prefects_client_is_told_as_that(
    server: tuple[str, dict[str, tuple[int, str]]], at: Callable[[str], None], error: Exception
) -> None:
    at(server[0])
    assert said_plainly(error).endswith(f"Set PREFECT_API_URL to {server[0]}/api")
    assert ("not taken" in said_plainly(error)) == isinstance(error, BlocksNotSaved), "what came stays to be read"
    at(f"{server[0]}/api")
    assert said_plainly(error) in (
        "not taken",
        "Prefect's API did not answer for a moment, and does again: run this again",
    )


def test_a_certificate_that_is_not_trusted(at: Callable[[str], None], tmp_path: Path) -> None:
    """It is not nobody who answers there."""
    _, pem = certificates(tmp_path, "127.0.0.1")
    context = serving_context(pem)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    with suppress(ssl.SSLError), context.wrap_socket(listener.accept()[0], server_side=True):
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        at(f"https://127.0.0.1:{listener.getsockname()[1]}/api")
        assert "its certificate is not trusted here" in str(trouble_with_prefect())
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_nobody_is_asked_where_no_address_is_set() -> None:
    """A temporary server is used then, and an error is its own."""
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert trouble_with_prefect() is None
        assert said_plainly(BlocksNotSaved("the disk is full")) == "the disk is full"


def test_settings_that_prefect_itself_refuses(home: Home) -> None:
    assert home.run("migrate").code == 0
    done = home.run("plan", PREFECT_API_URL="http://[/api")
    assert (done.code, done.out) == (1, "")
    # Prefect has said so before us, in its own way.
    assert done.err.splitlines()[-1].startswith("greenlight: Prefect's settings cannot be used (Invalid IPv6 URL)")
