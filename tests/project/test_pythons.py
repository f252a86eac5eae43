"""README, dev.py, pyproject.toml, the image and CI name the same Pythons."""

import re
import tomllib
from pathlib import Path
from typing import Any

import dev

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OLDEST, TOO_NEW = dev.OLDEST, dev.TOO_NEW
#: From the oldest to the newest that works, as text.
ALL = [f"{OLDEST[0]}.{minor}" for minor in range(OLDEST[1], TOO_NEW[1])]
IN_WORDS = f"Python {ALL[0]} to {ALL[-1]}"


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_and_the_refusal_say_the_range_that_is_checked() -> None:
    assert re.findall(r"Python 3\.\d+ to 3\.\d+", text_of("README.md")) == [IN_WORDS]
    assert IN_WORDS in dev.refusal((3, OLDEST[1] - 1))


def test_the_package_takes_the_same_range() -> None:
    assert PYPROJECT["project"]["requires-python"] == f">={ALL[0]},<{TOO_NEW[0]}.{TOO_NEW[1]}"
    kept = "Programming Language :: Python :: 3."
    named = [f"3.{each.removeprefix(kept)}" for each in PYPROJECT["project"]["classifiers"] if each.startswith(kept)]
    assert named == ALL


def test_the_tools_and_the_lock_take_the_oldest() -> None:
    assert PYPROJECT["tool"]["basedpyright"]["pythonVersion"] == ALL[0]
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{ALL[0].replace('.', '')}"
    assert f'"--python-version", "{ALL[0]}"' in text_of("dev.py")


def test_images_and_ci_run_on_one_of_them() -> None:
    images = [each for each in (ROOT / "deployments").glob("*") if each.name.startswith("Dockerfile")]
    used = [version for each in images for version in re.findall(r"^FROM python:(3\.\d+)", each.read_text(), re.M)]
    assert used, "the image is built on a Python"
    # CI has no Python of its own to name: it goes through dev.py, which refuses another one.
    named = re.findall(r"python(3\.\d+)", text_of(".ci/run"))
    assert set(used + named) <= set(ALL)
