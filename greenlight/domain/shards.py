"""How a large run is cut into shards, which processes of several machines take from each other's hands."""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256

#: One shard among so many is cut into so many small ones.
SMALL_AMONG, SMALL_PARTS = 4, 4


class Stage(StrEnum):
    """What of a run is done in shards. What is decided for the whole run, it decides between the two."""

    LOOK = "look"
    ENABLE = "enable"


def shard_of(customer_id: str, count: int) -> int:
    """In which of so many shards a customer is, from 0 on: the same in every process and on every machine."""
    return int.from_bytes(sha256(customer_id.encode()).digest()[:8]) % count


def shards(customers: Mapping[int, str], size: int) -> list[list[int]]:
    """These integrations, by id with their customers, in shards of about `size` whole customers; none is empty.

    Of many the last ones are cut small, and come last: whoever ends first does not wait long for the others.
    """
    count = -(-len(set(customers.values())) // size)
    large = count - count // SMALL_AMONG
    found: dict[int, list[int]] = {}
    for id, customer_id in customers.items():
        number = shard_of(customer_id, count)
        if number >= large:
            # As many times as many shards cut each of these, and no customer of another one comes in.
            number = shard_of(customer_id, count * SMALL_PARTS) + count
        found.setdefault(number, []).append(id)
    return [found[number] for number in sorted(found)]
