"""What is wrong with the way to Prefect's API is one true sentence, and stray proxies are kept from this machine."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from blocks.saving import BlocksNotSaved
from greenlight.cli.errors import said_plainly
from greenlight.cli.prefect_way import keep_proxies_from_this_machine, trouble_with_prefect

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        # Set and unset, so that what a test's code writes there is undone as well.
        for spelled in (name, name.lower()):
            monkeypatch.setenv(spelled, "x")
            monkeypatch.delenv(spelled)


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
    server: tuple[str, dict[str, tuple[int, str]]], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", server[0] + path)
    assert str(trouble_with_prefect()).endswith(f"that is not its address. Set PREFECT_API_URL to {server[0]}/api")


def test_behind_a_path(server: tuple[str, dict[str, tuple[int, str]]], monkeypatch: pytest.MonkeyPatch) -> None:
    address, answers = server
    del answers["/api/health"]
    answers["/prefect/api/health"] = (200, "true")
    monkeypatch.setenv("PREFECT_API_URL", f"{address}/prefect/api/")
    assert trouble_with_prefect() is None
    monkeypatch.setenv("PREFECT_API_URL", f"{address.replace('//', '//me:CANARY@')}/prefect/dashboard")
    said = str(trouble_with_prefect())
    assert said.endswith(f"Set PREFECT_API_URL to {address}/prefect/api")
    assert "CANARY" not in said


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9/api", "nobody answers there. Start that server"),
        ("prefect:4200", "that is no address. Use one like http://"),
        ("not an address", "that is no address"),
        ("http://[/api", "that is no address"),
    ],
)
def test_where_nobody_is(monkeypatch: pytest.MonkeyPatch, url: str, says: str) -> None:
    monkeypatch.setenv("PREFECT_API_URL", url)
    assert says in str(trouble_with_prefect())


def test_a_server_that_is_ill(server: tuple[str, dict[str, tuple[int, str]]], monkeypatch: pytest.MonkeyPatch) -> None:
    server[1]["/api/health"] = (503, "")
    monkeypatch.setenv("PREFECT_API_URL", f"{server[0]}/api")
    assert "answered HTTP 503" in str(trouble_with_prefect())


def test_a_stray_proxy_is_named_and_kept_from_this_machine(
    server: tuple[str, dict[str, tuple[int, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"{server[0]}/api")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "corp.example, localhost")
    assert str(trouble_with_prefect()).endswith(
        "HTTP_PROXY lead to a proxy that does not reach it. Add 127.0.0.1 to NO_PROXY"
    )
    keep_proxies_from_this_machine()
    assert trouble_with_prefect() is None
    with httpx.Client() as client:
        assert client.get(f"{server[0]}/api/health").json() is True
    keep_proxies_from_this_machine()
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "corp.example,localhost,127.0.0.1,::1"


def test_without_a_proxy_nothing_is_set() -> None:
    keep_proxies_from_this_machine()
    assert not {"NO_PROXY", "no_proxy"} & set(os.environ)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("no"), BlocksNotSaved("not taken"), RuntimeError("Failed to reach API at x")]
)
def test_an_error_of_prefects_client_is_told_as_that(
    server: tuple[str, dict[str, tuple[int, str]]], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", server[0])
    assert said_plainly(error).endswith(f"Set PREFECT_API_URL to {server[0]}/api")
    monkeypatch.setenv("PREFECT_API_URL", f"{server[0]}/api")
    assert said_plainly(error) in (
        "not taken",
        "Prefect's API did not answer for a moment, and does again: run this again",
    )
