"""What was answered, or given up, and takes effect only later: a gateway answers before LinkedIn does."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock

from sandbox.keys import Key

Place = tuple[str, Key]


@dataclass(order=True)
class _Effect:
    """`land` carries it out as of `due`, in seconds of the sandbox's clock."""

    due: float
    number: int
    places: list[Place] = field(compare=False)
    land: Callable[[float], object] = field(compare=False)


class Late:
    """A queue by due time. `lock` is held by whoever carries out an enable: tests look from another thread."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._queue: list[_Effect] = []
        self._put = 0
        self._waiting: Counter[Place] = Counter()

    def put(self, due: float, client_id: str, keys: Iterable[Key], land: Callable[[float], object]) -> None:
        with self.lock:
            places = [(client_id, key) for key in keys]
            self._waiting.update(places)
            self._put += 1
            heapq.heappush(self._queue, _Effect(due, self._put, places, land))

    def land(self, now: float) -> None:
        """Carries out what is due, in order; each as of its own time, whenever somebody comes to look."""
        with self.lock:
            while self._queue and self._queue[0].due <= now:
                effect = heapq.heappop(self._queue)
                self._waiting.subtract(effect.places)
                effect.land(effect.due)

    @contextmanager
    def stalled(self, client_id: str, keys: Iterable[Key]) -> Iterator[None]:
        """Counts the keys as waiting while their request hangs before it is carried out."""
        places = [(client_id, key) for key in keys]
        with self.lock:
            self._waiting.update(places)
        try:
            yield
        finally:
            with self.lock:
                self._waiting.subtract(places)

    def waits(self, client_id: str, key: Key) -> bool:
        """Whether an enable of this key was received whose effect may still come."""
        with self.lock:
            return self._waiting[client_id, key] > 0
