"""Guards of shards: who helps a run does nothing without it, and nothing that it did not cut."""

from tests.guards.guard import Guard

SHARDS = [
    Guard(
        "no shard is taken of a run that is silent or over",
        "greenlight/ats/shards.py",
        "col(each.done_at).is_(None), free, lasts)",
        "col(each.done_at).is_(None), free)",
        ("tests/ats/test_ats_shards.py",),
    ),
    Guard(
        "of a shard one process at a time has it",
        "greenlight/ats/shards.py",
        "col(each.done_at).is_(None), free, lasts)",
        "col(each.done_at).is_(None), lasts)",
        ("tests/ats/test_ats_shards.py",),
    ),
    Guard(
        "who helps a run stops when it is over",
        "tasks/sequences/shards.py",
        "                    raise ShardLost\n        await work",
        "                    pass\n        await work",
        ("tests/flows/test_flow_shards.py",),
    ),
    Guard(
        "who helps a run that only plans cannot enable",
        "flows/shards.py",
        "planning_resources if helps.command is Command.PLAN else enabling_resources",
        "enabling_resources",
        ("tests/flows/test_flow_shards.py",),
    ),
]
