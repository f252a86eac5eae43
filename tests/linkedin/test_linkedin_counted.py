"""A request that was counted with something else: it leaves on that count, or the count is given back."""

import asyncio

import httpx
import pytest

from greenlight.domain.reasons import Reason
from greenlight.linkedin.calls import Calls, Counted
from greenlight.linkedin.errors import Refused
from greenlight.linkedin.integrations import Enabler
from greenlight.linkedin.oauth import Operation
from tests.linkedin.stage import ACME, API, AWLI, CONNECT, NAME, Stage, body_of, says


class Meter:
    """Counts, and says of each count whether it lasts."""

    def __init__(self) -> None:
        self.counted, self.checked, self.given_back, self.lasts = 0, 0, 0, True

    async def check(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> None:
        self.checked += 1

    async def before(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> Counted:
        self.counted += 1
        return Counted()

    async def after(self, client_id: str, *, throttled: bool, retry_after: float | None) -> None: ...

    def already(self) -> Counted:
        return Counted(lambda: self.lasts, self._give_back)

    async def _give_back(self) -> None:
        self.given_back += 1


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def enabler(stage: Stage, meter: Meter) -> Enabler:
    stage.look.mock(return_value=httpx.Response(200, content=body_of()))
    return Enabler(Calls(stage.wire, stage.tokens, stage.counts, meter), API)


async def test_it_leaves_on_its_count(enabler: Enabler, stage: Stage, meter: Meter) -> None:
    await enabler.verify(ACME, [AWLI], counted=meter.already())
    assert (stage.counts.verify, meter.counted, meter.checked, meter.given_back) == (1, 0, 0, 0)


async def test_what_is_sent_again_is_counted_again(enabler: Enabler, stage: Stage, meter: Meter) -> None:
    stage.look.mock(side_effect=[says(401), httpx.Response(200, content=body_of())])
    await enabler.verify(ACME, [AWLI], counted=meter.already())
    assert (stage.counts.verify, meter.counted, meter.given_back) == (2, 1, 0)


async def test_of_several_requests_the_first_is_counted(enabler: Enabler, stage: Stage, meter: Meter) -> None:
    stage.look.mock(side_effect=[says(400), *[httpx.Response(200, content=body_of())] * 2])
    await enabler.verify(ACME, [AWLI, CONNECT], counted=meter.already())
    assert (stage.counts.verify, meter.counted, meter.given_back) == (3, 2, 0)


async def test_without_a_token_nothing_left(enabler: Enabler, stage: Stage, meter: Meter) -> None:
    stage.token.mock(return_value=httpx.Response(401, json={"error": "invalid_client"}))
    await enabler.verify(ACME, [AWLI], counted=meter.already())
    assert (stage.counts.verify, meter.counted, meter.given_back) == (0, 0, 1)


async def test_too_late_nothing_left(enabler: Enabler, stage: Stage, meter: Meter) -> None:
    with pytest.raises(Refused) as refused:
        await enabler.enable(ACME, AWLI, NAME, lambda: False, counted=meter.already())
    assert refused.value.reason is Reason.LINKEDIN_UNAVAILABLE
    assert (stage.counts.enable, meter.counted, meter.given_back) == (0, 0, 1)


async def test_on_another_day_it_is_counted_there(enabler: Enabler, stage: Stage, meter: Meter) -> None:
    counted, meter.lasts = meter.already(), False
    await enabler.verify(ACME, [AWLI], counted=counted)
    assert (stage.counts.verify, meter.counted) == (1, 1)


async def test_where_it_cannot_be_given_back_linkedins_word_stands(
    enabler: Enabler, stage: Stage, meter: Meter, caplog: pytest.LogCaptureFixture
) -> None:
    """A refusal proves that nothing landed; a database that is away says nothing of that."""
    stage.token.mock(return_value=httpx.Response(401, json={"error": "invalid_client"}))

    async def away() -> None:
        raise ZeroDivisionError

    with pytest.raises(Refused) as refused:
        await enabler.enable(ACME, AWLI, NAME, counted=Counted(lambda: True, away))
    assert refused.value.reason is Reason.CREDENTIALS_REFUSED
    assert "stays counted (ZeroDivisionError)" in caplog.text


async def test_who_is_cancelled_before_it_left_gives_it_back(enabler: Enabler, stage: Stage, meter: Meter) -> None:
    asked = asyncio.Event()

    async def never(_: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.sleep(60)
        raise AssertionError

    stage.token.mock(side_effect=never)
    looking = asyncio.create_task(enabler.verify(ACME, [AWLI], counted=meter.already()))
    await asked.wait()
    looking.cancel()
    await asyncio.wait([looking])
    assert (looking.cancelled(), stage.counts.verify, meter.given_back) == (True, 0, 1)
