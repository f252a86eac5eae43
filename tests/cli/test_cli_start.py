"""Packages of other people's that bear the names of ours: told in one sentence, before anything is run."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cli.start import ROOMS, stray

ROOT = Path(__file__).resolve().parents[2]


def start(path: Path, cwd: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "PYTHONPATH": os.pathsep.join([str(path), str(ROOT)])}
    words = [sys.executable, "-c", "from cli.start import main; main()", "migrate", *options]
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("form", ["package", "module"])
def test_somebody_elses_package_is_told_in_one_sentence(tmp_path: Path, room: str, form: str) -> None:
    theirs = tmp_path / "theirs" / room
    theirs.mkdir(parents=True)
    if form == "module":
        theirs.rmdir()
        theirs = theirs.with_suffix(".py")
        theirs.write_text("raise SystemExit('it was run')")
    else:
        (theirs / "__init__.py").write_text("raise SystemExit('it was run')")
    done = start(tmp_path / "theirs", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    said = done.stderr.strip()
    assert said.count("\n") == 0
    assert said.startswith(f"greenlight: `import {room}` finds {theirs}, which is not Greenlight's own in {ROOT}; ")


def test_a_program_is_told_in_its_document(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("")
    done = start(tmp_path, tmp_path, "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["schema"], document["kind"]) == (1, "greenlight.error/1", "input")
    assert done.stderr == f"greenlight: {document['message']}; {document['remedy']}\n"


def test_a_folder_that_is_no_package_hides_nothing(tmp_path: Path) -> None:
    """A working folder with a `tasks` of notes in it is no trouble: Python prefers a real package."""
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "notes.txt").write_text("buy milk")
    done = start(tmp_path, tmp_path)
    assert "import" not in done.stderr


def test_a_part_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.start.ROOMS", ("flows", "flows_that_are_not_there"))
    told = stray()
    assert told is not None
    assert told[0].startswith("`import flows_that_are_not_there` finds nothing in ")


def test_all_that_is_installed_is_looked_at() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {"cli", *ROOMS} == set(packages)
    assert project["project"]["scripts"] == {"greenlight": "cli.start:main"}
