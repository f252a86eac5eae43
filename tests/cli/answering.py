"""A server that is not what a command takes it for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def answering(answer: Any) -> Iterator[str]:
    """A server that answers every request so: (status, body, seconds its clock is behind)."""

    class Handler(BaseHTTPRequestHandler):
        def parse_request(self) -> bool:
            # Whatever the method is, nothing else of the base class is needed.
            if not super().parse_request():
                return False
            self.answer()
            return False

        def answer(self) -> None:
            status, body, behind = answer
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response_only(status)
            self.send_header("Date", format_datetime(datetime.now(UTC) - timedelta(seconds=behind), usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
