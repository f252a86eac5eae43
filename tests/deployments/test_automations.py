"""The automations, as Prefect's own schema reads them, and put on a server twice."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.events.schemas.automations import AutomationCore, EventTrigger

from deployments.automations.__main__ import apply, load, main, telling

ROOT = Path(__file__).resolve().parents[2]
AUTOMATIONS = load()
BLOCK = "00000000-0000-4000-8000-000000000000"


def trigger_of(name: str) -> EventTrigger:
    [entry] = [one for one in AUTOMATIONS if one["name"] == name]
    trigger = AutomationCore.model_validate(entry).trigger
    assert isinstance(trigger, EventTrigger)
    return trigger


@pytest.mark.parametrize("entry", AUTOMATIONS, ids=[entry["name"] for entry in AUTOMATIONS])
def test_prefect_takes_it_as_it_stands_and_with_a_notification(entry: dict[str, Any]) -> None:
    assert set(entry) - {"message"} == {"name", "description", "trigger", "actions"}
    # What would only note that it fired has something to say; what acts needs nobody.
    assert ("message" in entry) == ([action["type"] for action in entry["actions"]] == ["do-nothing"])
    # A trigger ignores keys that it does not know.
    assert set(entry["trigger"]) <= set(EventTrigger.model_fields)
    assert telling(entry, None).actions == AutomationCore.model_validate(entry).actions
    assert "do-nothing" not in {action.type for action in telling(entry, BLOCK).actions}


def test_no_two_share_a_name_since_the_name_is_what_they_are_updated_by() -> None:
    names = [entry["name"] for entry in AUTOMATIONS]
    assert len(names) == len(set(names)) == 10


def test_every_name_of_a_bad_end_is_listened_for() -> None:
    """A state named by a flow emits an event of that name, and no other."""
    named = set(re.findall(r'Failed\(name="(\w+)"|"(\w+)" if verdict is Verdict.PARTIAL else "(\w+)"', _sources()))
    bad = {f"prefect.flow-run.{name}" for names in named for name in names if name}
    assert {"prefect.flow-run.PartialFailure", "prefect.flow-run.NothingSucceeded"} <= bad
    assert bad <= trigger_of("greenlight-run-failed").expect


@pytest.mark.parametrize(
    "name",
    [
        "request-overdue",
        "credentials-dead",
        "integration-drifted",
        "enabled-but-withdrawn",
        "application-drifted",
        "enable-not-shown",
        "tripwire-held",
    ],
)
def test_an_event_of_ours_that_is_waited_for_is_one_that_is_emitted(name: str) -> None:
    trigger = trigger_of(f"greenlight-{name}")
    [event] = trigger.expect
    told = "".join((ROOT / "tasks/telling" / name).read_text(encoding="utf-8") for name in ("events.py", "outbox.py"))
    assert f'"{event}"' in told
    # Every run says it again: less than a day, so that each night is heard, and more than all runs of a day.
    assert trigger.within == timedelta(hours=20)


async def test_twice_on_a_server_makes_each_once(prefect_server: str) -> None:
    wanted = [telling(entry, None) for entry in AUTOMATIONS]
    async with get_client() as client:
        first = [await apply(client, one) for one in wanted]
        again = [await apply(client, one) for one in wanted]
        # What a second `prefect automation create` leaves behind.
        await client.create_automation(wanted[0])
        await apply(client, wanted[0])
        changed = wanted[1].model_copy(update={"description": "Changed."})
        outcome = await apply(client, changed)
        counts = [len(await client.read_automations_by_name(one.name)) for one in wanted]
        [stored] = await client.read_automations_by_name(changed.name)
    assert first == ["created"] * len(wanted)
    assert again == ["unchanged"] * len(wanted)
    assert counts == [1] * len(wanted)
    assert (outcome, stored.description) == ("updated", "Changed.")


async def test_only_a_block_that_can_notify_is_told(prefect_server: str) -> None:
    with pytest.raises(SystemExit, match="no block slack-webhook/greenlight-nowhere"):
        await main("slack-webhook/greenlight-nowhere")
    # A mistyped address must not hand a credential to whoever sends messages.
    await Secret(value="s").asave("greenlight-mute", overwrite=True)
    with pytest.raises(SystemExit, match="no notification block"):
        await main("secret/greenlight-mute")


def _sources() -> str:
    files = [*sorted((ROOT / "flows").glob("*.py")), ROOT / "tasks/telling/events.py"]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
