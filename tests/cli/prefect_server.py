"""`prefect server start` as an operator starts it: a process with a database in a home folder and a key of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.cli.conftest import Home


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def prefect_server(home: Home, **settings: str) -> Iterator[str]:
    """Its API. The same home has the same blocks, whatever its settings are this time."""
    port = free_port()
    log = home.folder / "server.log"
    environment = home.environment(
        PREFECT_HOME=str(home.folder / ".prefect"),
        DO_NOT_TRACK="1",
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        **settings,
    )
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)],
            cwd=home.folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    api = f"http://127.0.0.1:{port}/api"
    try:
        give_up = time.monotonic() + 120
        while True:
            try:
                if httpx.get(f"{api}/health").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert process.poll() is None, log.read_text()[-800:]
            assert time.monotonic() < give_up
            time.sleep(0.2)
        yield api
    finally:
        process.terminate()
        process.wait(30)
