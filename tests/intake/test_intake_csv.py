"""CSV: its header, its quotes, its lines."""

import pytest

from greenlight.domain.keys import IntegrationKey
from greenlight.intake import ImportedCredentials, ImportedCustomer

HEADER = "customer_id,customer_name,client_id,client_secret,integration_context,integration_type,tenant_type,"
HEADER += "integration_name"
ROW = "acme,Acme,78abc,s3cr3t,urn:li:organization:4gX03uw,APPLY_WITH_LINKEDIN,JOBS,Careers"


def test_rows_become_customers_in_the_order_of_the_file(read, table) -> None:
    other = {"customer_id": "beta", "customer_name": "Beta", "client_id": "", "client_secret": ""}
    contract = {"integration_context": "urn:li:contract:9", "integration_type": "CSA_API", "tenant_type": "RECRUITER"}
    acme, beta = read(table({}, other, contract))
    assert isinstance(acme, ImportedCustomer)
    assert (acme.customer_id, acme.customer_name) == ("acme", "Acme")
    assert isinstance(acme.credentials, ImportedCredentials)
    assert acme.credentials.client_id == "78abc"
    assert acme.credentials.client_secret.get_secret_value() == "WPL_AP1.s3cr3t=="
    assert acme.integrations == (
        (IntegrationKey("urn:li:organization:4gX03uw", "APPLY_WITH_LINKEDIN", "JOBS"), "Acme careers"),
        (IntegrationKey("urn:li:contract:9", "CSA_API", "RECRUITER"), "Acme careers"),
    )
    assert (beta.customer_id, beta.credentials, len(beta.integrations)) == ("beta", None, 1)
    assert "s3cr3t" not in repr(acme)


def test_columns_may_stand_in_any_order(read, table) -> None:
    backwards = "\n".join(",".join(reversed(line.split(","))) for line in table({}).splitlines())
    assert read(backwards) == read(table({}))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (HEADER.replace("tenant_type", "tenant_typ"), [
            "in.csv:1: header: has an unknown column 'tenant_typ'; did you mean tenant_type?",
            "in.csv:1: header: has no column tenant_type",
        ]),
        (HEADER.replace("client_id", "ClientID"), [
            "in.csv:1: header: has an unknown column 'ClientID'; did you mean client_id?",
            "in.csv:1: header: has no column client_id",
        ]),
        (HEADER + ",remark", ["in.csv:1: header: has an unknown column 'remark'"]),
        (HEADER + ",client_id", ["in.csv:1: header: has the column client_id 2 times"]),
        (HEADER.replace(",client_secret", "").replace(",integration_name", ""), [
            "in.csv:1: header: has no column client_secret",
            "in.csv:1: header: has no column integration_name",
        ]),
        (HEADER + ",größe", [r"in.csv:1: header: has an unknown column 'gr\xf6\xdfe'"]),
        (HEADER + ",s3cr3t==", ["in.csv:1: header: has a column that does not look like a name (number 9)"]),
        (HEADER + ",a\x1bb", ["in.csv:1: header: has a column that does not look like a name (number 9)"]),
        (HEADER + "," + "x" * 200, [f"in.csv:1: header: has an unknown column '{'x' * 75}...'"]),
    ],
)  # fmt: skip
def test_a_wrong_header_is_told_by_the_names_of_its_columns(errors, header: str, expected: list[str]) -> None:
    assert errors(f"{header}\n{ROW}\n") == expected


def test_a_header_far_too_long_is_counted_and_not_quoted(errors) -> None:
    """That is what a header looks like when a row, secret and all, has run into it."""
    (error, *_) = errors(HEADER + ROW)
    assert error.startswith("in.csv:1: header: has 15 columns; only these 8 are known: customer_id, ")
    assert "s3cr3t" not in error


def test_a_row_where_the_header_should_be_is_not_quoted(errors) -> None:
    assert errors(f"{ROW}\n{ROW}\n") == [f"in.csv:1: header: is missing: the first line must be {HEADER}"]


