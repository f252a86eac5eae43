"""A run leaves the garbage collector as it found it, and what was there before is not gone through meanwhile."""

import gc
from contextlib import ExitStack

import pytest

from tasks.parts.collector import YOUNG_OBJECTS, collecting_less


def test_what_was_there_before_is_out_of_its_way_until_the_end() -> None:
    mine, before = [object()], gc.get_threshold()
    with collecting_less():
        assert not any(one is mine for one in gc.get_objects())
        assert gc.get_threshold()[0] >= YOUNG_OBJECTS
    assert any(one is mine for one in gc.get_objects())
    assert gc.get_threshold() == before


def _failing() -> None:
    with collecting_less():
        raise RuntimeError


def test_it_is_as_before_where_a_run_failed() -> None:
    before = gc.get_threshold()
    with pytest.raises(RuntimeError):
        _failing()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def test_of_runs_that_overlap_the_last_one_to_end_leaves_it_as_it_was() -> None:
    before = gc.get_threshold()
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(collecting_less())
        second.enter_context(collecting_less())
        first.close()
        assert gc.get_threshold()[0] >= YOUNG_OBJECTS
        assert gc.get_freeze_count() > 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
