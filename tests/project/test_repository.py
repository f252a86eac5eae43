"""What every file in the repository keeps to."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Put together here, so that this file does not name them itself.
REGISTRY_MARKS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "yarnpkg" + ".com",
    "deb.debian" + ".org",
    "conda.anaconda" + ".org",
    "source = { " + "registry",
]
LONGEST = 300
# Raised only together with the line that needs it.
EXCEPTIONS_ALLOWED = 16
EXCEPTION = re.compile(r"#.*?\b(type:\s*ignore|pyright:\s*\w+|noqa|pragma:\s*no\s?cover)")


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    # A file that is removed but not yet committed is still listed.
    files = [ROOT / name for name in os.fsdecode(listed.stdout).split("\0") if name]
    return [file for file in files if file.is_file()]


def lines_of(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_no_file_names_a_package_registry(tracked: list[Path]) -> None:
    marks = [mark.encode() for mark in REGISTRY_MARKS]
    assert [name_of(file) for file in tracked if any(mark in file.read_bytes() for mark in marks)] == []


def test_no_python_file_is_too_long_to_be_read_at_once(tracked: list[Path]) -> None:
    lengths = {name_of(file): len(lines_of(file)) for file in tracked if file.suffix == ".py"}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_exceptions_to_the_checks_are_rationed(tracked: list[Path]) -> None:
    sources = [file for file in tracked if file.suffix == ".py" and ROOT / "tests" not in file.parents]
    found = [
        f"{name_of(file)}: {line.strip()}" for file in sources for line in lines_of(file) if EXCEPTION.search(line)
    ]
    assert len(found) <= EXCEPTIONS_ALLOWED, "\n".join(found)


def test_the_api_server_can_be_imported(tmp_path: Path) -> None:
    """A FastAPI that the Prefect server cannot use breaks it at its import."""
    done = subprocess.run(
        [sys.executable, "-c", "from prefect.server.api.server import create_app"],
        env={**os.environ, "HOME": str(tmp_path), "PREFECT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
