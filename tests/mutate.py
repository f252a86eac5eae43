"""Takes the guards out one by one (`tests/guards/`), each in a copy of the tree, and looks whether its test falls.

`python3 dev.py mutate [WORD...]`; with words, only the guards whose description has one of them. Ends with 1 if a guard
could be taken out unseen.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.guards import GUARDS, Guard

ROOT = Path(__file__).resolve().parents[1]
#: A test that hangs without its guard has fallen as well.
SECONDS = 300
_LEFT_OUT = (".git", ".venv", ".tools", ".hypothesis", "__pycache__", ".*_cache", "*.pyc")


def falls(copy: Path, tests: Sequence[str], seconds: float | None = SECONDS) -> bool:
    """Whether pytest finds a failure in these within that time; raises where it could not run them."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    if done.returncode > 1:
        raise RuntimeError(f"pytest could not run {' '.join(tests)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 1


def taken_out(copy: Path, guard: Guard) -> bool:
    """Whether the guard's test falls without it."""
    file = copy / guard.file
    as_it_is = file.read_text(encoding="utf-8")
    file.write_text(guard.without(as_it_is), encoding="utf-8")
    try:
        return falls(copy, guard.tests)
    finally:
        file.write_text(as_it_is, encoding="utf-8")


def main(words: Sequence[str]) -> int:
    chosen = [guard for guard in GUARDS if not words or any(word in guard.what for word in words)]
    unseen: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        if falls(copy, sorted({test for guard in chosen for test in guard.tests}), None):
            sys.stdout.write("The guards' tests fail with every guard in its place.\n")
            return 1
        for number, guard in enumerate(chosen, 1):
            began = time.monotonic()
            seen = taken_out(copy, guard)
            unseen += [] if seen else [guard.what]
            word = "falls" if seen else "NOTHING FALLS"
            sys.stdout.write(f"{number:>3}/{len(chosen)} {word:<13} {time.monotonic() - began:5.1f} s  {guard.what}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - len(unseen)} of {len(chosen)} guards are missed by a test when they are gone.\n")
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
