"""Options that several commands take."""

from typing import Annotated

from cyclopts import Parameter

Json = Annotated[bool, Parameter(name="--json", negative=(), help="One JSON document on stdout.")]
Customers = Annotated[
    tuple[str, ...], Parameter(name="--customer", negative=(), help="Only this customer; repeatable.")
]
Excluded = Annotated[tuple[str, ...], Parameter(name="--except", negative=(), help="Not this customer; repeatable.")]
Types = Annotated[
    tuple[str, ...], Parameter(name="--type", negative=(), help="Only this integration type; repeatable.")
]
MaxChanges = Annotated[
    int | None, Parameter(name="--max-changes", help="The most enables in one run (200 unless given).")
]
Yes = Annotated[bool, Parameter(name="--yes", negative=(), help="Ask nothing.")]
