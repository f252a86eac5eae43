"""The API against its own OpenAPI document: whatever that lets one send, what comes back is what it says.

As `tests/portal/test_portal_schema.py` does for the customers' page.
"""

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection

from greenlight.ats.api_keys import Scope
from tests.api.conftest import by, key_of
from tests.attacks.street import Street
from tests.fuzz.effort import effort
from tests.fuzz.openapi import CHECKS, MARKS, good_and_bad
from tests.fuzz.openapi import served as served
from tests.portal.world import Portal

pytestmark = MARKS

#: Each call, and the statuses that have to come up with a key that may do it.
OPERATIONS: dict[tuple[str, str], set[int]] = {
    ("GET", "/v1/customers"): {200, 422},
    ("GET", "/v1/customers/{customer_id}"): {200, 404},
    ("PUT", "/v1/customers/{customer_id}"): {200, 422},
    ("GET", "/v1/customers/{customer_id}/integrations"): {200, 404},
    ("PUT", "/v1/customers/{customer_id}/pause"): {422},
    ("DELETE", "/v1/customers/{customer_id}/pause"): {204, 404},
    ("POST", "/v1/customers/{customer_id}/links"): {201, 404},
    ("POST", "/v1/customers/{customer_id}/embed-tokens"): {422},
    ("POST", "/v1/customers/{customer_id}/looks"): {202, 404},
    ("POST", "/v1/customers/{customer_id}/withdrawals"): {422},
    ("GET", "/v1/changes"): {200, 422},
}


def described(served: Street) -> dict[str, Any]:
    return httpx.get(f"{served.origin}/v1/openapi.json", trust_env=False).json()


def test_every_call_is_tried_and_says_its_scope(served: Street) -> None:
    """A new route has to be added above."""
    paths = described(served)["paths"]
    told = {(method.upper(), path): call for path, calls in paths.items() for method, call in calls.items()}
    assert set(told) == set(OPERATIONS)
    for call in told.values():
        assert call["x-scope"] in set(Scope)
        assert call["security"] == [{"HTTPBearer": []}]
        assert {"401", "403", "429", "500", "503"} <= set(call["responses"])
        problems = [answer for status, answer in call["responses"].items() if status >= "400"]
        assert {name for answer in problems for name in answer["content"]} == {"application/problem+json"}


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_answers_are_what_the_document_says(served: Street, method: str, path: str) -> None:
    """Good and bad input alike: a declared status, type and body, never an error of ours, and nothing of bolt's."""
    target = schemathesis.openapi.from_dict(described(served))[path][method]
    cases = good_and_bad(target)
    portal: Portal = served.portal
    bolts, key, seen = portal.everything("bolt"), by(key_of(portal)), set[int]()

    @effort(60)
    @given(cases, st.booleans())
    def conform(case: Any, of_acme: bool) -> None:
        # A new minute each time, so that it is not the limits that answer.
        portal.clock.advance(61)
        if of_acme and "customer_id" in (case.path_parameters or {}):
            case.path_parameters["customer_id"] = "acme"
        response = case.call(base_url=served.origin, headers=key, allow_redirects=False)
        case.validate_response(response, checks=CHECKS)
        seen.add(response.status_code)

    conform()
    assert seen >= OPERATIONS[method, path]
    assert portal.everything("bolt") == bolts


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_without_a_key_every_answer_is_the_same(served: Street, method: str, path: str) -> None:
    target = schemathesis.openapi.from_dict(described(served))[path][method]
    before = served.portal.everything()

    @effort(20)
    @given(good_and_bad(target))
    def conform(case: Any) -> None:
        served.portal.clock.advance(61)
        for name in [name for name in case.headers or {} if name.lower() == "authorization"]:
            del case.headers[name]
        response = case.call(base_url=served.origin, allow_redirects=False)
        case.validate_response(response, checks=CHECKS)
        assert response.status_code in (401, 404, 405)

    conform()
    assert served.portal.everything() == before


@pytest.mark.parametrize("path", ["/v1/customers/{customer_id}", "/v1/customers/{customer_id}/pause"])
def test_a_body_that_the_document_does_not_allow_is_refused(served: Street, path: str) -> None:
    target = schemathesis.openapi.from_dict(described(served))[path]["PUT"]
    key = by(key_of(served.portal))

    @effort(60)
    @given(target.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def refused(case: Any) -> None:
        served.portal.clock.advance(61)
        response = case.call(base_url=served.origin, headers=key, allow_redirects=False)
        case.validate_response(response, checks=[negative_data_rejection])

    refused()
