"""Every folder is a room that the documents name, in which stands what they say."""

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Folders of tests that are about the whole and not about a room.
APART = {"attacks", "benchmarks", "browser", "fuzz", "guards", "kill", "model", "project", "settings", "system"}
#: Their insides follow other rooms, or a tool's own order.
CLOSED = {"docs", "tests"}


@pytest.fixture(scope="module")
def folders() -> set[str]:
    """The folders of the repository, two deep, without those of tools."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    files = [Path(name) for name in os.fsdecode(listed.stdout).split("\0") if name and (ROOT / name).is_file()]
    deep = {"/".join(file.parent.parts[:depth]) for file in files for depth in (1, 2)}
    return {name for name in deep if name and not name.startswith(".")}


def _trees() -> list[tuple[str, set[str]]]:
    """Every document with a tree of the rooms, and the folders in it."""
    found = list[tuple[str, set[str]]]()
    for file in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for block in re.findall(r"^```\w*\n(.*?)^```", file.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            if re.search(r"^tasks/ ", block, re.MULTILINE):
                found.append((file.name, set(_names(block))))
    return found


def _names(block: str) -> list[str]:
    names, room = list[str](), ""
    for indent, name in re.findall(r"^( *)(\w+)/ ", block, re.MULTILINE):
        if not indent:
            room = name
        names.append(f"{room}/{name}" if indent else name)
    return names


def test_the_tree_in_the_documents_names_the_folders_that_exist(folders: set[str]) -> None:
    rooms = {name for name in folders if name.split("/")[0] not in CLOSED or "/" not in name}
    trees = _trees()
    assert trees, "no document shows the rooms"
    assert {document: tree ^ rooms for document, tree in trees if tree != rooms} == {}


def test_the_folders_of_tests_follow_the_rooms(folders: set[str]) -> None:
    rooms = {name.split("/")[-1] for name in folders if name.split("/")[0] not in CLOSED}
    assert {name.split("/")[1] for name in folders if name.startswith("tests/")} - rooms - APART == set()


@pytest.mark.parametrize("file", sorted((ROOT / "tasks").glob("[a-z]*.py")), ids=lambda file: file.name)
def test_what_stands_among_the_tasks_holds_one(file: Path) -> None:
    decorated = [
        ast.unparse(decorator).split("(")[0]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.AsyncFunctionDef)
        for decorator in node.decorator_list
    ]
    assert "task" in decorated
