"""One good row, and ways to write variants of it and to read them back."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from greenlight.intake import ImportedCustomer, ImportRefused, read_import

GOOD = {
    "customer_id": "acme",
    "customer_name": "Acme",
    "client_id": "78abc",
    "client_secret": "WPL_AP1.s3cr3t==",
    "integration_context": "urn:li:organization:4gX03uw",
    "integration_type": "APPLY_WITH_LINKEDIN",
    "tenant_type": "JOBS",
    "integration_name": "Acme careers",
}


@pytest.fixture
def good() -> dict[str, str]:
    return dict(GOOD)


@pytest.fixture
def table() -> Callable[..., str]:
    """CSV with the header and one row per argument, each a good row with some values replaced."""

    def write(*changes: dict[str, str]) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(GOOD), lineterminator="\n")
        writer.writeheader()
        writer.writerows(GOOD | change for change in changes)
        return text.getvalue()

    return write


@pytest.fixture
def objects() -> Callable[..., str]:
    """JSON Lines with one row per argument, each a good row with some values replaced."""

    def write(*changes: dict[str, object]) -> str:
        return "".join(json.dumps(GOOD | change) + "\n" for change in changes)

    return write


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[ImportedCustomer]]:
    """Write the content under a name in the working directory and read that name."""
    monkeypatch.chdir(tmp_path)

    def write_and_read(content: str | bytes, name: str = "in.csv") -> list[ImportedCustomer]:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_import(Path(name))

    return write_and_read


@pytest.fixture
def errors(read: Callable[..., list[ImportedCustomer]]) -> Callable[..., list[str]]:
    """The lines a refused file is told of with; a file that is taken fails the test."""

    def refused(content: str | bytes, name: str = "in.csv") -> list[str]:
        with pytest.raises(ImportRefused) as caught:
            read(content, name)
        assert str(caught.value) == "\n".join(map(str, caught.value.errors))
        return [str(error) for error in caught.value.errors]

    return refused
