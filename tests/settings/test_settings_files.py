"""What may carry a secret may stand in a file instead: one of the two, and a file that fails is never silent."""

from pathlib import Path

import pytest

from greenlight.settings import InvalidSettings
from tests.settings.conftest import Load

SECRETS = {
    "DATABASE_URL": "postgresql+psycopg://ats:p%40ss@db/ats",
    "HTTPS_PROXY": "http://me:p%40ss@proxy.corp:3128",
}


@pytest.mark.parametrize("name", SECRETS)
def test_it_is_read_from_its_file(load: Load, tmp_path: Path, name: str) -> None:
    file = tmp_path / "secret"
    file.write_text(f"  {SECRETS[name]}\n", encoding="utf-8")
    settings = load(**{f"{name}_FILE": str(file)})
    value = getattr(settings, name.lower())
    assert value.get_secret_value() == SECRETS[name]
    assert "p%40ss" not in repr(settings)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("content", "given", "sentence"),
    [
        (None, False, "cannot be read from its file (FileNotFoundError); mend the path"),
        (b"\n", False, "is to be read from a file that is empty; write it there"),
        (b"\xff\xfe", False, "cannot be read from its file (UnicodeDecodeError); mend the path"),
        (b"x", True, "_FILE are both given; keep one of them"),
    ],
    ids=["no file", "an empty one", "no text", "the variable as well"],
)
def test_what_fails_is_told(
    load: Load, tmp_path: Path, name: str, content: bytes | None, given: bool, sentence: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidSettings) as caught:
        load(**{f"{name}_FILE": str(file)}, **({name: SECRETS[name]} if given else {}))
    assert str(caught.value).startswith(f"GREENLIGHT_{name} ")
    assert sentence in str(caught.value)
    assert "p%40ss" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL_FILE", ""), ("DATABAES_URL_FILE", "/run/secrets/db"), ("DATABASE_URL_FIEL", "/run/secrets/db")],
)
def test_whoever_means_a_database_gets_no_other(load: Load, name: str, value: str) -> None:
    """The default is an empty SQLite file of one's own, in which nothing is to be done."""
    with pytest.raises(InvalidSettings, match="DATABASE_URL"):
        load(**{name: value})


def test_the_default_is_one_only_where_nothing_was_given(load: Load) -> None:
    assert load().database.startswith("sqlite:///")
    with pytest.raises(InvalidSettings):
        load(DATABASE_URL="not given")