def test_a_damaged_object_taken_for_a_header_is_not_quoted(errors, objects) -> None:
    """Its parts hold column names, but are none."""
    assert errors("," + objects({})) == [f"in.csv:1: header: is missing: the first line must be {HEADER}"]


def test_a_header_of_other_spelling_is_still_taken_for_a_header(errors) -> None:
    told = errors(HEADER.title().replace("_", " "))
    assert told[0] == "in.csv:1: header: has an unknown column 'Customer Id'; did you mean customer_id?"
    assert len(told) == 16


def test_a_delimiter_inside_a_value_is_just_a_character(read, table) -> None:
    (customer,) = read(table({"customer_name": "Acme; Inc, | Ltd"}))
    assert customer.customer_name == "Acme; Inc, | Ltd"


@pytest.mark.parametrize("content", ["", "\n\n", " \n\t\r\n", "\ufeff"])
def test_an_empty_file_is_refused(errors, content: str) -> None:
    assert errors(content) == ["in.csv:1: header: is missing: the file is empty"]


@pytest.mark.parametrize("end", ["", "\n", "\r\n\r\n"])
def test_a_header_alone_is_refused(errors, end: str) -> None:
    assert errors(HEADER + end) == ["in.csv:1: header: is all there is: the file has no rows"]


def test_blank_lines_are_ignored_and_counted(read, errors) -> None:
    assert len(read(f"\n{HEADER}\n\n  \n{ROW}\n\n")) == 1
    bad = ROW.replace("JOBS", "jobs")
    assert errors(f"\n{HEADER}\n\n \t\n{bad}\n")[0].startswith("in.csv:5: tenant_type: ")


def test_windows_line_ends_are_fine(read, table) -> None:
    assert read(table({}).replace("\n", "\r\n")) == read(table({}))


@pytest.mark.parametrize(
    "bad", [ROW.replace("Acme", "Ac\rme"), ROW + "\r\r", ROW.replace("Acme", '"Ac\rme"'), ROW.replace("Acme", '"A"\r')]
)
def test_a_lone_carriage_return_is_refused_where_it_stands(errors, bad: str) -> None:
    told = errors(f"{HEADER}\n{bad}\n{ROW.replace('JOBS', 'jobs')}\n")
    assert told[0] == (
        "in.csv:2: row: holds a carriage return that ends no line; save the file with ordinary line ends"
    )
    assert [line.split(": ")[:2] for line in told] == [["in.csv:2", "row"], ["in.csv:3", "tenant_type"]]


@pytest.mark.parametrize("char", ["\u2028", "\x0b", "\x0c", "\x1e", "\x85"])
def test_only_a_line_feed_ends_a_line(errors, char: str) -> None:
    """These end a line for str.splitlines, and would shift every number after them."""
    told = errors(f"{HEADER}\n{ROW.replace('Acme', f'Ac{char}me')}\n{ROW.replace('JOBS', 'jobs')}\n")
    assert [line.split(":")[1:3] for line in told[:2]] == [["2", " customer_name"], ["3", " tenant_type"]]


def test_quotes_commas_and_doubled_quotes_are_read(read) -> None:
    (customer,) = read(HEADER + "\n" + ROW.replace("Acme", '"""Acme"", Inc"') + "\n")
    assert customer.customer_name == '"Acme", Inc'


def test_a_row_of_several_lines_has_the_number_of_its_first(errors) -> None:
    two_lines = ROW.replace("Acme", '"Ac\nme"')
    told = errors(f"{HEADER}\n{two_lines}\n{ROW.replace('JOBS', 'jobs')}\n")
    assert told[0] == ("in.csv:2: customer_name: holds a line break; write it on one line (or is a quote left open?)")
    assert told[1].startswith("in.csv:4: tenant_type: ")


