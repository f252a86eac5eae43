"""Documents that are cited exist, and so do the sections that are named: in code, settings and other documents."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READ = {".py", ".md", ".yaml", ".yml", ".toml", ".js", ".html"}

#: How code and settings cite: from the root, with the section where it is not the whole page.
CITATION = re.compile(r"(?<![\w./-])((?:docs|sandbox|deployments|tests|changes)/[\w./-]+\.md)(?:#([\w-]+))?")
#: How documents cite: relative to where they stand.
LINK = re.compile(r"\[[^\]\n]*\]\(([^()\s]+)\)")
FENCE = re.compile(r"^(```+|~~~+).*?^\1", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)

#: Papers that never were in the repository. What they said is in docs/, and is cited from there.
RETIRED = re.compile(
    r"fact sheet|\bseed (?:steps?|rows?)\b|\bthe seed's\b|\bas the seed\b|\(seed[, ]"
    r'|\(facts?, section|\((?:design|house|interface)(?:[,)]| ")',
    re.IGNORECASE,
)


def tracked() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return []
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    files = [ROOT / name for name in os.fsdecode(listed.stdout).split("\0") if name]
    # This file names what it looks for.
    return [file for file in files if file.suffix in READ and file.is_file() and file != Path(__file__)]


@cache
def sections(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    found: dict[str, int] = {}
    anchors: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        again = found[anchor] = found.get(anchor, -1) + 1
        anchors.add(f"{anchor}-{again}" if again else anchor)
    return frozenset(anchors)


def broken(page: Path, section: str | None) -> str | None:
    """What is wrong with a citation of that page."""
    if not page.exists():
        return "is not there"
    if section and page.suffix == ".md" and section not in sections(page):
        return f"has no section #{section}"
    return None


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def files() -> list[Path]:
    found = tracked()
    if not found:
        pytest.skip("not a git checkout")
    return found


def test_what_is_cited_from_the_root_is_there(files: list[Path]) -> None:
    cited = [
        (file, ROOT / page, section) for file in files for page, section in CITATION.findall(file.read_text("utf-8"))
    ]
    assert len(cited) > 100, "else citations are written in another way than is looked for"
    wrong = {
        f"{name_of(file)}: {name_of(page)} {why}" for file, page, section in cited if (why := broken(page, section))
    }
    assert wrong == set()


def test_links_between_documents_lead_somewhere(files: list[Path]) -> None:
    wrong: list[str] = []
    for file in (file for file in files if file.suffix == ".md"):
        for target in LINK.findall(FENCE.sub("", file.read_text("utf-8"))):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, section = target.partition("#")
            page = Path(os.path.normpath(file.parent / path)) if path else file
            why = broken(page, section)
            wrong += [f"{name_of(file)}: {target} {why}"] if why else []
    assert wrong == []


def test_no_line_cites_a_paper_that_is_not_in_the_repository(files: list[Path]) -> None:
    found = [
        f"{name_of(file)}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if RETIRED.search(line)
    ]
    assert found == []


def test_each_word_of_the_glossary_has_one_meaning_and_its_place() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8").split("## Words that have two meanings today")[0]
    parts = [re.findall(r"^\| ([^|]+?) \| \S", part, re.MULTILINE)[1:] for part in text.split("\n## ")[1:]]
    words = [word for part in parts for word in part]
    assert len(words) > 50
    assert sorted(words) == sorted(set(words)), "a word that stands twice"
    assert [part for part in parts if part != sorted(part, key=str.casefold)] == [], "by the alphabet, to be found"
