"""What holds for every file: what is written is read back, and nothing but ImportRefused ever comes out."""

import csv
import io
import json
import logging
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from greenlight.domain.keys import IntegrationKey
from greenlight.intake import ImportedCredentials, ImportedCustomer, ImportRefused, read_import
from greenlight.intake.rows import COLUMNS

SECRET = "CANARY-pl4nted=="
QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
ALNUM = "abcXYZ019"

letters = st.characters(exclude_categories=["C", "Z"], include_characters=" \u3000😀,;\"'=")


#: Told of in `test_intake_characters.py`; a joiner between two emoji is none of them.
UNSEEN = {*"\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc\ufffd\u180b\u180c\u180d\u180f\u200d"}
UNSEEN |= {*map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0))}


def is_name(text: str) -> bool:
    printing = any(char.isprintable() and not char.isspace() for char in text)
    return text == text.strip() and printing and not UNSEEN & {*text.replace("👩\u200d🚀", "")}


names = (
    st.lists(letters | st.just("👩\u200d🚀"), min_size=1, max_size=30)
    .map("".join)
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(is_name)
)
ids = st.text(st.sampled_from(ALNUM + "é😀,\" '|="), min_size=1, max_size=12).filter(is_name)
secrets = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)
keys = st.builds(
    IntegrationKey,
    st.builds("urn:li:{}:{}".format, st.sampled_from(["organization", "contract"]), st.text(ALNUM, min_size=1)),
    st.sampled_from(["APPLY_WITH_LINKEDIN", "CSA_API", "X"]),
    st.sampled_from(["JOBS", "RECRUITER"]),
)


@st.composite
def customer_lists(draw: st.DrawFn) -> list[ImportedCustomer]:
    customers = []
    for number, customer_id in enumerate(draw(st.lists(ids, min_size=1, max_size=5, unique=True))):
        credentials = None
        if draw(st.booleans()):
            credentials = ImportedCredentials(f"app-{number}", SecretStr(draw(secrets)))
        integrations = tuple((key, draw(names)) for key in draw(st.lists(keys, min_size=1, max_size=4, unique=True)))
        customers.append(ImportedCustomer(customer_id, draw(names), credentials, integrations))
    return customers


def rows_of(customers: list[ImportedCustomer], data: st.DataObject) -> list[dict[str, str]]:
    """One row per integration; of a customer's rows at least one holds the credentials."""
    rows = []
    for customer in customers:
        holder = data.draw(st.integers(0, len(customer.integrations) - 1))
        for index, (key, name) in enumerate(customer.integrations):
            row = dict.fromkeys(COLUMNS, "") | {
                "customer_id": customer.customer_id,
                "customer_name": customer.customer_name,
                "integration_context": key.integration_context,
                "integration_type": key.integration_type,
                "tenant_type": key.tenant_type,
                "integration_name": name,
            }
            if customer.credentials is not None and (index == holder or data.draw(st.booleans())):
                row["client_id"] = customer.credentials.client_id
                row["client_secret"] = customer.credentials.client_secret.get_secret_value()
            rows.append(row)
    return rows


