"""What the rows of one file must agree on; the later line is told of, and names the earlier one."""

import pytest

from greenlight.domain.keys import IntegrationKey

SECOND = {"integration_type": "APPLY_CONNECT"}
THIRD = {"integration_type": "CSA_API"}
NO_CREDENTIALS = {"client_id": "", "client_secret": ""}
BETA = {"customer_id": "beta", "customer_name": "Beta", "client_id": "beta-app"}


@pytest.mark.parametrize("field", ["customer_name", "client_id", "client_secret"])
def test_rows_of_one_customer_must_agree(errors, read, table, field: str) -> None:
    told = errors(table({}, SECOND, THIRD | {field: "Other"}))
    assert told == [f"in.csv:4: {field}: differs from line 2 of the same customer"]
    assert len(read(table({}, SECOND, THIRD))[0].integrations) == 3


def test_rows_apart_in_the_file_must_agree_too(errors, read, table) -> None:
    told = errors(table({}, BETA, SECOND | {"customer_name": "Acne"}))
    assert told == ["in.csv:4: customer_name: differs from line 2 of the same customer"]
    acme, beta = read(table({}, BETA, SECOND))
    assert (acme.customer_id, len(acme.integrations), beta.customer_id) == ("acme", 2, "beta")


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0)])
def test_credentials_need_to_stand_in_one_row_only(read, table, order: tuple[int, ...]) -> None:
    rows = [{}, SECOND | NO_CREDENTIALS, THIRD | NO_CREDENTIALS]
    (customer,) = read(table(*(rows[index] for index in order)))
    assert customer.credentials is not None
    assert customer.credentials.client_id == "78abc"
    assert len(customer.integrations) == 3


def test_credentials_that_come_late_must_agree(errors, table) -> None:
    told = errors(table(NO_CREDENTIALS, SECOND, THIRD | {"client_secret": "CANARY"}))
    assert told == ["in.csv:4: client_secret: differs from line 3 of the same customer"]


def test_names_agree_as_they_are_stored(read, table) -> None:
    rows = ({"customer_name": "Caf\u00e9"}, SECOND | {"customer_name": "Cafe\u0301"})
    assert [customer.customer_name for customer in read(table(*rows))] == ["Caf\u00e9"]


def test_one_client_id_belongs_to_one_customer(errors, read, table) -> None:
    stolen = BETA | {"client_id": "78abc"}
    told = errors(table({}, stolen, SECOND, stolen | SECOND))
    assert told == [
        "in.csv:3: client_id: is that of another customer on line 2",
        "in.csv:5: client_id: is that of another customer on line 2",
    ]
    assert len(read(table({}, BETA))) == 2


def test_a_repeated_row_is_refused(errors, table) -> None:
    told = errors(table({}, SECOND, {"integration_name": "another name"}, {}))
    why = "repeats line 2: the same customer_id, context, type and tenant"
    assert told == [f"in.csv:4: row: {why}", f"in.csv:5: row: {why}"]


@pytest.mark.parametrize(
    "change",
    [
        {"integration_context": "urn:li:organization:4GX03UW"},
        {"integration_type": "APPLY_CONNECT"},
        {"tenant_type": "RECRUITER"},
    ],
)
def test_a_row_that_differs_in_one_part_of_the_key_is_another(read, table, change: dict[str, str]) -> None:
    assert len(read(table({}, change))[0].integrations) == 2


def test_two_customers_may_have_the_same_key(read, table) -> None:
    acme, beta = read(table({}, BETA))
    key = IntegrationKey("urn:li:organization:4gX03uw", "APPLY_WITH_LINKEDIN", "JOBS")
    assert [acme.integrations[0][0], beta.integrations[0][0]] == [key, key]


def test_customer_ids_that_differ_in_case_are_two(read, table) -> None:
    assert len(read(table({}, {"customer_id": "ACME", "client_id": "two"}))) == 2


def test_contradictions_are_found_between_rows_that_are_bad_for_other_reasons(errors, table) -> None:
    """One round of mending must be enough."""
    first = {"integration_context": "urn:li:person:1"}
    told = errors(table(first, SECOND | {"customer_name": "Acne", "tenant_type": "jobs"}))
    assert [line.split(": ")[:2] for line in told] == [
        ["in.csv:2", "integration_context"],
        ["in.csv:3", "tenant_type"],
        ["in.csv:3", "customer_name"],
    ]


def test_rows_without_a_usable_customer_are_not_compared(errors, table) -> None:
    told = errors(table({"customer_id": ""}, {"customer_id": "", "customer_name": "Other"}))
    assert told == ["in.csv:2: customer_id: is empty", "in.csv:3: customer_id: is empty"]


def test_json_lines_are_compared_by_their_lines(errors, objects) -> None:
    told = errors(objects({}, SECOND, {}), "in.jsonl")
    assert told == ["in.jsonl:3: row: repeats line 1: the same customer_id, context, type and tenant"]
