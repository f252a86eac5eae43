"""The documentation as a site: it builds without a warning, needs nothing from elsewhere, and its commands exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import CycloptsError, MissingArgumentError
from mkdocs.commands.build import build
from mkdocs.config import load_config

from cli.app import app

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]
#: Written by the command line's own help.
GENERATED = {"commands.md", "where-to-change.md"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    # Strict: a dead link, a lost anchor or a page in no menu is an error.
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder)))
    return folder


def test_every_page_of_the_documents_is_on_the_site(site: Path) -> None:
    pages = {file.relative_to(site).with_suffix(".md").as_posix() for file in site.rglob("*.html")}
    written = {file.relative_to(ROOT / "docs").as_posix() for file in (ROOT / "docs").rglob("*.md")}
    assert {page.replace("index.md", "README.md") for page in pages - {"404.md"}} == {
        name.replace("index.md", "README.md") for name in written
    }


def test_the_site_asks_nobody_else_for_anything(site: Path) -> None:
    asked = re.compile(r"""<(?:script|img|iframe)[^>]*\ssrc="?(https?:[^"\s>]+)|<link[^>]*\shref="?(https?:[^"\s>]+)""")
    found = {f"{file.name}: {match[0]}" for file in site.rglob("*.html") for match in asked.finditer(file.read_text())}
    assert found == set()
    picture = (ROOT / "docs/pictures/plan.svg").read_text(encoding="utf-8")
    assert "url(http" not in picture
    assert "url(&quot;http" not in picture


def _typed() -> Iterator[tuple[str, str]]:
    """Where a document shows a command of ours, and the command; in blocks and in the middle of sentences."""
    for file in DOCUMENTS:
        if file.name in GENERATED:
            continue
        text = file.read_text(encoding="utf-8")
        for _, language, block in re.findall(r"^( *)```(\w*)\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE):
            if language in ("", "sh", "bash", "console"):
                yield from ((file.name, line) for line in block.splitlines())
        yield from ((file.name, quoted) for quoted in re.findall(r"`((?:greenlight|python3 dev\.py) [^`\n]+)`", text))


def _of(program: str) -> list[tuple[str, list[str]]]:
    found = list[tuple[str, list[str]]]()
    for where, line in _typed():
        command = line.strip().removeprefix("$ ")
        if command.startswith(f"{program} "):
            words = [word for word in shlex.split(command, comments=True) if word != "&"]
            found.append((f"{where}: {command}", words[len(program.split()) :]))
    return found


def test_every_greenlight_command_in_the_documents_can_be_typed() -> None:
    commands, wrong = _of("greenlight"), list[str]()
    assert len(commands) > 40
    for where, words in commands:
        try:
            app.parse_args([*words], exit_on_error=False, print_error=False)
        except MissingArgumentError:
            # A sentence may name a command without what it is about.
            continue
        except CycloptsError as error:
            wrong.append(f"{where}: {error}")
    assert wrong == []


def test_every_command_of_dev_py_in_the_documents_is_one() -> None:
    names = re.search(r"names = \((.*)\)", (ROOT / "dev.py").read_text(encoding="utf-8"))
    assert names is not None
    commands = _of("python3 dev.py")
    assert len(commands) > 10
    assert [where for where, words in commands if not words or f'"{words[0]}"' not in names[1]] == []
