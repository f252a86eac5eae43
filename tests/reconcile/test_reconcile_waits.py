"""How long a try waits before the next: as LinkedIn asks, but never for ever."""

import pytest

from greenlight.domain.reasons import Reason
from greenlight.domain.status import NOT_REQUESTED
from greenlight.linkedin.errors import LinkedInError
from greenlight.reconcile.observe import WorkLeft, wait_of


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        pytest.param(None, 0.0, id="nothing asked"),
        pytest.param(7.0, 7.0, id="as asked"),
        pytest.param(1e9, 30.0, id="thirty years are not slept through"),
        pytest.param(float("inf"), 30.0, id="nor is for ever"),
    ],
)
def test_the_wait_is_bounded(retry_after: float | None, seconds: float) -> None:
    assert wait_of(LinkedInError(Reason.THROTTLED, retry_after=retry_after)) == seconds


def test_what_was_seen_asks_for_no_wait() -> None:
    assert wait_of(NOT_REQUESTED) == 0.0


def test_a_chunk_waits_as_long_as_the_longest_of_its_items() -> None:
    assert WorkLeft(1, 3.0) | WorkLeft(2, 5.0) | WorkLeft() == WorkLeft(3, 5.0)
