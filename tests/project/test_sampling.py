"""The sample that `python3 dev.py test` runs: every room is in it, and the same seed gives the same tests."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings

import dev
from tests.sampling import ROOMS, TESTS, Part, choose, room_of

ENGINES = ("sqlite", "postgres")


class Item:
    """What the sample asks of a test: its file, its function, its cases."""

    def __init__(self, file: str, name: str, *cases: str, marks: Collection[str] = ()) -> None:
        self.get_closest_marker = {mark: mark for mark in marks}.get
        self.path, self.nodeid = TESTS / file, f"{file}::{name}[{'-'.join(cases)}]"
        if cases:
            self.callspec = SimpleNamespace(params={"engine_name": cases[-1]})


@pytest.fixture(scope="module")
def everything() -> list[Any]:
    """Three files of ten tests for each room, on both databases."""
    return [
        Item(f"{room}/test_{file}.py", f"test_{number}", engine)
        for room in ROOMS
        for file in range(3)
        for number in range(10)
        for engine in ENGINES
    ]


def test_each_folder_with_tests_has_its_line() -> None:
    assert {room_of(file) for file in TESTS.rglob("test_*.py")} == set(ROOMS)


def test_a_folder_without_a_line_is_named() -> None:
    with pytest.raises(pytest.UsageError, match="tests/cellar has no line"):
        choose([Item("cellar/deep/test_a.py", "test_b")], "0")


def test_a_room_of_which_nothing_would_be_there_is_named(everything: list[Any]) -> None:
    with pytest.raises(pytest.UsageError, match="nothing of tests/ats is in this sample"):
        choose(everything, "0", ROOMS | {"ats": Part(files=0)})
    with pytest.raises(pytest.UsageError, match="nothing of tests/ats is in this sample"):
        choose([Item("ats/test_0.py", "test_new", marks=["long"])], "0")


@pytest.mark.parametrize("seed", ["0", "1", "2026"])
def test_every_room_is_in_each_sample(everything: list[Any], seed: str) -> None:
    assert {room_of(one.path) for one in choose(everything, seed)} == set(ROOMS)


def test_one_seed_gives_one_sample_and_another_another(everything: list[Any]) -> None:
    assert choose(everything, "7") == choose(everything, "7") != choose(everything, "8")


def test_a_room_follows_from_its_own_tests_alone(everything: list[Any]) -> None:
    """A new test in one room changes nothing of what is drawn in the others."""
    more = [*everything, Item("ats/test_0.py", "test_new")]
    assert [one for one in choose(more, "0") if "test_new" not in one.nodeid] == choose(everything, "0")


def test_limits_are_kept_and_files_are_chosen_before_tests(everything: list[Any]) -> None:
    rooms = dict.fromkeys(ROOMS, Part(files=2, each=4))
    chosen = choose(everything, "0", rooms)
    files = Counter(one.path for one in chosen)
    assert set(files.values()) == {4}
    assert set(Counter(room_of(file) for file in files).values()) == {2}


def test_each_test_is_there_on_one_of_its_databases() -> None:
    items = [Item("flows/test_a.py", f"test_{n}", "case", engine) for n in range(40) for engine in ENGINES]
    chosen = choose(items, "0", {"flows": Part(engines=1)})
    assert len({one.nodeid.partition("[")[0] for one in chosen}) == len(chosen) == 40
    assert {one.callspec.params["engine_name"] for one in chosen} == set(ENGINES)


def test_what_is_long_is_left_to_the_whole(everything: list[Any]) -> None:
    assert choose([*everything, Item("ats/test_0.py", "test_new", marks=["long"])], "0") == choose(everything, "0")


def test_what_hypothesis_generates_follows_from_the_seed(seed: int, pytestconfig: pytest.Config) -> None:
    assert settings().derandomize != bool(seed)
    assert seed == 0 or int(pytestconfig.option.hypothesis_seed) == seed


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], [*dev.SIDE_BY_SIDE, "--sample"]),
        (["--seed=7"], [*dev.SIDE_BY_SIDE, "--sample", "--seed=7"]),
        (["--all"], [*dev.SIDE_BY_SIDE, "--sample", "--all"]),
        (["tests/domain", "-q"], ["tests/domain", "-q"]),
        (["--seed=7", "tests/domain"], ["--seed=7", "tests/domain"]),
    ],
)
def test_what_is_named_is_run_as_it_is(words: list[str], told: list[str]) -> None:
    assert dev.wanted_tests(words) == told


def pytest_says(*words: str) -> str:
    """Of the tests of a small room, none of which is run."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--setup-plan", *words, "tests/system"]
    done = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_last_lines_say_how_much_was_run_and_how_to_run_it_again() -> None:
    """Two processes have to draw the same: xdist refuses to run what they do not agree on."""
    said = pytest_says("--sample", "--seed=new", "-n2")
    drawn = re.search(r"a sample of (\d+) of (\d+) tests, seed ([1-9]\d*); the whole: python3 dev.py test --all", said)
    assert drawn is not None, said
    assert 0 < int(drawn[1]) < int(drawn[2])


def test_all_is_no_sample() -> None:
    assert "a sample of" not in pytest_says("--sample", "--all", "-n0")
