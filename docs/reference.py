"""Pages that are generated from the code: `python docs/reference.py` writes them, `--check` fails if one is stale."""

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from greenlight.domain.reasons import EXPLANATIONS

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
#: The packages, from the street to the cellar.
ROOMS = ("cli", "flows", "portal", "tasks", "blocks", "greenlight", "sandbox", "deployments")
#: Characters from which a sentence is enough to tell a file by.
SHORT = 50

_HEAD = """# Reason codes

Generated from `greenlight/domain/reasons.py` by `python3 dev.py run python docs/reference.py`; do not edit.
Every item of a report has exactly one of these, with its remedy and whose move it is. The steps are
[the four of LinkedIn's page](linkedin.md#the-four-steps).

| reason | what it says | what to do | whose move | comes from |
|---|---|---|---|---|
"""


#: How code names a place in these pages.
_PAGE = re.compile(r"docs/([\w./-]+\.md#[\w-]+)")


def _linked(source: str) -> str:
    return _PAGE.sub(r"[\1](\1)", source)


def reasons_page(_: str) -> str:
    rows = (
        f"| `{reason}` | {e.message} | {e.remedy} | {e.mover} | {_linked(e.source)} |\n"
        for reason, e in EXPLANATIONS.items()
    )
    return _HEAD + "".join(rows)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _sources() -> Iterator[tuple[str, str, ast.Module]]:
    """Room, path and syntax tree of each file of the product that is not empty."""
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            if text.strip():
                yield room, file.relative_to(ROOT).as_posix(), ast.parse(text)


def _says(docstring: str) -> str:
    """As many of a docstring's first sentences as say something, without what they cite."""
    text = re.sub(r",? ?\(docs/[^)]*\)|, docs/\S+(?=\.)", "", _cell(docstring.split("\n\n")[0]))
    said = ""
    for sentence in re.split(r"(?<=\.) (?=[A-Z`])", text):
        said = f"{said} {sentence}".strip()
        if len(said) >= SHORT:
            break
    return said


def _files() -> str:
    out, before = "", ""
    for room, path, tree in _sources():
        if room != before:
            out += f"\n### {room}\n\n| file | what for |\n|---|---|\n"
        before = room
        out += f"| `{path}` | {_says(ast.get_docstring(tree) or '')} |\n"
    return out


def _is_number(value: ast.expr | None) -> bool:
    """A number, or what is reckoned with one: a sum, a span of time, also as a database writes it, a row of them."""
    match value:
        case ast.Constant(value=str(text)):
            return re.fullmatch(r"\d+(?:ms|s|min|h)?", text) is not None
        case ast.Constant(value=number):
            return isinstance(number, int | float) and not isinstance(number, bool)
        case ast.BinOp(left=left, right=right):
            return _is_number(left) or _is_number(right)
        case ast.Tuple(elts=parts):
            return bool(parts) and all(map(_is_number, parts))
        case ast.Dict(keys=keys, values=parts):
            # What is taken over from elsewhere has no key.
            own = [part for key, part in zip(keys, parts, strict=True) if key is not None]
            return bool(own) and all(map(_is_number, own))
        case ast.Call(func=ast.Name(id="tuple"), args=[ast.GeneratorExp(elt=each)]):
            return _is_number(each)
        case ast.Call(func=ast.Name(id=name)):
            return name == "timedelta" or name.startswith("RateLimitItem")
    return False


def _constant(line: ast.stmt) -> list[str]:
    """The names of constants that this statement gives numbers to."""
    match line:
        case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=value):
            names = [each.id for each in ast.walk(target) if isinstance(each, ast.Name)]
            return names if _is_number(value) and all(re.fullmatch(r"_?[A-Z][A-Z_0-9]*", n) for n in names) else []
    return []


def _numbers() -> str:
    out = "\n| constant | value | bounds | where |\n|---|---|---|---|\n"
    for _, path, tree in _sources():
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        end = 0
        rows: list[tuple[str, str, str]] = []
        for each in tree.body:
            names = ", ".join(f"`{name}`" for name in _constant(each))
            if not names or "/versions/" in path:
                continue
            value = f"`{_cell(' '.join(lines[each.lineno - 1 : each.end_lineno]).split(' = ', 1)[1].split('  # ')[0])}`"
            said = _said(lines, each.lineno)
            if not said and rows and end == each.lineno - 1:
                # Constants that stand together share what is said above the first.
                names, value, said = (f"{rows[-1][0]}, {names}", f"{rows[-1][1]}, {value}", rows[-1][2])
                rows.pop()
            rows.append((names, value, said))
            end = each.end_lineno or each.lineno
        out += "".join(f"| {names} | {value} | {said} | `{path}` |\n" for names, value, said in rows)
    return out


def _said(lines: list[str], number: int) -> str:
    """The comment at the end of this line, or right above it."""
    if "  # " in lines[number - 1]:
        return _cell(lines[number - 1].split("  # ")[1])
    above = number - 1
    while above and lines[above - 1].startswith("#"):
        above -= 1
    return _cell(" ".join(line.lstrip("#: ") for line in lines[above : number - 1]))


def where_page(text: str) -> str:
    """The page as it is, with what is generated between its marks written anew."""
    for mark, write in (("numbers", _numbers), ("files", _files)):
        begins, ends = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
        above, _, rest = text.partition(begins)
        below = rest.partition(ends)[2]
        text = f"{above}{begins}\n{write()}\n{ends}{below}"
    return text


def _schemas() -> dict[str, Callable[[str], str]]:
    """A file for each document that commands print."""
    # This folder is no package: it stands on the path where this is run as a program.
    sys.path.append(str(DOCS))
    from documents import schemas

    written = {name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas().items()}
    return {f"schemas/{name.replace('/', '-')}.json": (lambda _, text=text: text) for name, text in written.items()}


def commands_page(_: str) -> str:
    """Every command as its own help tells it."""
    from cli.app import app

    text = app.generate_docs(output_format="markdown").partition("\n")[2].strip()
    # A link to it would lead somewhere else on every renderer.
    text = re.sub(r"\[(`--install-completion`)\]\(#[\w-]+\)", r"\1", text)
    return f"""# Commands

Generated from the command line's own help by `python3 dev.py run python docs/reference.py`; do not edit.
What a command ends with is told in [What others may rely on](interface.md#exit-codes), and what it reads in
[Using it](using.md).

{text}
"""


PAGES: dict[str, Callable[[str], str]] = {
    "reasons.md": reasons_page,
    "commands.md": commands_page,
    "where-to-change.md": where_page,
}


def main(arguments: list[str]) -> int:
    stale = 0
    pages = PAGES | _schemas()
    for gone in {*(DOCS / "schemas").glob("*.json")} - {DOCS / name for name in pages}:
        sys.stderr.write(f"{gone} is of no document; delete it\n")
        stale = 1
    for name, write in pages.items():
        page = DOCS / name
        old = page.read_text(encoding="utf-8") if page.exists() else ""
        new = write(old)
        if new == old:
            continue
        if "--check" in arguments:
            sys.stderr.write(f"{page} is stale; run python3 dev.py run python docs/reference.py\n")
            stale = 1
        else:
            page.parent.mkdir(exist_ok=True)
            page.write_text(new, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
