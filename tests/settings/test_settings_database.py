"""The database's URL: which ones are taken, and that its password is never shown."""

import json
import traceback
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from greenlight.settings import InvalidSettings, Settings, load_settings

VARIABLE = "GREENLIGHT_DATABASE_URL"
PASSWORD = "c4n4ry-w0rd"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param("sqlite:///a.db", "sqlite:///a.db", id="a file"),
        pytest.param("sqlite:////srv/a.db", "sqlite:////srv/a.db", id="a file by its whole path"),
        pytest.param("sqlite+pysqlite:///a.db", "sqlite+pysqlite:///a.db", id="the driver named"),
        pytest.param("postgresql+psycopg://u@h/n", "postgresql+psycopg://u@h/n", id="PostgreSQL through psycopg 3"),
        pytest.param("postgresql://u@h/n", "postgresql+psycopg://u@h/n", id="the driver is added"),
        pytest.param("postgres://u@h:5432/n", "postgresql+psycopg://u@h:5432/n", id="the name that hosters use"),
        pytest.param(
            "postgres://u:p%40ss%2Fw@h/n?sslmode=require",
            "postgresql+psycopg://u:p%40ss%2Fw@h/n?sslmode=require",
            id="password and options stay as they are",
        ),
    ],
)
def test_a_database_that_is_known_is_taken(monkeypatch: pytest.MonkeyPatch, text: str, url: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    assert load_settings().database_url.get_secret_value() == url


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("sqlite://", id="no file is a database in memory"),
        pytest.param("sqlite:///", id="an empty file name is a database in memory too"),
        pytest.param("sqlite:///:memory:", id="a database in memory by name"),
        pytest.param("sqlite+pysqlite://", id="the driver named changes nothing"),
    ],
)
def test_a_database_in_memory_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """It would forget at the end of the run what was sent, and that cannot be undone."""
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(InvalidSettings) as refusal:
        load_settings()
    assert str(refusal.value) == f"{VARIABLE} names no file; use sqlite:///FILE"


WRONG = [
    pytest.param(f"mysql://u:{PASSWORD}@h/n", id="another database"),
    pytest.param(f"postgresql+psycopg2://u:{PASSWORD}@h/n", id="the older driver, which is not installed"),
    pytest.param(f"postgresql+asyncpg://u:{PASSWORD}@h/n", id="an asynchronous driver"),
    pytest.param("sqlite+aiosqlite:///a.db", id="an asynchronous driver of SQLite"),
    pytest.param(f"u:{PASSWORD}@h/n", id="a URL without its scheme"),
    pytest.param(f"host=h user=u password={PASSWORD}", id="a connection string of libpq"),
    pytest.param(PASSWORD, id="the password alone, pasted into the wrong variable"),
    pytest.param(f"postgresql//u:{PASSWORD}@h/n", id="a colon that is missing"),
    pytest.param(f"postgresql://u:{PASSWORD}@h:port/n", id="a port that is no number"),
]


@pytest.mark.parametrize("text", WRONG)
def test_a_database_that_is_not_known_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(InvalidSettings) as refusal:
        load_settings()
    assert str(refusal.value).startswith(f"{VARIABLE} ")
    assert PASSWORD not in str(refusal.value)
    assert PASSWORD not in "".join(traceback.format_exception(refusal.value)), "nor in a traceback"


def test_the_error_of_the_library_underneath_hides_the_value_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever builds the settings directly gets pydantic's error, which shows its input unless told not to."""
    monkeypatch.setenv(VARIABLE, f"mysql://u:{PASSWORD}@h/n")
    with pytest.raises(ValueError, match="names mysql") as refusal:
        Settings()
    assert PASSWORD not in str(refusal.value)


printable = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=4, max_size=16)


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(printable.map(lambda text: f"<{text}>"))
def test_a_password_arrives_whole_and_is_never_shown(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    encoded = quote(password, safe="")
    monkeypatch.setenv(VARIABLE, f"postgresql://user:{encoded}@host/name")
    settings = load_settings()
    assert make_url(settings.database_url.get_secret_value()).password == password
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())):
        assert password not in shown
        assert encoded not in shown
        assert json.dumps(password)[1:-1] not in shown
