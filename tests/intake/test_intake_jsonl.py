"""JSON Lines: one object of texts per line, and no surprise from any other JSON."""

import json

import pytest

from greenlight.domain.nesting import MAX_NESTING

NOT_JSON = "is not valid JSON near column"


def test_both_formats_say_the_same(read, table, objects) -> None:
    assert read(objects({}), "in.jsonl") == read(table({}), "in.csv")


@pytest.mark.parametrize("name", ["in.csv", "in.txt", "in"])
def test_an_object_is_known_by_its_first_character_whatever_the_suffix(read, objects, name: str) -> None:
    assert len(read("\n  \r\n " + objects({}), name)) == 1


def test_a_header_is_known_whatever_the_suffix(read, table) -> None:
    assert len(read(table({}), "in.jsonl")) == 1


@pytest.mark.parametrize("suffix", ["json", "jsonl", "ndjson", "JSONL"])
def test_the_suffix_decides_where_the_content_does_not(errors, suffix: str) -> None:
    (error,) = errors('"acme"\n', f"in.{suffix}")
    assert error == f"in.{suffix}:1: row: must be one JSON object"
    assert errors('"acme"\n', "in.txt")[0].startswith("in.txt:1: header: is missing")


@pytest.mark.parametrize("content", ["", " \n\n"])
def test_a_file_without_rows_is_refused(errors, content: str) -> None:
    assert errors(content, "in.jsonl") == ["in.jsonl:1: file: has no rows"]


def test_absent_null_and_empty_are_the_same(read, errors, good) -> None:
    optional = ("client_id", "client_secret", "integration_name")
    absent = {name: value for name, value in good.items() if name not in optional}
    null = good | dict.fromkeys(optional)
    empty = good | dict.fromkeys(optional, "")
    (one,) = read(json.dumps(absent))
    assert one.credentials is None
    assert [one] == read(json.dumps(null)) == read(json.dumps(empty))
    del absent["customer_name"]
    assert errors(json.dumps(absent)) == ["in.csv:1: customer_name: is empty"]


@pytest.mark.parametrize(
    ("value", "called"),
    [
        ("1", "a number"), ("1.5", "a number"), ("NaN", "a number"), ("-Infinity", "a number"),
        ("9" * 10_000, "a number"), ("1e999999", "a number"), ("true", "true or false"),
        ("[]", "a list"), ('["s3cr3t"]', "a list"), ('{"a": 1, "a": 2}', "an object"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["customer_name", "client_secret"])
def test_a_value_that_is_no_text_is_refused(errors, objects, value: str, called: str, field: str) -> None:
    text = objects({field: "HERE"}).replace('"HERE"', value)
    told = errors(text + objects({"tenant_type": "jobs"}), "in.jsonl")
    assert told[0] == f"in.jsonl:1: {field}: must be text in quotes, not {called}"
    assert "in.jsonl:2: tenant_type: " in told[1]


def test_an_unknown_name_is_refused_and_the_right_one_named(errors, good) -> None:
    good["tenanttype"] = good.pop("tenant_type")
    assert errors(json.dumps(good)) == [
        "in.csv:1: row: has an unknown name 'tenanttype'; did you mean tenant_type?",
        "in.csv:1: tenant_type: is empty",
    ]


def test_many_unknown_names_are_counted(errors, objects) -> None:
    told = errors(objects({f"n{index}": "" for index in range(20)}))
    assert told[0] == "in.csv:1: row: has an unknown name 'n0'"
    assert told[8:] == ["in.csv:1: row: has 12 more unknown names"]


def test_an_unknown_name_that_holds_the_secret_is_not_quoted(errors, objects) -> None:
    assert errors(objects({"client_secret": "CANARY", "x-CANARY": ""})) == [
        "in.csv:1: row: has an unknown name that repeats the client_secret (number 9)"
    ]


def test_a_repeated_name_is_refused(errors, good) -> None:
    text = json.dumps(good)
    told = errors(text[:-1] + ', "client_secret": "CANARY", "tenant_type": "JOBS"}')
    assert told == [
        "in.csv:1: client_secret: is given more than once",
        "in.csv:1: tenant_type: is given more than once",
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[" * 60_000, "is nested too deep"),
        ('{"a":' * 10_000, "is nested too deep"),
        ('{"a":' + "[" * MAX_NESTING + "]" * MAX_NESTING + "}", "is nested too deep"),
        ("{", "must be one whole JSON object on one line; write JSON Lines, not indented JSON"),
        ('{"customer_id": "acme"', NOT_JSON),
        ('{"customer_id": "ac\x07me"}', NOT_JSON),
        ('{"customer_id": "ac\x00me"}', NOT_JSON),
        ('{"customer_id": "\\x"}', NOT_JSON),
        ("{'customer_id': 'acme'}", NOT_JSON),
        ("{} {}", NOT_JSON),
        ("[]", "must be one JSON object"),
        ("null", "must be one JSON object"),
        ('"customer_id"', "must be one JSON object"),
        ("7", "must be one JSON object"),
    ],
)
def test_a_line_that_is_no_object_is_refused_and_the_next_is_read(errors, objects, line: str, why: str) -> None:
    told = errors(objects({}) + line + "\n" + objects({"tenant_type": "jobs"}), "in.jsonl")
    assert told[0].startswith(f"in.jsonl:2: row: {why}")
    assert told[1].startswith("in.jsonl:3: tenant_type: ")


def test_an_array_is_told_what_to_write(errors, objects) -> None:
    told = errors("[\n" + objects({}) + "]\n", "in.txt")
    assert told[0].startswith("in.txt:1: row: must be one whole JSON object on one line; write JSON Lines")


@pytest.mark.parametrize(("escaped", "told"), [("\\ud83d\\ude00", None), ("\\ud83d", "is not UTF-8 text")])
def test_a_pair_of_surrogates_is_a_character_and_half_of_one_is_not(
    read, errors, objects, escaped: str, told: str | None
) -> None:
    text = objects({"customer_name": "HERE"}).replace("HERE", escaped)
    if told is None:
        assert read(text)[0].customer_name == "😀"
    else:
        assert errors(text)[0].startswith(f"in.csv:1: customer_name: {told}")


def test_bytes_that_are_not_utf_8_are_told_where_they_stand(errors, objects) -> None:
    row = objects({}).encode()
    inside = row.replace(b'"Acme"', b'"Ac\xe9"')
    outside = row.replace(b'"Acme"', b"\xe9")
    assert errors(inside + outside) == [
        "in.csv:1: customer_name: is not UTF-8 text; save the file as UTF-8",
        "in.csv:2: row: is not UTF-8 text; save the file as UTF-8",
    ]


@pytest.mark.parametrize(("return_", "fine"), [("\r\n", True), ("\r \n", False)])
def test_a_carriage_return_must_end_a_line(read, errors, objects, return_: str, fine: bool) -> None:
    text = objects({}).replace("\n", return_)
    if fine:
        assert len(read(text)) == 1
    else:
        assert errors(text)[0].startswith("in.csv:1: row: holds a carriage return")


def test_a_row_of_64_kb_is_read_and_a_longer_one_is_not(read, errors, objects) -> None:
    row = objects({}).strip()
    fill = " " * (64 * 1024 - len(row))
    assert len(read(row + fill + "\n")) == 1
    assert errors(row + fill + " \n") == ["in.csv:1: row: is longer than 64 kB"]
