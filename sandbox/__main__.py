"""`python -m sandbox`: the stand-in as a program."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sandbox.app import create_app
from sandbox.server import serving
from sandbox.world import World, WorldError, load_world


class CannotServe(Exception):
    """The sandbox cannot start. The text is one sentence."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until interrupted. Exit code 1, with one sentence on stderr, where it cannot start."""
    parser = argparse.ArgumentParser(prog="sandbox", description="A local stand-in for LinkedIn's atsIntegrations.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8765, help="port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--world", metavar="FILE", help="JSON file with the world, see sandbox/README.md")
    options = parser.parse_args(argv)
    try:
        return serve(options.host, options.port, options.world)
    except CannotServe as error:
        print(f"sandbox: {error}", file=sys.stderr)  # noqa: T201 - the program's own output
        return 1


def _tell(url: str) -> None:
    print(f"Sandbox listens on {url}", flush=True)  # noqa: T201 - the program's own output


def serve(host: str, port: int, world: str | Path | None = None, *, tell: Callable[[str], None] = _tell) -> int:
    """Serve the world of this file, or an empty one, until interrupted; returns 0. Raises CannotServe.

    `tell` is given the address once it answers there.
    """
    try:
        asyncio.run(_serve(load_world(world) if world else World(), host, port, tell))
    except WorldError as error:
        raise CannotServe(str(error)) from None
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotServe(f"cannot listen on {host} port {port}: {reason}") from None
    return 0


async def _serve(world: World, host: str, port: int, tell: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serving(create_app(world), host, port) as url:
        tell(url)
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
