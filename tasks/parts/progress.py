"""How far a run has come, for whoever watches it. Nobody has to."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

Listener = Callable[["Step"], None]


@dataclass(frozen=True, slots=True)
class Step:
    """`done` more of the `total` integrations of this stage; `done` is 0 when the stage begins."""

    stage: str
    done: int
    total: int


LISTENER: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)
#: Who is told the id of a run whose end is on record; what follows it is only shown.
RECORDED: ContextVar[Callable[[str], None] | None] = ContextVar("recorded_listener", default=None)


def report(stage: str, done: int, total: int) -> None:
    listener = LISTENER.get()
    if listener is not None:
        listener(Step(stage, done, total))


def recorded(run_id: str) -> None:
    listener = RECORDED.get()
    if listener is not None:
        listener(run_id)
