"""Whom a run is about, as it travels in the parameters of a flow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from greenlight.domain.selection import Selection
from tests.domain.things import QUIET

names = st.lists(st.text(max_size=5), max_size=3).map(tuple)


def test_nothing_said_means_all_of_all() -> None:
    assert Selection() == Selection(customers=(), excluded=(), types=())


@QUIET
@given(names, names, names)
def test_a_selection_survives_the_way_through_json(customers: tuple, excluded: tuple, types: tuple) -> None:
    """Flow parameters are JSON, where a tuple becomes a list."""
    selection = Selection(customers=customers, excluded=excluded, types=types)
    back = Selection.model_validate_json(selection.model_dump_json())
    assert (back.customers, back.excluded, back.types) == (customers, excluded, types)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"customer": ["acme"]}, id="a misspelt name would widen the run to everybody"),
        pytest.param({"customers": "acme"}, id="a text is not a list of four letters"),
        pytest.param({"customers": None}, id="nobody is not everybody"),
        pytest.param({"types": [1]}, id="a number is not a type"),
    ],
)
def test_a_selection_that_could_be_misread_is_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        Selection.model_validate(wrong)


def test_a_selection_does_not_change_under_a_run() -> None:
    selection = Selection(customers=("acme",))
    with pytest.raises(ValidationError, match="frozen"):
        selection.customers = ()  # type: ignore[misc]
    assert selection.customers == ("acme",)
