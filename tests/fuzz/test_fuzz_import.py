"""The import reader on any bytes: customers or ImportRefused, told by line, in bounded text, without the secret.

GREENLIGHT_FUZZ multiplies the number of examples (`tests/fuzz/effort.py`). What is written and read back, damaged files
and shifted columns: `tests/intake/test_intake_properties.py`.
"""

import csv
import io
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from greenlight.intake import ImportRefused, read_import
from greenlight.intake.rows import COLUMNS
from tests.fuzz.effort import effort

SECRET = "CANARY-pl4nted=="

values = st.one_of(
    st.sampled_from(["", "acme", "Acme", "78abc", SECRET, "urn:li:organization:1", "urn:li:person:1", "APPLY", "JOBS"]),
    st.sampled_from(
        ["a\nb", "a\rb", "\0", '"', ",", ";", "=1+1", " x", "\u202e", "\ufeff", "x" * 300, "😀", "\x1b[31m"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
)
rows = st.lists(st.lists(values, min_size=6, max_size=9), max_size=5)
headers = st.one_of(
    st.just(list(COLUMNS)), st.permutations(COLUMNS), st.lists(st.sampled_from(COLUMNS) | values, max_size=10)
)
files = st.sampled_from(["in.csv", "in.jsonl", "in", "in.txt"])
jsons = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), values),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(COLUMNS) | values, inner, max_size=4),
    max_leaves=8,
)
objects = st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, values | jsons))


def check(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    refused, customers = None, []
    try:
        customers = read_import(path)
    except ImportRefused as error:
        refused = error
    assert (refused is None) == bool(customers)
    if refused is not None:
        lines = [str(error) for error in refused.errors]
        assert lines
        assert len(lines) < 2_000
        assert all(line.startswith(f"{path}:") and line.isprintable() and len(line) < 1_000 for line in lines)
        assert SECRET not in "\n".join([*lines, str(refused), repr(refused)])
    ids = [customer.customer_id for customer in customers]
    assert len(set(ids)) == len(ids)
    for customer in customers:
        assert customer.integrations
        assert not {char for text in (customer.customer_id, customer.customer_name) for char in text} & set(
            "\0\r\n\x1b"
        )
        assert SECRET not in repr(customer)


@effort(200)
@given(st.binary(max_size=2_000), files)
def test_any_bytes(tmp_path: Path, content: bytes, name: str) -> None:
    check(tmp_path / name, content)


@effort(250)
@given(headers, rows, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.sampled_from("\n\r;\t"), files)
def test_any_table(tmp_path: Path, header: Any, table: list[list[str]], quoting: Any, odd: str, name: str) -> None:
    """Written by a careful writer, or with another delimiter or line end."""
    text = io.StringIO()
    delimiter = odd if odd in ";\t" else ","
    writer = csv.writer(text, quoting=quoting, delimiter=delimiter, lineterminator="\r" if odd == "\r" else "\n")
    writer.writerow(header)
    writer.writerows(table)
    check(tmp_path / name, text.getvalue().encode())


@effort(250)
@given(st.lists(objects | jsons, max_size=5), st.booleans(), files)
def test_any_json_lines(tmp_path: Path, lines: list[Any], ascii_only: bool, name: str) -> None:
    text = "\n".join(json.dumps(line, ensure_ascii=ascii_only) for line in lines)
    check(tmp_path / name, text.encode("utf-8", "surrogatepass"))
