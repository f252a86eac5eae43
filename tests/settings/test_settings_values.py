"""Each setting, good and bad: a bad one is refused at once, in a sentence that names its variable."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from greenlight.settings import InvalidSettings, Settings
from tests.settings.conftest import Load


def test_an_empty_environment_runs(load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing has to be set, and reading the settings makes neither a folder nor a file."""
    for name in [n for n in os.environ if n != "PYTEST_CURRENT_TEST"]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("greenlight.settings.user_data_path", lambda name, ensure_exists: tmp_path / "data" / name)
    settings = load()
    database = settings.database_url.get_secret_value()
    assert database == f"sqlite:///{tmp_path / 'data' / 'greenlight' / 'greenlight.db'}"
    assert settings.linkedin_api_url == "https://api.linkedin.com"
    assert settings.linkedin_token_url == "https://www.linkedin.com/oauth/v2/accessToken"
    assert settings.linkedin_widget_url == "https://www.linkedin.com/uas/in.js"
    assert settings.http_timeout_seconds == 15
    assert settings.retry_delays_seconds == (2, 10, 30)
    assert settings.requests_per_day == 5000
    assert list(tmp_path.iterdir()) == []


def test_the_default_folder_is_only_named_and_not_made(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    def folder(name: str, ensure_exists: bool = True) -> Path:
        asked.append((name, ensure_exists))
        return Path("/data")

    monkeypatch.setattr("greenlight.settings.user_data_path", folder)
    assert load().database_url.get_secret_value() == f"sqlite:///{Path('/data/greenlight.db')}"
    assert asked == [("greenlight", False)]


GOOD = [
    pytest.param("HTTP_TIMEOUT_SECONDS", "0.5", 0.5, id="a fraction of a second"),
    pytest.param("HTTP_TIMEOUT_SECONDS", "600", 600, id="the longest wait"),
    pytest.param("RETRY_DELAYS_SECONDS", "1,2.5", (1, 2.5), id="as many retries as waits"),
    pytest.param("RETRY_DELAYS_SECONDS", " 1 , 2 ", (1, 2), id="blanks around the commas"),
    pytest.param("RETRY_DELAYS_SECONDS", "", (), id="no waits are no retries"),
    pytest.param("RETRY_DELAYS_SECONDS", "1,2,", (1, 2), id="a dangling comma is no wait"),
    pytest.param("RETRY_DELAYS_SECONDS", "0", (0,), id="a retry at once"),
    pytest.param("RETRY_DELAYS_SECONDS", "3600", (3600,), id="the longest wait between retries"),
    pytest.param("RETRY_DELAYS_SECONDS", ",".join("1" * 20), (1,) * 20, id="the most retries"),
    pytest.param("REQUESTS_PER_DAY", "1", 1, id="the smallest budget"),
    pytest.param("REQUESTS_PER_DAY", "250000", 250_000, id="a budget that LinkedIn has raised"),
]


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_good_value_is_taken(load: Load, name: str, text: str, value: object) -> None:
    assert getattr(load(**{name: text}), name.lower()) == value


BAD = [
    pytest.param("HTTP_TIMEOUT_SECONDS", "0", id="no time at all would fail every request"),
    pytest.param("HTTP_TIMEOUT_SECONDS", "-1", id="negative time"),
    pytest.param("HTTP_TIMEOUT_SECONDS", "600.1", id="so long a wait holds up everybody else"),
    pytest.param("HTTP_TIMEOUT_SECONDS", "inf", id="for ever is no limit"),
    pytest.param("HTTP_TIMEOUT_SECONDS", "nan", id="not a number compares with nothing"),
    pytest.param("HTTP_TIMEOUT_SECONDS", "soon", id="a word is no number"),
    pytest.param("HTTP_TIMEOUT_SECONDS", "", id="nothing is no number"),
    pytest.param("RETRY_DELAYS_SECONDS", "2;10", id="a semicolon is no comma"),
    pytest.param("RETRY_DELAYS_SECONDS", "2,soon", id="one bad wait among good ones"),
    pytest.param("RETRY_DELAYS_SECONDS", "2,-1", id="a negative wait"),
    pytest.param("RETRY_DELAYS_SECONDS", "3600.1", id="a wait of more than an hour"),
    pytest.param("RETRY_DELAYS_SECONDS", "nan", id="a wait that compares with nothing"),
    pytest.param("RETRY_DELAYS_SECONDS", "inf", id="a wait without end"),
    pytest.param("RETRY_DELAYS_SECONDS", ",".join("1" * 21), id="one retry too many"),
    pytest.param("REQUESTS_PER_DAY", "0", id="a budget of nothing could never do anything"),
    pytest.param("REQUESTS_PER_DAY", "-5", id="a negative budget"),
    pytest.param("REQUESTS_PER_DAY", "1.5", id="half a request"),
    pytest.param("REQUESTS_PER_DAY", "many", id="a word is no number of requests"),
    pytest.param("LINKEDIN_API_URL", "", id="an empty address"),
    pytest.param("LINKEDIN_TOKEN_URL", "http://www.linkedin.com/oauth/v2/accessToken", id="the secret in plain text"),
    pytest.param("LINKEDIN_WIDGET_URL", "http://www.linkedin.com/uas/in.js", id="a script that anybody could change"),
    pytest.param("DATABASE_URL", "", id="an empty database URL"),
    pytest.param("DATABASE_URL", "greenlight.db", id="a file name is no URL"),
]


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_bad_value_is_refused_in_a_sentence_that_names_it(load: Load, name: str, text: str) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        load(**{name: text})
    sentence = str(refusal.value)
    assert sentence.startswith(f"GREENLIGHT_{name} ")
    assert "Value error" not in sentence, "it is written for people and not for programmers"
    assert sentence.isprintable()
    assert not sentence.endswith("."), "the caller ends the sentence"
    assert refusal.value.__suppress_context__, "no traceback of the library underneath"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        pytest.param(
            "RETRY_DELAYS_SECONDS",
            "soon",
            "GREENLIGHT_RETRY_DELAYS_SECONDS is not a comma list of seconds like 2,10,30",
            id="what a list of waits looks like",
        ),
        pytest.param(
            "RETRY_DELAYS_SECONDS",
            "-1",
            "GREENLIGHT_RETRY_DELAYS_SECONDS takes at most 20 waits of 0 to 3600 seconds, like 2,10,30",
            id="which waits are taken",
        ),
        pytest.param(
            "DATABASE_URL",
            "nonsense",
            "GREENLIGHT_DATABASE_URL is not a database URL; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
            id="what a database URL looks like",
        ),
        pytest.param(
            "DATABASE_URL",
            "mysql://u@h/n",
            "GREENLIGHT_DATABASE_URL names mysql; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
            id="which databases there are",
        ),
        pytest.param(
            "LINKEDIN_API_URL",
            "api.linkedin.com",
            "GREENLIGHT_LINKEDIN_API_URL is not an address; use a full https address",
            id="what an address looks like",
        ),
        pytest.param(
            "LINKEDIN_API_URL",
            "http://api.linkedin.com",
            "GREENLIGHT_LINKEDIN_API_URL uses plain http, which is accepted for a loopback address alone; use https",
            id="where plain http is taken",
        ),
        pytest.param(
            "LINKEDIN_API_URL",
            "https://u@api.linkedin.com",
            "GREENLIGHT_LINKEDIN_API_URL must not carry a user, a query or a fragment; use the plain https address",
            id="what an address must not carry",
        ),
    ],
)
def test_the_sentence_says_what_is_wrong_and_what_to_do(load: Load, name: str, text: str, sentence: str) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        load(**{name: text})
    assert str(refusal.value) == sentence


