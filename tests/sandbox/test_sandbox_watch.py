"""Each violation, once committed and once avoided."""

import pytest

from sandbox.faults import Fault
from sandbox.keys import Key
from tests.sandbox.partner import (
    AWLI,
    CSA,
    NOWHERE,
    OTHERS,
    Partner,
    Theatre,
    on_stage,
)


async def test_a_careful_day_leaves_no_violation() -> None:
    partner = await on_stage()
    await partner.verify(AWLI, CSA)
    await partner.enable(AWLI)
    await partner.enable(CSA)
    await partner.verify(AWLI, CSA)
    partner.sandbox.customer_switches_on("acme", Key(*CSA))
    await partner.verify(CSA)
    assert partner.rules == []


class TestEnableWithoutVerify:
    async def test_never_verified(self) -> None:
        partner = await on_stage()
        await partner.verify(CSA)
        await partner.enable(AWLI)
        assert partner.rules == ["enable_without_verify"]
        assert partner.sandbox.violations[0].client_id == "acme"
        assert partner.sandbox.violations[0].keys == [Key(*AWLI).canonical]

    @pytest.mark.parametrize(
        ("fault", "rules"),
        [
            ("lowercase_status", []),
            ("foreign_extra", []),
            ("prose_status", []),
            ("unknown_status", ["enable_without_verify"]),
            ("conflicting", ["enable_without_verify"]),
            ("missing_key", ["enable_without_verify"]),
            ("foreign", ["enable_without_verify"]),
            ("html", ["enable_without_verify"]),
            ("lost", ["enable_without_verify"]),
        ],
    )
    async def test_what_counts_is_what_the_answer_said(self, fault: str, rules: list[str]) -> None:
        theatre = Theatre()
        partner = await theatre.partner()
        partner.sandbox.set_faults("acme", [Fault(on="verify", fault=fault)])
        try:
            await partner.verify()
        except ConnectionResetError:
            assert fault == "lost"
        await partner.enable()
        assert partner.rules == rules

    async def test_an_error_in_the_newest_answer_is_no_licence(self) -> None:
        partner = await on_stage(Fault(on="verify", fault="status_in_errors", status=500, after=1))
        await partner.verify()
        await partner.verify()
        await partner.enable()
        assert partner.rules == ["enable_without_verify"]

    async def test_an_answer_for_the_whole_request_takes_nothing_back(self) -> None:
        partner = await on_stage(Fault(on="verify", fault="status", status=404, after=1))
        await partner.verify()
        await partner.verify()
        await partner.enable()
        assert partner.rules == []

    async def test_another_applications_verify_does_not_count(self) -> None:
        theatre = Theatre()
        acme, zeta = await theatre.partner(), await theatre.partner("zeta")
        await zeta.verify(OTHERS)
        await acme.verify(OTHERS)
        await acme.enable(OTHERS)
        assert acme.rules == ["enable_without_verify"]
        await zeta.enable(OTHERS)
        assert acme.rules == ["enable_without_verify"]

    async def test_not_requested(self) -> None:
        partner = await on_stage()
        await partner.verify(NOWHERE)
        await partner.enable(NOWHERE)
        assert partner.rules == ["enable_without_verify"]


class TestEnableAgain:
    @pytest.mark.parametrize("key", [AWLI, CSA])
    async def test_after_the_key_has_moved(self, key: tuple[str, str, str, str]) -> None:
        partner = await on_stage()
        await partner.verify(key)
        await partner.enable(key)
        assert partner.rules == []
        await partner.enable(key)
        assert partner.rules == ["enable_again"]

    async def test_not_after_an_enable_that_changed_nothing(self) -> None:
        partner = await on_stage(Fault(on="enable", fault="throttle"), Fault(on="enable", fault="mismatch", after=1))
        await partner.verify()
        for _ in range(3):
            await partner.enable()
        assert (partner.status(), partner.rules) == ("ENABLED", [])

    async def test_not_when_somebody_else_was_faster(self) -> None:
        partner = await on_stage()
        await partner.verify()
        partner.sandbox.set_status("acme", Key(*AWLI), "ENABLED")
        assert (await partner.enable()).status_code == 400
        assert partner.rules == []


UNCLEAR = [
    Fault(on="enable", fault="lost"),
    Fault(on="enable", fault="dropped"),
    Fault(on="enable", fault="truncated", applied=False),
    Fault(on="enable", fault="status", status=500),
    Fault(on="enable", fault="html"),
    Fault(on="enable", fault="garbage"),
    Fault(on="enable", fault="empty", applied=False),
    Fault(on="enable", fault="huge", bytes=10, applied=False),
    Fault(on="enable", fault="redirect", location="/"),
    Fault(on="enable", fault="foreign"),
    Fault(on="enable", fault="status_in_errors", status=503),
]
CLEAR = [
    Fault(on="enable", fault="throttle"),
    Fault(on="enable", fault="no_record"),
    Fault(on="enable", fault="status_in_errors", status=422),
    Fault(on="enable", fault="status", status=409),
    Fault(on="enable", fault="ignored"),
    Fault(on="enable", fault="hang", seconds=0),
    Fault(on="enable", fault="foreign_extra"),
]


async def enable_through(partner: Partner) -> None:
    try:
        await partner.enable()
    except ConnectionResetError:
        assert partner.sandbox.log[-1].fault in ("lost", "dropped", "truncated")


class TestEnableRepeatedBlind:
    @pytest.mark.parametrize("fault", UNCLEAR, ids=lambda fault: fault.fault)
    async def test_after_an_unclear_answer(self, fault: Fault) -> None:
        partner = await on_stage(fault)
        await partner.verify()
        await enable_through(partner)
        assert partner.rules == []
        await partner.enable()
        assert "enable_repeated_blind" in partner.rules

    @pytest.mark.parametrize("fault", UNCLEAR, ids=lambda fault: fault.fault)
    async def test_not_when_a_verify_of_the_key_came_in_between(self, fault: Fault) -> None:
        partner = await on_stage(fault)
        await partner.verify()
        await enable_through(partner)
        await partner.verify()
        await partner.enable()
        assert "enable_repeated_blind" not in partner.rules

    async def test_a_verify_that_said_nothing_of_the_key_settles_nothing(self) -> None:
        partner = await on_stage(
            Fault(on="enable", fault="dropped"), Fault(on="verify", fault="status", status=500, after=1)
        )
        await partner.verify()
        await enable_through(partner)
        await partner.verify(AWLI)
        await partner.verify(CSA)
        await partner.enable()
        assert partner.rules == ["enable_repeated_blind"]

    @pytest.mark.parametrize("fault", CLEAR, ids=lambda fault: fault.fault)
    async def test_not_after_a_clear_answer(self, fault: Fault) -> None:
        partner = await on_stage(fault)
        await partner.verify()
        await partner.enable()
        await partner.enable()
        assert "enable_repeated_blind" not in partner.rules