def test_a_quote_never_closed_is_told_at_the_line_that_opens_it(errors) -> None:
    told = errors(f"{HEADER}\n{ROW}\n{ROW.replace('Acme', chr(34) + 'Acme')}\n{ROW}\n")
    assert told == ["in.csv:3: row: opens a quote that is never closed"]


def test_a_quote_closed_by_a_later_row_is_told_at_the_line_that_opens_it(errors) -> None:
    opened, quoted = ROW.replace("Acme", '"Acme'), ROW.replace("Acme", '"Acme"')
    told = errors(f"{HEADER}\n{opened}\n{ROW}\n{quoted}\n{ROW.replace('JOBS', 'jobs')}\n")
    assert told[0] == ("in.csv:2: row: has text after a closing quote on line 4; is a quote left open before it?")
    assert told[1].startswith("in.csv:5: tenant_type: ")


def test_text_after_a_closing_quote_is_refused(errors) -> None:
    (error,) = errors(HEADER + "\n" + ROW.replace("Acme", '"Acme" Inc') + "\n")
    assert error.startswith("in.csv:2: row: has text after a closing quote; ")


@pytest.mark.parametrize(("row", "cells"), [(ROW + ",", 9), (ROW.rpartition(",")[0], 7), ("acme", 1)])
def test_a_row_of_another_width_is_counted_and_not_quoted(errors, row: str, cells: int) -> None:
    assert errors(f"{HEADER}\n{row}\n") == [f"in.csv:2: row: has {cells} cells, the header has 8"]


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_row_of_64_kb_is_read_and_a_longer_one_is_not(errors, quote: str) -> None:
    start, end = "acme,Acme,,,urn:li:organization:1,X,JOBS," + quote, quote
    fill = "n" * (64 * 1024 - len(start + end))
    assert "integration_name: has " in errors(f"{HEADER}\n{start}{fill}{end}\n")[0]
    told = errors(f"{HEADER}\n{start}{fill}n{end}\n{ROW.replace('JOBS', 'jobs')}\n")
    assert told[0] == "in.csv:2: row: is longer than 64 kB"
    assert told[1].startswith("in.csv:3: tenant_type: ")


def test_an_open_quote_does_not_swallow_more_than_a_row_may_have(errors) -> None:
    told = errors(f"{HEADER}\n{ROW.replace('Acme', chr(34) + 'Acme')}\n" + f"{ROW}\n" * 2000)
    assert told[0] == "in.csv:2: row: is longer than 64 kB; is a quote left open?"


def test_every_bad_row_is_listed_with_all_its_faults_by_line(errors, table) -> None:
    several = {"customer_id": "", "integration_context": "urn:li:person:1", "tenant_type": "jobs"}
    told = errors(table(several, {}, {"client_id": "ü"}))
    assert [line.rsplit(": ", 1)[0].split(": ")[:2] for line in told] == [
        ["in.csv:2", "customer_id"],
        ["in.csv:2", "integration_context"],
        ["in.csv:2", "tenant_type"],
        ["in.csv:4", "client_id"],
        ["in.csv:4", "row"],
    ]  # fmt: skip


def test_the_list_of_errors_has_an_end(errors) -> None:
    told = errors(HEADER + "\n" + "x\n" * 150_000)
    assert len(told) == 100_001
    assert told[-1] == "in.csv:100001: file: reading stopped here after 100,000 errors; mend these first"


def test_bytes_that_are_not_utf_8_are_told_at_their_field(errors) -> None:
    latin = ROW.replace("Acme", "Ac\xe9").encode("latin-1")
    told = errors(HEADER.encode() + b"\n" + ROW.encode() + b"\n" + latin + b"\n")
    assert told[0] == "in.csv:3: customer_name: is not UTF-8 text; save the file as UTF-8"


def test_a_header_that_is_not_utf_8_is_one_error(errors) -> None:
    told = errors((HEADER + ",k\xe9y\n" + ROW).encode("latin-1"))
    assert told == ["in.csv:1: header: is not UTF-8 text; save the file as UTF-8"]
