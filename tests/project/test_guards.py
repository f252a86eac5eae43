"""The list of guards is true: each stands where it says, its tests exist, and people can look it up."""

from pathlib import Path

import pytest

from tests.guards import GUARDS, Guard

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.what)
def test_a_guard_stands_in_its_file_and_its_tests_exist(guard: Guard) -> None:
    code = (ROOT / guard.file).read_text(encoding="utf-8")
    assert guard.without(code) != code
    assert guard.tests
    for test in guard.tests:
        assert (ROOT / test).exists()


def test_the_documents_list_every_guard_with_its_tests() -> None:
    text = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
    listed = [line for line in text.splitlines() if line.startswith("| ") and "`tests/" in line]
    assert listed == [f"| {guard.what} | {', '.join(f'`{test}`' for test in guard.tests)} |" for guard in GUARDS]