@QUIET
@given(customer_lists(), st.data())
def test_what_is_written_is_read_back(tmp_path: Path, customers: list[ImportedCustomer], data: st.DataObject) -> None:
    rows = rows_of(customers, data)
    columns = data.draw(st.permutations(COLUMNS))
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    text = io.StringIO()
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.DictWriter(text, columns, quoting=quoting, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    path = tmp_path / "in.csv"
    path.write_bytes(text.getvalue().encode(data.draw(st.sampled_from(["utf-8", "utf-8-sig"]))))
    assert read_import(path) == customers
    ascii_only = data.draw(st.booleans())
    path.write_bytes("".join(json.dumps(row, ensure_ascii=ascii_only) + end for row in rows).encode())
    assert read_import(path) == customers


GOOD = {
    "customer_id": "acme",
    "customer_name": "Acme",
    "client_id": "78abc",
    "client_secret": SECRET,
    "integration_context": "urn:li:organization:4gX03uw",
    "integration_type": "APPLY_WITH_LINKEDIN",
    "tenant_type": "JOBS",
    "integration_name": "Careers",
}
GOOD_CSV = (",".join(GOOD) + "\n" + ",".join(GOOD.values()) + "\n").encode() + ",".join(
    (GOOD | {"integration_type": "X"}).values()
).encode()
GOOD_JSONL = (json.dumps(GOOD) + "\n" + json.dumps(GOOD | {"integration_type": "X"})).encode()

noise = st.one_of(
    st.sampled_from(
        [b",", b'"', b"\n", b"\r", b";", b"\t", b"\0", b"{", b"}", b"[", b":", b"\xff", b"\\", b"\\u", b" "]
    ),
    st.binary(max_size=4),
    st.sampled_from(list(COLUMNS)).map(str.encode),
)


def outcome(path: Path, content: bytes) -> list[str]:
    """What a person is told, nothing for a good file; anything raised but ImportRefused fails the test."""
    path.write_bytes(content)
    refused = None
    try:
        customers = read_import(path)
    except ImportRefused as error:
        refused, customers = error, []
    if refused is not None:
        assert refused.errors
        assert [error.line for error in refused.errors] == sorted(error.line for error in refused.errors)
        lines = [str(error) for error in refused.errors]
        assert all(line.startswith(f"{path}:") and line.isprintable() for line in lines)
        return [*lines, str(refused), repr(refused)]
    assert customers
    assert all(customer.integrations for customer in customers)
    return []


@QUIET
@given(st.one_of(st.binary(), st.lists(noise).map(b"".join)), st.sampled_from(["in.csv", "in.jsonl"]))
def test_arbitrary_bytes_are_refused_and_nothing_else(tmp_path: Path, content: bytes, name: str) -> None:
    outcome(tmp_path / name, content)


@pytest.mark.parametrize("base", [GOOD_CSV, GOOD_JSONL], ids=["csv", "jsonl"])
def test_the_files_that_are_damaged_below_are_good(tmp_path: Path, base: bytes) -> None:
    path = tmp_path / "in"
    path.write_bytes(base)
    (customer,) = read_import(path)
    assert len(customer.integrations) == 2
    assert SECRET not in repr(customer)


@settings(QUIET, max_examples=400)
@given(st.data(), st.sampled_from([GOOD_CSV, GOOD_JSONL]))
def test_a_good_file_with_damage_never_shows_its_secret(tmp_path: Path, data: st.DataObject, base: bytes) -> None:
    """Bytes put in, bytes taken out, anywhere but inside the secret itself."""
    secret, content = SECRET.encode(), base
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        taken = data.draw(st.integers(0, 6))
        changed = content[:start] + data.draw(noise) + content[start + taken :]
        if changed.count(secret) == base.count(secret):
            content = changed
    assert SECRET not in "\n".join(outcome(tmp_path / "in.csv", content))


@settings(QUIET, max_examples=200)
@given(st.permutations(list(GOOD.values())), st.lists(noise, max_size=3), st.booleans())
def test_values_in_the_wrong_columns_never_show_the_secret(
    tmp_path: Path, values: list[str], more: list[bytes], with_header: bool
) -> None:
    content = (",".join(GOOD) + "\n").encode() if with_header else b""
    content += ",".join(values).encode() + b"".join(more)
    assert SECRET not in "\n".join(outcome(tmp_path / "in.csv", content))


def test_nothing_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("control").debug("heard")
    outcome(tmp_path / "in.csv", GOOD_CSV)
    outcome(tmp_path / "in.csv", GOOD_CSV + b"\n,,")
    assert [record.name for record in caplog.records] == ["control"]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_ten_times_the_rows_take_ten_times_the_steps(tmp_path: Path, form: str) -> None:
    """And not a hundred times: what looks at every other row for each row would be hours at a large vendor's. Counted
    are the lines and calls that it takes, since time is the machine's as well.
    """

    def steps(count: int) -> int:
        path = tmp_path / f"{count}"
        rows = [
            GOOD | {"customer_id": f"c{n // 2}", "client_id": f"app{n // 2}", "integration_type": f"T{n % 2}"}
            for n in range(count)
        ]
        if form == "csv":
            path.write_text("\n".join([",".join(GOOD), *(",".join(row.values()) for row in rows)]))
        else:
            path.write_text("\n".join(map(json.dumps, rows)))
        taken = 0

        def count_one(*_: object) -> Callable[..., object]:
            nonlocal taken
            taken += 1
            return count_one

        before = sys.gettrace()
        sys.settrace(count_one)
        try:
            customers = read_import(path)
        finally:
            sys.settrace(before)
        assert len(customers) == count // 2
        return taken

    steps(10)
    assert steps(2_000) < 12 * steps(200)
