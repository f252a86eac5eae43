"""A Prefect API that fails every third request: a proxy in front of a real one."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

#: What a failing request meets, in turn: nothing is done; it is done and the answer lost; the connection is cut.
_WAYS = ("refused", "lost", "cut")


class FlakyPrefect(ThreadingHTTPServer):
    """Passes requests on to the API at `target`; while `failing`, every third one fails."""

    daemon_threads = True
    #: All that come at once may wait at the door.
    request_queue_size = 128

    def __init__(self, target: str, seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.client = httpx.Client(base_url=target.removesuffix("/api"), timeout=60)
        self.ends_at = time.monotonic() + seconds
        self.seen = self.failed = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api"

    def fate(self) -> str | None:
        """How this request fails, or None."""
        with self._lock:
            self.seen += 1
            if time.monotonic() >= self.ends_at or self.seen % 3:
                return None
            self.failed += 1
            return _WAYS[self.failed % len(_WAYS)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FlakyPrefect

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        fate = self.server.fate()
        if fate == "cut":
            self.close_connection = True
            return
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "content-length")}
        status, content, media = 500, b'{"exception_message":"Internal Server Error"}', "application/json"
        if fate != "refused":
            answer = self.server.client.request(self.command, self.path, headers=headers, content=body)
            if fate is None:
                status, content = answer.status_code, answer.content
                media = answer.headers.get("content-type", "text/plain")
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _pass_on  # noqa: N815 - as they are looked for

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def flaky_prefect(target: str, seconds: float) -> Iterator[FlakyPrefect]:
    """A proxy before the API at `target` that fails every third request for that many seconds."""
    server = FlakyPrefect(target, seconds)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        server.client.close()
