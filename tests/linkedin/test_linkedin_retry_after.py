"""How long LinkedIn asks to be left alone: both forms of the header, and everything that is neither."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.budget import day_ends
from greenlight.domain.reasons import Reason
from greenlight.linkedin.errors import LinkedInError, Unclear, parse_retry_after
from tests.linkedin.stage import Stage, enabled_by, says, seen_in

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("0", 0.0, id="at once"),
        pytest.param("7", 7.0, id="seconds"),
        pytest.param(" 30 ", 30.0, id="blanks around it"),
        pytest.param("999999999", 999999999.0, id="thirty years are understood, and not waited for"),
        pytest.param("1000000000", 1e9, id="ten digits are not absent"),
        pytest.param("3600, 3600", 3600.0, id="a header that came twice"),
        pytest.param("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None, id="a zone beyond all zones"),
        pytest.param("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None, id="a year beyond all years"),
        pytest.param("Sun, 01 Mar 2026 12:00:20 GMT", 20.0, id="a date"),
        pytest.param("Sun, 01 Mar 2026 13:00:20 +0100", 20.0, id="a date of another zone"),
        pytest.param("Sun, 01 Mar 2026 12:00:20", 20.0, id="a date without a zone is UTC"),
        pytest.param("Sunday, 01-Mar-26 12:00:20 GMT", 20.0, id="the older form of HTTP dates"),
        pytest.param("Sun Mar  1 12:00:20 2026", 20.0, id="the oldest form"),
        pytest.param("Mon, 02 Mar 2026 00:00:00 GMT", 43200.0, id="the next UTC day, where limits end"),
        pytest.param("Sun, 01 Mar 2026 11:59:59 GMT", None, id="a date that has passed"),
        pytest.param("Sun, 01 Mar 2026 12:00:00 GMT", None, id="now"),
        pytest.param("Thu, 01 Jan 1970 00:00:00 GMT", None, id="the epoch"),
        pytest.param("-5", None, id="negative"),
        pytest.param("+5", None, id="with a sign"),
        pytest.param("1e9", None, id="with an exponent"),
        pytest.param("1.5", None, id="with a fraction"),
        pytest.param("\u0665", None, id="a digit of another script"),
        pytest.param("soon", None, id="words"),
        pytest.param("Sun, 99 Mar 2026 12:00:20 GMT", None, id="no such day"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="absent"),
    ],
)
def test_header(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, NOON) == seconds


@given(text=st.text(st.sampled_from('0123456789 ,:+-.MonSuarGMT()"\\/e'), max_size=40))
def test_no_text_of_this_kind_breaks_it(text: str) -> None:
    seconds = parse_retry_after(text, NOON)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "again"),
    [
        pytest.param({}, True, id="not asked for: a short wait of our own"),
        pytest.param({"retry-after": "30"}, True, id="as long as is waited for"),
        pytest.param({"retry-after": "31"}, False, id="longer: left to a later run"),
        pytest.param({"Retry-After": "86400"}, False, id="a day"),
        pytest.param({"retry-after": "nonsense"}, True, id="not understood is not asked for"),
    ],
)
async def test_a_long_silence_is_left_to_a_later_run(status: int, header: dict[str, str], again: bool) -> None:
    body = says(status).content
    for error in (await seen_in(body, status, header), await enabled_by(body, status, header)):
        assert isinstance(error, LinkedInError)
        assert error.reason is (Reason.THROTTLED if status == 429 else Reason.LINKEDIN_UNAVAILABLE)
        assert error.worth_repeating is again
        text = header.get("retry-after", header.get("Retry-After", ""))
        assert error.retry_after == (float(text) if text.isdigit() else None)


async def test_a_date_is_counted_from_now() -> None:
    header = {"retry-after": format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)}
    error = await enabled_by(says(429).content, 429, header)
    assert error is not None
    assert error.retry_after is not None
    assert 3500 < error.retry_after <= 3600
    assert not error.worth_repeating


DAYS = [
    pytest.param("Resource level throttle APPLICATION DAY limit for calls to this resource is reached.", id="as is"),
    pytest.param("Your daily quota is used up", id="in other words"),
]


@pytest.mark.parametrize("message", DAYS)
@pytest.mark.parametrize("header", [{}, {"retry-after": "5"}, {"retry-after": "0"}])
async def test_the_days_limit_is_not_tried_again_before_the_day_ends(message: str, header: dict[str, str]) -> None:
    """However soon the header says: a day's limit ends at 00:00 UTC, and each try costs a request."""
    body = says(429, message).content
    end = day_ends(datetime.now(UTC))
    for error in (await seen_in(body, 429, header), await enabled_by(body, 429, header)):
        left = (end - datetime.now(UTC)).total_seconds()
        assert isinstance(error, LinkedInError)
        assert error.reason is Reason.THROTTLED
        assert error.retry_after == pytest.approx(left % 86400, abs=5)
        assert error.worth_repeating is (left <= 30)


async def test_the_days_limit_at_the_token_endpoint() -> None:
    stage = Stage()
    words = {"error": "temporarily_unavailable", "error_description": "APPLICATION DAY limit"}
    stage.token.respond(429, json=words, headers={"retry-after": "1"})
    error = await stage.enable()
    assert error is not None
    assert error.reason is Reason.THROTTLED
    left = (day_ends(datetime.now(UTC)) - datetime.now(UTC)).total_seconds()
    assert error.retry_after == pytest.approx(left % 86400, abs=5)


async def test_another_limit_is_no_days() -> None:
    """The word must stand for itself."""
    error = await enabled_by(says(429, "Too many requests just now; yesterday was fine").content, 429)
    assert error is not None
    assert (error.retry_after, error.worth_repeating) == (None, True)


def test_patience_makes_no_refusal_worth_repeating() -> None:
    assert not LinkedInError(Reason.WRONG_CREDENTIALS, retry_after=1).worth_repeating
    assert Unclear(Reason.LINKEDIN_UNAVAILABLE, retry_after=1).worth_repeating
