"""Whether there is a browser to test with, and what becomes of its tests if not."""

import os
import shutil
from importlib.util import find_spec
from typing import NoReturn

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def what_is_missing() -> str | None:
    if not find_spec("playwright"):
        return "playwright is not installed"
    if not find_chromium():
        return f"none of {', '.join(_NAMES)} is on the PATH"
    return None


def do_without(why: str) -> NoReturn:
    """Skip what needs a browser; REQUIRE_BROWSER=1 makes that a failure."""
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(f"REQUIRE_BROWSER=1, but {why}", pytrace=False)
    pytest.skip(f"no browser: {why}", allow_module_level=True)
