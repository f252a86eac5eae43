"""`python -m sandbox`: the stand-in as a program."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

from sandbox.app import create_app
from sandbox.server import serving
from sandbox.world import World, WorldError, load_world


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until interrupted. Exit code 1, with one sentence on stderr, where it cannot start."""
    parser = argparse.ArgumentParser(prog="sandbox", description="A local stand-in for LinkedIn's atsIntegrations.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8765, help="port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--world", metavar="FILE", help="JSON file with the world, see sandbox/README.md")
    options = parser.parse_args(argv)
    try:
        world = load_world(options.world) if options.world else World()
        asyncio.run(_serve(world, options.host, options.port))
    except WorldError as error:
        return _fail(str(error))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return _fail(f"cannot listen on {options.host} port {options.port}: {reason}")
    return 0


def _fail(sentence: str) -> int:
    print(f"sandbox: {sentence}", file=sys.stderr)  # noqa: T201 - the program's own output
    return 1


async def _serve(world: World, host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serving(create_app(world), host, port) as url:
        print(f"Sandbox listens on {url}", flush=True)  # noqa: T201 - the program's own output
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
