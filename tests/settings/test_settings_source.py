"""Where what is wanted comes from: which address goes with which source, and no secret in any complaint."""

from pathlib import Path

import pytest

from greenlight.desired.files import FileSource
from greenlight.desired.http import HttpSource
from greenlight.desired.sources import source_of
from greenlight.desired.sql import SqlSource
from greenlight.settings import InvalidSettings
from tests.settings.conftest import Load

SECRET = "S3cr3tCanary"


def test_without_any_setting_it_is_our_own_tables(load: Load) -> None:
    assert source_of(load()) is None


@pytest.mark.parametrize(
    ("source", "url", "made", "name"),
    [
        (
            "sql",
            f"postgres://me:{SECRET}@d/a?x={SECRET}",
            SqlSource,
            "postgresql+psycopg://me:***@d/a (wanted)",
        ),
        ("sql", f"mysql+pymysql://me:{SECRET}@db/ats", SqlSource, "mysql+pymysql://me:***@db/ats (wanted)"),
        ("file", f"s3://me:{SECRET}@exports/wanted.csv?x={SECRET}", FileSource, "s3://exports/wanted.csv"),
        ("http", f"https://ats.example.com/wanted?x={SECRET}", HttpSource, "https://ats.example.com/wanted"),
    ],
)
def test_each_source_has_a_name_without_a_secret(
    source: str, url: str, made: type, name: str, load: Load, tmp_path: Path
) -> None:
    file, query = tmp_path / "url", tmp_path / "query.sql"
    file.write_text(url)
    query.write_text("wanted\n")
    settings = load(
        DESIRED_SOURCE=source, DESIRED_URL_FILE=str(file), DESIRED_QUERY_FILE=str(query), DESIRED_TOKEN=SECRET
    )
    found = source_of(settings)
    assert isinstance(found, made)
    assert found.name == name
    assert SECRET not in repr(settings) + repr(found)


#: Passwords that were not encoded, at each character at which an address is cut.
NOT_ENCODED = [
    f"me:{before}{at}{after}" for at in "@/?#" for before, after in (("x", SECRET), (SECRET, "x"), ("1", SECRET))
]


@pytest.mark.parametrize("user", NOT_ENCODED)
@pytest.mark.parametrize(
    ("source", "scheme"), [("file", "sftp"), ("file", "simplecache::sftp"), ("http", "https"), ("sql", "postgresql")]
)
def test_a_password_that_is_not_encoded_is_refused(source: str, scheme: str, user: str, load: Load) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(DESIRED_SOURCE=source, DESIRED_URL=f"{scheme}://{user}@h.example.com/x.csv")
    assert "in its user or password; write them as %2F" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("user", [*NOT_ENCODED, f"{SECRET}/x"])
def test_no_name_shows_a_password_that_is_not_encoded(user: str) -> None:
    assert SECRET not in FileSource(f"sftp://{user}@h.example.com/x.csv#token={SECRET}").name
    assert SECRET not in SqlSource(f"postgresql://{user}@h.example.com/ats").name


def test_the_name_of_a_service_is_without_user_and_fragment() -> None:
    assert HttpSource(f"https://me:{SECRET}@h/x#token={SECRET}", None).name == "https://h/x"


@pytest.mark.parametrize(
    "url",
    [
        "s3://exports/a@b.csv",
        "/exports/a@b.csv",
        "sftp://me:p%40ss@h:22/a@b.csv",
        "sftp://[::1]/a.csv?x=1",
        "abfs://c@a/f",
    ],
)
def test_an_address_with_an_at_of_its_own_is_one(url: str, load: Load) -> None:
    assert source_of(load(DESIRED_SOURCE="file", DESIRED_URL=url)) is not None


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"DESIRED_URL": f"sqlite:///{SECRET}"},
            "DESIRED_URL is given, and GREENLIGHT_DESIRED_SOURCE is own",
        ),
        ({"DESIRED_SOURCE": "sql"}, "GREENLIGHT_DESIRED_URL is missing"),
        ({"DESIRED_SOURCE": "nothing"}, "GREENLIGHT_DESIRED_SOURCE"),
        ({"DESIRED_SOURCE": "sql", "DESIRED_URL": SECRET}, "is not a database URL"),
        ({"DESIRED_SOURCE": "sql", "DESIRED_URL": "sqlite://"}, "names no file"),
        ({"DESIRED_SOURCE": "http", "DESIRED_URL": f"http://ats.example.com/{SECRET}"}, "uses plain http"),
        ({"DESIRED_SOURCE": "http", "DESIRED_URL": f"https://me:{SECRET}@ats.example.com"}, "must not carry a user"),
        ({"DESIRED_SOURCE": "http", "DESIRED_URL": f"ftp://{SECRET}"}, "is not an address"),
    ],
)
def test_what_does_not_go_together_is_told(variables: dict[str, str], sentence: str, load: Load) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(**variables)
    assert sentence in str(caught.value)
    assert SECRET not in str(caught.value)
