"""A seed for all that is drawn, and a sample of the tests that ends within minutes: `--seed` and `--sample`.

A sample runs every room: what is quick is there as a whole, and of what starts servers, processes and browsers the seed
chooses some files, and some tests in each, since the tests of a file share what is slow to start.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

#: Whoever gives no seed runs what everybody runs, which is the same each time.
EVERYBODYS = "0"
TESTS = Path(__file__).parent


@dataclass(frozen=True)
class Part:
    """How much of a room a sample takes: everything, unless there is a limit."""

    #: On how many databases a test runs that can run on each.
    engines: int = 2
    files: int = 10_000
    #: Tests of each file.
    each: int = 10_000


WHOLE = Part()

#: Each folder of tests. The figures are chosen so that a sample takes less than eight minutes of one processor.
ROOMS = {
    "api": Part(engines=1, files=3, each=20),
    "ats": Part(engines=1),
    "attacks": Part(files=3, each=4),
    "benchmarks": WHOLE,
    "blocks": Part(files=2, each=8),
    "browser": Part(files=1, each=2),
    "cli": Part(engines=1, files=6, each=4),
    "deployments": Part(files=3, each=15),
    "domain": WHOLE,
    "flows": Part(engines=1, files=4, each=4),
    "fuzz": WHOLE,
    "desired": Part(engines=1),
    "intake": WHOLE,
    "kill": Part(engines=1, files=3, each=1),
    "linkedin": WHOLE,
    "model": Part(engines=1),
    "portal": Part(engines=1),
    "project": WHOLE,
    "reconcile": WHOLE,
    "sandbox": WHOLE,
    "settings": WHOLE,
    "system": Part(files=1, each=2),
    "tasks": Part(engines=1, files=3, each=4),
    "webhooks": WHOLE,
}

#: How many tests were chosen, of how many.
_COUNTED = pytest.StashKey[tuple[int, int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("greenlight")
    group.addoption("--sample", action="store_true", help="a sample of the tests, in minutes")
    group.addoption("--all", action="store_false", dest="sample", help="all tests, as without --sample")
    group.addoption(
        "--seed",
        default=EVERYBODYS,
        help=f"a number that everything drawn follows from ({EVERYBODYS}), or `new` for one that nobody has tried",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if (given := getattr(config, "workerinput", None)) is not None:
        config.option.seed = given["seed"]
    if config.option.seed == "new":
        config.option.seed = str(random.SystemRandom().randrange(1, 1_000_000))
    if not config.option.seed.isdecimal():
        raise pytest.UsageError("--seed takes a number, or `new`")
    everybodys = config.option.seed == EVERYBODYS
    if not everybodys and config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = config.option.seed
    # A busy machine is no reason to fail.
    calm = [HealthCheck.too_slow]
    settings.register_profile("patient", deadline=None, suppress_health_check=calm, derandomize=everybodys)
    settings.load_profile("patient")


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """What everything drawn in a test follows from."""
    return int(pytestconfig.option.seed)


@pytest.fixture(scope="session")
def sampled(pytestconfig: pytest.Config) -> bool:
    """Whether a test that tries many cases tries a few."""
    return pytestconfig.option.sample


def room_of(path: Path) -> str:
    """The folder of tests that a file stands in, however deep."""
    return path.relative_to(TESTS).parts[0]


def choose(items: Sequence[pytest.Item], seed: str, rooms: dict[str, Part] = ROOMS) -> list[pytest.Item]:
    """The sample's tests, those that take long before those that do not. Raises UsageError for a room without any."""
    chosen = list[pytest.Item]()
    for room, there in grouped(items, lambda item: room_of(item.path)).items():
        if room not in rooms:
            raise pytest.UsageError(f"tests/{room} has no line in tests/sampling.py: how much of it is in a sample?")
        short = [item for item in there if item.get_closest_marker("long") is None]
        some = choose_in_room(short, rooms[room], random.Random(f"{seed} {room}"))
        if not some:
            raise pytest.UsageError(f"nothing of tests/{room} is in this sample: is every test there marked as long?")
        chosen += some
    return sorted(chosen, key=lambda item: rooms[room_of(item.path)] == WHOLE)


def choose_in_room(items: Iterable[pytest.Item], part: Part, draw: random.Random) -> list[pytest.Item]:
    """In the order in which they came."""
    alike = grouped(items, on_any_database).values()
    kept = {item for same in alike for item in draw.sample(same, min(part.engines, len(same)))}
    files = grouped([item for item in items if item in kept], lambda item: item.path)
    some = draw.sample(list(files), min(part.files, len(files)))
    kept = {item for file in some for item in draw.sample(files[file], min(part.each, len(files[file])))}
    return [item for item in items if item in kept]


def on_any_database(item: pytest.Item) -> str:
    """A name that a test has in common with itself on another database."""
    cases = getattr(item, "callspec", None)
    engine = cases.params.get("engine_name") if cases else None
    return item.nodeid.replace(engine, "") if engine else item.nodeid


def grouped(items: Iterable[Any], key: Callable[[Any], Hashable]) -> dict[Any, list[Any]]:
    groups = defaultdict[Any, list[Any]](list)
    for item in items:
        groups[key(item)].append(item)
    return dict(groups)


# After whatever else leaves tests out, as `-k` does.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.option.sample:
        return
    chosen = choose(items, config.option.seed)
    config.stash[_COUNTED] = len(chosen), len(items)
    kept = set(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = chosen


def pytest_report_header(config: pytest.Config) -> str:
    return f"seed: {config.option.seed}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process beside others tells the one that prints."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["sample"] = session.config.stash.get(_COUNTED, None)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """All processes draw from one seed."""
    node.workerinput["seed"] = node.config.option.seed


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    if counted := getattr(node, "workeroutput", {}).get("sample"):
        node.config.stash[_COUNTED] = counted


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if counted := config.stash.get(_COUNTED, None):
        terminalreporter.write_line(
            f"a sample of {counted[0]} of {counted[1]} tests, seed {config.option.seed}; "
            "the whole: python3 dev.py test --all"
        )
    elif config.option.seed != EVERYBODYS:
        terminalreporter.write_line(f"seed {config.option.seed}")
