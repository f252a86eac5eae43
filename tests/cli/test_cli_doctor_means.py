"""What `doctor` looks through: a database that cannot be written, and a clock's reading."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from cli.credential_checks import clock_skew
from greenlight.ats.database import looked_at


def test_looking_cannot_write(database_url: str) -> None:
    """On both engines: the database itself refuses it."""
    with looked_at(database_url) as looked:
        assert looked is not None
        database, schema = looked
        assert (schema.is_newest, schema.known) == (True, True)
        with pytest.raises(Exception, match=r"read-?only"), database.reading() as session:
            session.execute(text("DELETE FROM customer"))


def test_a_date_within_the_exchange_is_no_skew() -> None:
    at = datetime(2026, 11, 24, 12, 0, 0, 400_000, tzinfo=UTC)
    later = at + timedelta(seconds=3)
    assert clock_skew("Tue, 24 Nov 2026 12:00:00 GMT", at, later) == 0, "the header has whole seconds"
    assert clock_skew("Tue, 24 Nov 2026 12:00:03 GMT", at, later) == 0
    assert clock_skew("Tue, 24 Nov 2026 11:59:00 GMT", at, later) == pytest.approx(59.4)
    assert clock_skew("Tue, 24 Nov 2026 12:01:00 GMT", at, later) == pytest.approx(-56.6)
    assert [clock_skew(date, at, later) for date in (None, "", "soon", "Tue, 99 Nov 2026 12:00:00 GMT")] == [None] * 4
