"""Pages that are generated from the code: `python docs/reference.py` writes them, `--check` fails if one is stale."""

import re
import sys
from pathlib import Path

from greenlight.domain.reasons import EXPLANATIONS

_HEAD = """# Reason codes

Generated from `greenlight/domain/reasons.py` by `python docs/reference.py`; do not edit.
Every item of a report has exactly one of these, with its remedy and whose move it is. The steps are
[the four of LinkedIn's page](linkedin.md#the-four-steps).

| reason | what it says | what to do | whose move | comes from |
|---|---|---|---|---|
"""


#: How code names a place in these pages.
_PAGE = re.compile(r"docs/([\w./-]+\.md#[\w-]+)")


def _linked(source: str) -> str:
    return _PAGE.sub(r"[\1](\1)", source)


def reasons_page() -> str:
    rows = (
        f"| `{reason}` | {e.message} | {e.remedy} | {e.mover} | {_linked(e.source)} |\n"
        for reason, e in EXPLANATIONS.items()
    )
    return _HEAD + "".join(rows)


def main(arguments: list[str]) -> int:
    page = Path(__file__).parent / "reasons.md"
    text = reasons_page()
    if "--check" in arguments:
        stale = not page.exists() or page.read_text(encoding="utf-8") != text
        sys.stderr.write(f"{page} is stale; run python docs/reference.py\n" if stale else "")
        return int(stale)
    page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