def test_every_variable_that_is_wrong_is_named_at_once(load: Load) -> None:
    """Nobody should have to mend settings one failed start at a time."""
    with pytest.raises(InvalidSettings) as refusal:
        load(REQUESTS_PER_DAY="0", LINKEDIN_API_URL="nowhere", DATABASE_URL="nonsense", HTTP_TIMEOUT_SECONDS="15")
    sentences = str(refusal.value).split("; GREENLIGHT_")
    assert [s.removeprefix("GREENLIGHT_").split()[0] for s in sentences] == [
        "DATABASE_URL",
        "LINKEDIN_API_URL",
        "REQUESTS_PER_DAY",
    ]


def test_a_dotenv_file_is_read_and_the_environment_goes_first(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "GREENLIGHT_REQUESTS_PER_DAY=77\nGREENLIGHT_RETRY_DELAYS_SECONDS=1,2\nOTHER_PROGRAM=1\n", encoding="utf-8"
    )
    settings = load(RETRY_DELAYS_SECONDS="3")
    assert settings.requests_per_day == 77
    assert settings.retry_delays_seconds == (3,)


def test_a_bad_line_of_the_dotenv_file_is_named_like_a_variable(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GREENLIGHT_LINKEDIN_API_URL=http://evil.example\n", encoding="utf-8")
    with pytest.raises(InvalidSettings, match=r"^GREENLIGHT_LINKEDIN_API_URL uses plain http"):
        load()


def test_variables_of_others_are_left_alone(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without the prefix belongs to somebody else; an unknown one with it may be a newer version's."""
    monkeypatch.setenv("REQUESTS_PER_DAY", "0")
    monkeypatch.setenv("GREENLIGHT_NOT_A_SETTING", "1")
    assert load().requests_per_day == 5000


def test_settings_do_not_change_under_a_run(load: Load) -> None:
    settings = load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.requests_per_day = 1  # type: ignore[misc]


def test_waits_may_also_be_given_as_numbers_by_code(load: Load) -> None:
    load()
    assert Settings(retry_delays_seconds=(0.0, 1.0)).retry_delays_seconds == (0, 1)
