"""A world with one fault per customer, through the whole flow: every item's outcome, and what LinkedIn saw."""

from collections import Counter
from typing import Any

import pytest

from flows.reconcile import reconcile
from flows.request import What
from tests.flows.fault_world import CASES, import_file, world

pytestmark = pytest.mark.timeout(170)


async def test_every_fault_ends_in_its_outcome(town: Any, subtests: pytest.Subtests) -> None:
    async with town(world()) as there:
        await there.bring_in(import_file())
        state = await reconcile(What.APPLY, return_state=True)
        report = there.report(state)

        items = {item.item.customer_id: item for item in report.items}
        assert items.keys() == {case.id for case in CASES}
        for case in CASES:
            with subtests.test(case.id):
                item = items[case.id]
                got = (item.condition.outcome, item.condition.reason, item.observed)
                assert got == case.expected, f"{case.why}: {item.message}"
        with subtests.test("what LinkedIn saw"):
            assert there.violations() == []
            effective = {customer: counts["effective"] for customer, counts in there.enables().items()}
            assert effective == {case.id: case.enabled_at_linkedin for case in CASES}
        with subtests.test("one token per customer, and one more after a 401"):
            tokens = Counter(e.client_id for e in there.linkedin.log if e.operation == "token")
            rejected = Counter(e.client_id for e in there.linkedin.log if e.operation != "token" and e.status == 401)
            for case in CASES:
                if not any(fault.on == "token" for fault in case.faults):
                    assert tokens[case.client_id] <= 1 + rejected[case.client_id], case.id
        with subtests.test("the flow's state is computed from the items and names them"):
            assert (state.type.value, state.name) == ("FAILED", "PartialFailure")
            assert "t-refused (CREDENTIALS_REFUSED)" in (state.message or "")
            assert report.exit_code == 3
            assert sum(report.counts().values()) == len(CASES)


async def test_a_second_run_settles_what_the_first_left_and_enables_nothing_twice(town: Any) -> None:
    async with town(world()) as there:
        await there.bring_in(import_file())
        await reconcile(What.APPLY, return_state=True)
        for application in there.linkedin.state()["applications"]:
            there.linkedin.set_faults(application["client_id"], [])
        second = there.report(await reconcile(What.APPLY, return_state=True))

        left = {i.item.customer_id: i.condition.reason for i in second.unsettled()}
        # What LinkedIn confirmed and did not do stays with a name: only a person sends it again.
        not_shown = dict.fromkeys(("e-ignored", "e-already", "e-204-late"), "CONFIRMED_NOT_SHOWN")
        assert left == {"nocreds": "CREDENTIALS_MISSING", "v-new": "UNREADABLE_ANSWER", **not_shown}
        assert there.violations() == []
        received = there.enables()
        assert all(counts["effective"] <= 1 for counts in received.values())

        before = there.operations().count("enable")
        third = there.report(await reconcile(What.APPLY, return_state=True))
        assert there.operations().count("enable") == before, "a run over a converged world sends no enable"
        assert third.requests.enable == 0
