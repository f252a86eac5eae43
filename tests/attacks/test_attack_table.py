"""docs/security.md and the tests say the same: every attack has tests, and every test of an attack is in its row."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
NUMBERS = [f"{number:02}" for number in range(1, 26)]


def rows() -> dict[str, list[str]]:
    """The cells of each row of the table, by number."""
    lines = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| \d\d \|", line)]
    assert len({row[0] for row in cells}) == len(cells), "a number twice"
    return {row[0]: row for row in cells}


def attacks_in(folder: Path) -> dict[str, set[str]]:
    """The names of the tests of each attack in the files that pytest collects, without their number."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in folder.rglob("test_*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            match = re.fullmatch(r"test_attack_(\d\d)_(\w+)", getattr(node, "name", ""))
            if match and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[match[1]].add(match[2])
    return found


def test_every_attack_has_a_row_and_a_test() -> None:
    assert list(rows()) == NUMBERS
    assert sorted(attacks_in(ROOT / "tests" / "attacks")) == NUMBERS
    assert set(attacks_in(ROOT / "tests")) == set(NUMBERS), "a test of an attack that there is not"


def test_a_row_names_the_tests_of_its_attack_and_no_others() -> None:
    ours = attacks_in(ROOT / "tests" / "attacks")
    for number, row in rows().items():
        named = re.findall(r"`([a-z_0-9]+)`", row[3])
        assert sorted(named) == sorted(ours[number]), number


def test_a_row_says_everything_and_points_to_rooms_that_are_there() -> None:
    for number, row in rows().items():
        assert len(row) == 4, number
        assert all(row), number
        for room in re.findall(r"`(tests/\w+)`", row[3]):
            assert any((ROOT / room).glob("test_*.py")), room


def test_every_test_of_an_attack_says_why() -> None:
    """Those here; the reason is a sentence of its own."""
    for file in Path(__file__).parent.glob("test_attacks_*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_attack_"):
                assert (ast.get_docstring(node) or "").endswith((".", "?")), node.name
