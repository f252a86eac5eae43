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
        ("tests/flows/test_flow_lost_shards.py",),
    ),
    Guard(
        "who helps a run that only plans cannot enable",
        "flows/shards.py",
        "planning_resources if helps.command is Command.PLAN else enabling_resources",
        "enabling_resources",
        ("tests/flows/test_flow_shards.py",),
    ),
    Guard(
        "who has lost a shard ends no other that it has by the same number",
        "greenlight/ats/shards.py",
        "_SHARDS.c.number == shard.number, _SHARDS.c.take == shard.take",
        "_SHARDS.c.number == shard.number",
        ("tests/ats/test_ats_shards.py",),
    ),
    Guard(
        "a shard that is gone is not done",
        "greenlight/ats/shards.py",
        "        if there != cut:",
        "        if False:",
        ("tests/ats/test_ats_shards.py",),
    ),
]
