"""The vendor's database beside the ATS database, on the same engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from greenlight.ats.database import Database
from tests.desired.vendor import Nights, Vendor, vendors_database


@pytest.fixture
def vendor(database_url: str, tmp_path: Path) -> Iterator[Vendor]:
    with vendors_database(database_url, tmp_path) as url:
        yield Vendor(url)


@pytest.fixture
def nights(database: Database) -> Nights:
    return Nights(database)
