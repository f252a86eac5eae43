"""The console command's first step: that its own packages are the ones that Python finds. Imports none of them.

Their names are common ones, and another package or a folder of the same name may stand before ours on Python's path.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

#: What is installed together with this package.
ROOMS = ("flows", "portal", "tasks", "blocks", "sandbox", "greenlight")
_HOME = Path(__file__).resolve().parents[1]


def _found(room: str) -> Path | None:
    spec = find_spec(room)
    places = [] if spec is None else [*(spec.submodule_search_locations or ()), spec.origin]
    return next((Path(place).resolve() for place in places if place), None)


def stray() -> tuple[str, str] | None:
    """What is wrong and what to do, if one of our packages is missing or hidden by another; None if all are ours."""
    for room in ROOMS:
        found = _found(room)
        if found is None:
            return f"`import {room}` finds nothing in {_HOME}: Greenlight is not installed whole", "install it again"
        if found != _HOME / room:
            remedy = (
                "start it from another folder and without PYTHONPATH, or install it in a virtual environment of its own"
            )
            return f"`import {room}` finds {found}, which is not Greenlight's own in {_HOME}", remedy
    return None


def main() -> None:
    """The console command. Ends with an exit code of docs/interface.md#exit-codes."""
    trouble = stray()
    if trouble:
        message, remedy = trouble
        sys.stderr.write(f"greenlight: {message}; {remedy}\n")
        if "--json" in sys.argv:
            document = {"schema": "greenlight.error/1", "kind": "input", "message": message, "remedy": remedy}
            sys.stdout.write(json.dumps(document, indent=2) + "\n")
        sys.exit(1)
    from cli.app import main as run

    run()
