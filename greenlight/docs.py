"""Pages that are generated from the code: `python -m greenlight.docs` writes them, `--check` fails if one is stale."""

import sys
from pathlib import Path

from greenlight.domain.reasons import EXPLANATIONS

_HEAD = """# Reason codes

Generated from `greenlight/domain/reasons.py` by `python -m greenlight.docs`; do not edit.
Every item of a report has exactly one of these, with its remedy and whose move it is.

| reason | what it says | what to do | whose move | comes from |
|---|---|---|---|---|
"""


def reasons_page() -> str:
    rows = (
        f"| `{reason}` | {e.message} | {e.remedy} | {e.mover} | {e.source} |\n" for reason, e in EXPLANATIONS.items()
    )
    return _HEAD + "".join(rows)


def main(arguments: list[str]) -> int:
    page = Path(__file__).parent.parent / "docs" / "reasons.md"
    text = reasons_page()
    if "--check" in arguments:
        stale = not page.exists() or page.read_text(encoding="utf-8") != text
        sys.stderr.write(f"{page} is stale; run python -m greenlight.docs\n" if stale else "")
        return int(stale)
    page.parent.mkdir(exist_ok=True)
    page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
