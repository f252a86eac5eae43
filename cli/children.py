"""Processes that this one starts, and which end with it however it ends."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: Its standard input ends when nobody is left who could write there.
_WATCH = """
import contextlib, os, signal, sys
sys.stdin.read()
with contextlib.suppress(ProcessLookupError):
    os.kill(int(sys.argv[1]), signal.SIGTERM)
"""


@contextmanager
def ending_with_us(pid: int) -> Iterator[None]:
    """As long as this lasts, the death of this process stops the process `pid` too: killed, it could not any more.

    A process of its own watches, since a server of Prefect's cannot be taught to.
    """
    command = [sys.executable, "-I", "-S", "-c", _WATCH, str(pid)]
    # In a session of its own, since a Ctrl-C is for those who stop by it.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as watch:  # noqa: S603 - ours
        try:
            yield
        finally:
            # Before the pipe ends.
            watch.kill()
            watch.wait()
