"""What is known of an integration that a person has withdrawn."""

import pytest

from greenlight.domain.conditions import EFFECT, when_withdrawn
from greenlight.domain.reasons import EXPLANATIONS, Mover, Outcome, Reason
from greenlight.domain.status import Status


@pytest.mark.parametrize("observed", Status)
def test_whose_move_it_is_depends_on_what_cannot_be_undone(observed: Status) -> None:
    """What LinkedIn has enabled stays enabled there, and only a person can ask for its end."""
    known = when_withdrawn(observed)
    if observed in EFFECT:
        assert (known.outcome, known.reason) == (Outcome.ALREADY_ENABLED, Reason.ENABLED_BUT_WITHDRAWN)
    else:
        assert (known.outcome, known.reason) == (Outcome.WAITING, Reason.WITHDRAWN)
    assert EXPLANATIONS[known.reason].mover is (Mover.US if observed in EFFECT else Mover.NOBODY)
