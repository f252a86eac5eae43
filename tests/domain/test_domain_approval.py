"""Whose approval counts: a name is the same person's in another dress."""

import pytest

from greenlight.domain.approval import same_person


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada", "Ada", True),
        ("Ada", " ada ", True),
        ("Ada  Lovelace", "ADA LOVELACE", True),
        ("\uff21da", "Ada", True),
        ("Ada", "Bob", False),
        ("Ada", "", False),
    ],
)
def test_a_name_is_the_same_persons_in_another_dress(one: str, other: str, same: bool) -> None:
    assert same_person(one, other) is same_person(other, one) is same
