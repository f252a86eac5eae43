"""Create or update the automations on the Prefect server in PREFECT_API_URL; again changes nothing.

`--notify SLUG/NAME` (as in slack-webhook/ops) tells that notification block instead of only writing the event down.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound

_HERE = Path(__file__).parent
#: What only notes that it fired, until the operator names a block.
_SILENT = "do-nothing"


def load(folder: Path = _HERE) -> list[dict[str, Any]]:
    """Every automation of the files, as they stand there, with the message that it would send."""
    return [
        entry for file in sorted(folder.glob("*.yaml")) for entry in yaml.safe_load(file.read_text())["automations"]
    ]


def telling(entry: dict[str, Any], block_id: str | None) -> AutomationCore:
    """The automation, with its message in place of each silent action where there is a block to send it to."""
    core = {name: value for name, value in entry.items() if name != "message"}
    if block_id is not None and (message := entry.get("message")):
        tell = {
            "type": "send-notification",
            "block_document_id": block_id,
            "subject": f"Greenlight: {message['subject']}",
            "body": f"{message['body']}\n{entry['description']}\n({entry['name']})",
        }
        core["actions"] = [tell if action["type"] == _SILENT else action for action in entry["actions"]]
    return AutomationCore.model_validate(core)


async def apply(client: PrefectClient, automation: AutomationCore) -> str:
    """Make the server's automation of this name like this one, and remove further ones of its name."""
    found = await client.read_automations_by_name(automation.name)
    if not found:
        await client.create_automation(automation)
        return "created"
    kept, *others = sorted(found, key=lambda one: str(one.id))
    for other in others:
        await client.delete_automation(other.id)
    # An update would also forget how long a proactive trigger has been waiting.
    if all(getattr(kept, name) == getattr(automation, name) for name in ("description", "trigger", "actions")):
        return "unchanged"
    # Whoever paused it in the UI meant it.
    await client.update_automation(kept.id, automation.model_copy(update={"enabled": kept.enabled}))
    return "updated"


async def _block_id(client: PrefectClient, address: str) -> str:
    """The id of a block that can notify. Exits with a sentence where there is none."""
    slug, _, name = address.partition("/")
    try:
        document = await client.read_block_document_by_name(name, slug, include_secrets=False)
    except ObjectNotFound:
        raise SystemExit(f"There is no block {address}: make a notification block in Prefect's UI first.") from None
    if document.block_schema is None or "notify" not in document.block_schema.capabilities:
        raise SystemExit(f"The block {address} is no notification block.")
    return str(document.id)


async def main(notify: str | None) -> None:
    async with get_client() as client:
        block_id = await _block_id(client, notify) if notify is not None else None
        for entry in load():
            sys.stdout.write(f"{entry['name']}: {await apply(client, telling(entry, block_id))}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m deployments.automations", description=__doc__)
    parser.add_argument("--notify", metavar="SLUG/NAME", help="the notification block to tell")
    asyncio.run(main(parser.parse_args().notify))
