"""At a release: `python docs/changelog.py VERSION DATE` moves the fragments of changes/ into CHANGELOG.md."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

KINDS = ("added", "changed", "fixed", "removed", "security")
NAME = re.compile(rf"[a-z0-9]+(?:-[a-z0-9]+)*\.({'|'.join(KINDS)})\.md")
MARK = "<!-- releases -->\n"
_NOTHING_YET = "\nNothing is released yet.\n"


def fragments(root: Path) -> list[Path]:
    """The files of changes/ but its README, by name. Raises ValueError for one whose name says no kind."""
    found = sorted(file for file in (root / "changes").iterdir() if file.name != "README.md")
    for file in found:
        if not NAME.fullmatch(file.name):
            raise ValueError(f"changes/{file.name} is not called NAME.KIND.md with a kind of {', '.join(KINDS)}")
    return found


def section(version: str, date: str, files: list[Path]) -> str:
    """What a release says: its kinds in order, each fragment an entry of a list."""

    def lines() -> Iterator[str]:
        yield f"\n## {version} ({date})\n"
        for kind in KINDS:
            texts = [file.read_text(encoding="utf-8").strip() for file in files if file.name.endswith(f".{kind}.md")]
            if texts:
                yield f"\n### {kind.capitalize()}\n\n"
            for text in texts:
                yield "- " + text.replace("\n", "\n  ") + "\n"

    return "".join(lines())


def gather(root: Path, version: str, date: str) -> None:
    """Put all fragments under a heading of their release, and delete them."""
    page = root / "CHANGELOG.md"
    files = fragments(root)
    above, mark, below = page.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise ValueError(f"CHANGELOG.md has lost its line {MARK.strip()}")
    page.write_text(above + mark + section(version, date, files) + below.replace(_NOTHING_YET, ""), encoding="utf-8")
    for file in files:
        file.unlink()


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        sys.stderr.write("usage: python docs/changelog.py VERSION DATE\n")
        return 2
    try:
        gather(Path(__file__).resolve().parents[1], *arguments)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
