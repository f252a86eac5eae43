"""The page that says where to change what names every file of the product, and none that does not exist."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "where-to-change.md").read_text(encoding="utf-8")
#: What has no line of its own: other pages, tests, and what is at the root for people and tools.
_BESIDE = re.compile(
    r"(?:docs/.*\.md|docs/schemas/.*|tests/.*|changes/.*|\.github/.*|[^/]*\.md|LICENSE|\.gitignore|\.pre-commit.*)"
)


@pytest.fixture(scope="module")
def named() -> set[str]:
    """What stands between backticks and looks like a path; paths of HTTP and `greenlight.report/1` are none."""
    words = re.findall(r"`([\w.][^`\s]*)`", PAGE)
    return {name for name in words if re.search(r"/(?!\d+$)", name) or (ROOT / name).is_file()}


def test_each_file_that_is_named_exists(named: set[str]) -> None:
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_each_file_of_the_product_is_named(named: set[str]) -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    files = [name for name in os.fsdecode(listed.stdout).split("\0") if name and not _BESIDE.fullmatch(name)]
    # Removed and not yet committed, or empty by design: a package's mark.
    real = [name for name in files if (ROOT / name).is_file() and (ROOT / name).stat().st_size]
    assert sorted(set(real) - named) == [], "python docs/reference.py writes the lines of Python files"


def test_a_constant_stands_once_for_each_file() -> None:
    table = PAGE.split("<!-- numbers -->")[1].split("<!-- end of numbers -->")[0]
    rows = re.findall(r"^\| (`.+?) \| .* \| `([\w./]+)` \|$", table, re.MULTILINE)
    found = [(name, file) for names, file in rows for name in re.findall(r"`(\w+)`", names)]
    assert len(found) > 100
    assert len(found) == len(set(found))
    wrong = [
        (name, file)
        for name, file in found
        if not re.search(rf"^{name}\b|^[^#\n]*, {name}\b", (ROOT / file).read_text("utf-8"), re.M)
    ]
    assert wrong == []


def test_names_in_the_recipes_stand_in_their_files() -> None:
    """`NAME` in `FILE`: a rename makes the page wrong."""
    by_hand = PAGE.split("<!-- numbers -->")[0]
    said = re.findall(r"`(\w+)`(?: and `(\w+)`)?(?: and what leads to it)? (?:in|of) `([\w./]+\.py)`", by_hand)
    assert len(said) > 20
    wrong = [
        (name, file) for *names, file in said for name in names if name and name not in (ROOT / file).read_text("utf-8")
    ]
    assert wrong == []
