"""Pages of JSON under a bearer token, over real HTTP."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from greenlight.desired.http import HttpSource
from greenlight.domain.desired import SyncOutcome
from tests.desired.test_desired_files import row
from tests.desired.vendor import Nights, changed

TOKEN = "T0k3nOfTheVendor"
NAMES = ("customer_id", "customer_name", "integration_context", "integration_type", "tenant_type")
Answer = tuple[int, bytes]


@pytest.fixture
def engine_name() -> str:
    return "sqlite"


def item(id: str) -> dict[str, Any]:
    return dict(zip(NAMES, row(id), strict=True))


def page(*ids: str, next: str | None = None, **more: Any) -> Answer:
    return 200, json.dumps({"integrations": [item(id) for id in ids], "next": next, **more}).encode()


class Service:
    """What the vendor's service answers, by cursor, and what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str | None, Callable[[], Answer]] = {}
        self.asked: list[tuple[str, str | None]] = []

    def answers(self, cursor: str | None, *answers: Answer) -> None:
        """These one after another, the last one for ever."""
        left = list(answers)
        self.pages[cursor] = lambda: left.pop(0) if left[1:] else left[0]


@contextmanager
def serving(service: Service) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.asked.append((self.path, self.headers.get("authorization")))
            cursor = parse_qs(urlsplit(self.path).query).get("cursor", [None])[0]
            status, body = service.pages[cursor]()
            self.send_response(status)
            self.send_header("content-length", str(len(body) if status != 299 else len(body) + 9))
            if status == 302:
                self.send_header("location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/wanted?tenant=all"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def source(service: Service) -> Iterator[HttpSource]:
    with serving(service) as address:
        yield HttpSource(address, SecretStr(TOKEN), delays=(0.0, 0.0), sleep=lambda _: None)


def test_all_pages_are_the_wanted_set(service: Service, source: HttpSource, nights: Nights) -> None:
    service.answers(None, page("a", "b", next="2/&"))
    service.answers("2/&", (503, b"busy"), page("c"))
    assert changed(nights.sync(source)) == {"added": ["a", "b", "c"]}
    assert [path.partition("?")[2] for path, _ in service.asked] == [
        "tenant=all",
        *["tenant=all&cursor=2%2F%26"] * 2,
    ]
    assert {told for _, told in service.asked} == {f"Bearer {TOKEN}"}
    assert source.name.endswith("/wanted")


@pytest.mark.parametrize(
    ("last", "why"),
    [
        ((500, b""), "HTTP 500"),
        ((401, b""), "GREENLIGHT_DESIRED_TOKEN is not taken"),
        ((302, b""), "HTTP 302"),
        ((200, b'{"integrations": []}'), "is not a page"),
        ((200, b"<html>"), "is not a page"),
        (page(next="2"), "would never end"),
        ((299, b"{"), "could not be reached"),
    ],
)
def test_what_ends_before_its_last_page_changes_nothing(
    last: Answer, why: str, service: Service, source: HttpSource, nights: Nights
) -> None:
    service.answers(None, page("a", "b"), page("b", next="2"))
    nights.sync(source)
    service.answers("2", last)
    report = nights.sync(source)
    assert report.outcome is SyncOutcome.UNREADABLE
    assert why in (report.detail or "")
    assert set(nights.wanted()) == {"a", "b"}
    assert TOKEN not in json.dumps(report.as_json())
    assert not any("elsewhere" in path for path, _ in service.asked), "a token goes nowhere else"


def test_a_bad_item_holds_its_customer_alone(service: Service, source: HttpSource, nights: Nights) -> None:
    bad = [
        {**item("b"), "tenant_type": True},
        {**item("c"), "tenant": "x"},
        "no object",
        {**item("d"), "customer_id": 4},
    ]
    service.answers(None, (200, json.dumps({"integrations": [item("a"), *bad], "next": None}).encode()))
    report = nights.sync(source)
    assert changed(report)["added"] == ["a", "4"]
    faults = [(fault["customer_id"], fault["line"], fault["field"]) for fault in report.entries["held_back"]]
    assert faults[:2] == [("b", 2, "tenant_type"), ("c", 3, "row")]
    assert {line for _, line, _ in faults[2:]} == {4}


def test_nobody_there_is_said_so(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    source = HttpSource("https://127.0.0.1:9/wanted", SecretStr(TOKEN), delays=(), sleep=lambda _: None)
    report = nights.sync(source)
    assert report.detail == "could not be reached: ConnectError"
