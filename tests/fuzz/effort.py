"""How many examples: GREENLIGHT_FUZZ times the usual, 1 unless it is set.

`GREENLIGHT_FUZZ=1000 python3 dev.py test tests/fuzz --timeout 0` is a night's work, started by hand.
"""

import os

from hypothesis import HealthCheck, settings


def effort(examples: int) -> settings:
    """Settings for a property that is tried so many times in an ordinary run."""
    times = max(1, int(os.environ.get("GREENLIGHT_FUZZ", "1")))
    return settings(
        max_examples=examples * times,
        # The same examples each time: a find of new ones is a case of its own, and no surprise of an ordinary run.
        derandomize=settings().derandomize and "GREENLIGHT_FUZZ" not in os.environ,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )
