"""An application on a real socket against its own OpenAPI document, by schemathesis."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from greenlight.ats.database import Database
from tests.attacks.street import Street, street
from tests.portal.world import Clock

MARKS = [
    pytest.mark.parametrize("engine_name", ["sqlite"]),
    # The library's own strategies do.
    pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies"),
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    unsupported_method,
]


@pytest.fixture
def served(database: Database, clock: Clock) -> Iterator[Street]:
    """The portal on a real socket, with limits that go by a clock of our own."""
    with street(database, clock) as opened:
        yield opened


def good_and_bad(operation: Any) -> st.SearchStrategy[Any]:
    """Calls of this operation: those that the document allows, and others."""
    return st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))
