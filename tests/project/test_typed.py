"""Each block of commands in the documents is typed by a test, or stands here with the reason why not."""

import importlib
from collections.abc import Iterator
from pathlib import Path

from tests.system.documents import ROOT, Block, Shown, documents, shown_in

#: What cannot run here, and why.
NOT_TYPED: dict[Block, str] = {
    ("docs/more-machines.md", "export PREFECT_WORKER_QUERY_SECONDS=2"): (
        "workers on other machines; tests/system/test_system_more_machines.py starts such workers here"
    ),
    ("docs/more-machines.md", "export PREFECT_SERVER_EVENTS_CAUSAL_ORDERING=prefect_redis.ordering"): (
        "several servers need Redis, which the tests do not"
    ),
}


def _typed() -> Iterator[Block]:
    for file in sorted((ROOT / "tests" / "system").glob("test_*.py")):
        module = importlib.import_module(f"tests.system.{file.stem}")
        for holder in (module, *(each for each in vars(module).values() if isinstance(each, type))):
            for test in vars(holder).values():
                if getattr(test, "__name__", "").startswith("test_"):
                    yield from getattr(test, "types", ())


def untold(shown: list[Shown], told: set[Block]) -> list[tuple[str, str]]:
    """The blocks that nobody answers for."""
    return [(each.document, each.lines[0]) for each in shown if not any(map(each.is_meant_by, told))]


def test_each_block_is_typed_or_stands_here_with_a_reason() -> None:
    shown = [block for file in documents() for block in shown_in(file)]
    assert len(shown) > 15
    typed = set(_typed())
    assert untold(shown, typed | NOT_TYPED.keys()) == []
    stale = {block for block in typed | NOT_TYPED.keys() if not any(each.is_meant_by(block) for each in shown)}
    assert stale == set(), "in no document any more"
    assert typed & NOT_TYPED.keys() == set(), "typed, and so not to be excused"


def test_a_new_block_that_nobody_types_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```text\na drawing\n```\n1. First\n   ```\n   kubectl apply   # all of it\n   ```\n")
    known = Shown("page.md", ("greenlight status",))
    new = [Shown("page.md", block.lines) for block in shown_in(page, tmp_path)]
    assert untold([known, *new], {("page.md", "greenlight status")}) == [("page.md", "kubectl apply   # all of it")]
    assert untold(new, {("page.md", "kubectl apply")}) == []
