"""How deep JSON may be nested."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.nesting import MAX_NESTING, is_too_deep

json_values = st.recursive(
    st.none() | st.integers() | st.text('[]{}"\\a'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\a'), inner, max_size=3),
    max_leaves=20,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(value=json_values, extra=st.integers(MAX_NESTING - 8, MAX_NESTING + 2))
def test_it_is_the_number_of_lists_and_objects_that_are_open_at_once(value: object, extra: int) -> None:
    nested: object = value
    for turn in range(extra):
        nested = {'[{"': nested} if turn % 2 else ["]", nested, "{"]
    assert is_too_deep(json.dumps(nested)) == (depth(nested) > MAX_NESTING)


@pytest.mark.parametrize(
    "text", ["[]" * 1_000, '"' + "[" * 1_000, '"' + "[" * 1_000 + '"', '"\\"' + "{" * 1_000 + '"', "[" * 100]
)
def test_what_is_beside_one_another_or_in_a_string_is_not_nested(text: str) -> None:
    assert not is_too_deep(text)


@pytest.mark.parametrize("text", ["[" * 101, '{"a":' * 101, '""' + "[{" * 51, '"\\\\"' + "[" * 101])
def test_it_need_not_be_closed(text: str) -> None:
    assert is_too_deep(text)


@given(st.text('"\\[]{}a\n', max_size=300))
def test_no_text_is_an_error(text: str) -> None:
    assert not is_too_deep(text) or text.count("[") + text.count("{") > MAX_NESTING
