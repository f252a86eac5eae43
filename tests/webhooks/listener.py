"""A receiver of webhooks as a vendor has one: it takes what the specification's own library verifies."""

import json
import secrets
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import webhooks as library
from typing_extensions import override


def new_secret() -> str:
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"


def by_the_clock(monkeypatch: pytest.MonkeyPatch, now: Callable[[], datetime]) -> None:
    """The library's verifier goes by this clock."""

    class Virtual(datetime):
        @classmethod
        @override
        def now(cls, tz: object = None) -> datetime:  # pyright: ignore[reportIncompatibleMethodOverride]
            return now()

    monkeypatch.setattr(library, "datetime", Virtual)


class Listener(ThreadingHTTPServer):
    """Takes what is signed with the secret that it holds now, in the order in which it came."""

    daemon_threads = True

    def __init__(self, secret: str) -> None:
        self.secret = secret
        #: What it answers to the next requests, whatever they are; None is to look at them.
        self.answers: Callable[[], int | None] = lambda: None
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.signatures: list[list[str]] = []
        self.refused: list[str] = []
        self.asked = 0
        self._one = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks"

    def hear(self, headers: dict[str, str], body: bytes) -> int:
        with self._one:
            self.asked += 1
            if (answer := self.answers()) is not None:
                return answer
            try:
                event = library.Webhook(self.secret).verify(body, headers)
            except library.WebhookVerificationError as error:
                self.refused.append(str(error))
                return 400
            assert event == json.loads(body)
            self.taken.append((headers["webhook-id"], event))
            self.signatures.append(headers["webhook-signature"].split())
            return 204

    def of(self, customer: str) -> list[dict[str, Any]]:
        """The events of a customer in the order in which they came first."""
        first = dict[str, dict[str, Any]]()
        for id, event in self.taken:
            if event["data"]["customer_id"] == customer:
                first.setdefault(id, event)
        return list(first.values())


class _Handler(BaseHTTPRequestHandler):
    server: Listener  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.hear({name.lower(): value for name, value in self.headers.items()}, body)
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("location", self.server.url)
        self.send_header("content-length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def listening(secret: str) -> Iterator[Listener]:
    listener = Listener(secret)
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield listener
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
