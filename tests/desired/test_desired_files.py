"""A file or an object that an export job leaves: at any address of fsspec's, in CSV or JSON Lines."""

import gzip
import json
import os
from pathlib import Path

import fsspec
import pytest

from greenlight.ats.database import Database
from greenlight.desired.files import FileSource
from greenlight.domain.desired import SyncOutcome
from tests.ats.world import bring_in, customer
from tests.desired.vendor import Nights, changed

COLUMNS = "customer_id,customer_name,integration_context,integration_type,tenant_type"


@pytest.fixture
def engine_name() -> str:
    """What is read is read before any database has to do with it."""
    return "sqlite"


def row(id: str, name: str = "Ltd") -> list[str]:
    return [id, f"{id} {name}", f"urn:li:organization:{id}", "APPLY_WITH_LINKEDIN", "JOBS"]


def as_csv(*rows: list[str], header: str = COLUMNS) -> str:
    return "\n".join([header, *(",".join(each) for each in rows)]) + "\n"


def as_json(*rows: list[str]) -> str:
    return "".join(json.dumps(dict(zip(COLUMNS.split(","), each, strict=True))) + "\n" for each in rows)


def test_a_file_is_the_wanted_set_in_either_form(nights: Nights, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(as_csv(row("a"), row("b"), row("c")), encoding="utf-8-sig")
    assert changed(nights.sync(FileSource(str(file)))) == {"added": ["a", "b", "c"]}
    file.write_text(as_json(row("a"), row("c", "Inc"), row("d")))
    report = nights.sync(FileSource(file.as_uri()))
    assert changed(report) == {"renamed": ["c"], "added": ["d"], "withdrawn": ["b"]}


@pytest.mark.parametrize("packed", [False, True])
def test_any_address_of_fsspecs_will_do(packed: bool, nights: Nights) -> None:
    url = f"memory://{nights.now:%f}/export.csv{'.gz' if packed else ''}"
    content = as_csv(row("a")).encode()
    with fsspec.open(url, "wb") as file:
        file.write(gzip.compress(content) if packed else content)
    assert changed(nights.sync(FileSource(url))) == {"added": ["a"]}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (as_csv(row("a"), row("b"))[:-1], "does not end with a line end"),
        (as_csv(row("a")).encode("utf-16"), ""),
        (gzip.compress(as_csv(row("a"), row("b")).encode())[:-12], ""),
        ("", "the file is empty"),
        (as_csv(), "the file has no rows"),
        (as_csv(row("a"), header=COLUMNS.replace("tenant_type", "tenant")), "tenant"),
    ],
)
def test_what_is_no_whole_file_changes_nothing(content: str | bytes, why: str, nights: Nights, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(as_csv(row("a"), row("b")))
    nights.sync(FileSource(str(good)))
    raw = content if isinstance(content, bytes) else content.encode()
    bad = bad.with_suffix(".csv.gz") if raw.startswith(b"\x1f\x8b") else bad
    bad.write_bytes(raw)
    report = nights.sync(FileSource(str(bad)))
    assert report.outcome is SyncOutcome.UNREADABLE
    assert why in (report.detail or "")
    assert set(nights.wanted()) == {"a", "b"}


@pytest.mark.parametrize("address", ["/no/such/file.csv", "s3://a-bucket/file.csv", "nowhere://x"])
def test_what_is_not_there_is_said_so(address: str, nights: Nights) -> None:
    report = nights.sync(FileSource(address))
    assert report.outcome is SyncOutcome.UNREADABLE
    assert report.detail


def test_a_named_pipe_is_not_waited_for(nights: Nights, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert nights.sync(FileSource(str(tmp_path / "pipe.csv"))).detail == "is no regular file"


def test_a_bad_line_holds_its_customer_alone_and_a_broken_one_keeps_all_wanted(nights: Nights, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(as_csv(row("a"), row("b"), row("c")))
    nights.sync(FileSource(str(file)))
    file.write_text(as_csv(row("a"), row("b", "bad\x07"), row("d")))
    report = nights.sync(FileSource(str(file)))
    assert changed(report)["withdrawn"] == ["c"]
    (fault,) = report.entries["held_back"]
    assert (fault["customer_id"], fault["line"], fault["field"]) == ("b", 3, "customer_name")
    file.write_text(as_csv(row("a"), row("b"), ["e", "too", "few"]))
    report = nights.sync(FileSource(str(file)))
    assert "withdrawn" not in report.entries
    assert set(nights.wanted()) == {"a", "b", "d"}


def test_a_secret_is_refused_and_never_shown(nights: Nights, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    secret = "S3cr3tOfAda"
    file.write_text(as_csv([*row("a"), secret], [*row("b"), ""], header=f"{COLUMNS},client_secret"))
    report = nights.sync(FileSource(str(file)))
    assert changed(report)["added"] == ["b"]
    assert report.entries["held_back"][0]["field"] == "client_secret"
    assert secret not in json.dumps(report.as_json())


def test_another_client_id_than_the_one_on_record_holds_the_customer(
    nights: Nights, database: Database, tmp_path: Path
) -> None:
    bring_in(database, customer("a"), customer("b"))
    file = tmp_path / "export.csv"
    file.write_text(as_csv([*row("a"), "client-a"], [*row("b"), "client-a"], header=f"{COLUMNS},client_id"))
    report = nights.sync(FileSource(str(file)))
    assert [fault["customer_id"] for fault in report.entries["held_back"]] == ["b"]


def test_its_name_has_no_secret() -> None:
    assert FileSource("s3://key:secret@bucket/f.csv?token=1").name == "s3://bucket/f.csv"
