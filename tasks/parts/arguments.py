"""What a task is given."""

from typing import Any, TypeVar, cast

from prefect.utilities.annotations import quote

_Given = TypeVar("_Given")


def as_it_is(given: _Given) -> _Given:
    """Have a task take this as it is: in what is not quoted Prefect looks for futures, in each part a dozen times."""
    return cast(_Given, cast(Any, quote(given)))
