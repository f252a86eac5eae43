"""What a benchmark must not get wrong unnoticed: the far end's answers, and what is told of the runs."""

from typing import Any
from xml.etree import ElementTree

from greenlight.domain.status import Observation
from greenlight.linkedin.answers import read_enable, read_verify
from tests.benchmarks import far_end
from tests.benchmarks.contestants import integration
from tests.benchmarks.far_end import World
from tests.benchmarks.picture import picture
from tests.benchmarks.telling import table


def _head(method: str, number: int, bearer: int) -> bytes:
    token = f"Authorization: Bearer token-of-{far_end.client_id(bearer)}"
    query = integration(number).as_body_key()
    return f"{method} {far_end.API_PATH}?{query} HTTP/1.1\r\n{token}\r\n\r\n".encode()


def _shown(world: World, number: int) -> str:
    seen = read_verify(world.answer(_head("GET", number, number), b"").encode(), [integration(number)])
    observation = seen[integration(number)]
    assert isinstance(observation, Observation)
    return observation.status


def test_the_far_end_shows_what_was_enabled_and_for_whom() -> None:
    world = World(0)
    assert [_shown(world, 1), _shown(world, 2)] == ["REQUESTED", "REQUESTED"]
    body = b'{"entities":{"k":{"patch":{"$set":{"integrationName":"a \\"name\\""}}}}}'
    read_enable(world.answer(_head("POST", 1, 1), body).encode(), integration(1))
    assert [_shown(world, 1), _shown(world, 2)] == ["ENABLED", "REQUESTED"]
    assert (world.requests, world.violations) == ({"verify": 4, "enable": 1}, [])


def test_the_far_end_notes_what_no_client_should_have_sent() -> None:
    world = World(0)
    world.answer(_head("POST", 1, 1), b"")
    world.answer(_head("POST", 1, 1), b"")
    world.answer(_head("GET", 1, 2), b"")
    assert world.violations == ["client000001 was enabled again", "client000002 asked for another's integration"]


def _run(who: str, seconds: float, **more: Any) -> dict[str, Any]:
    same = {"work": "apply", "latency": 0.0, "customers": 100, "round": 1, "load": 1.0, "stages": {}}
    return {"who": who, **same, "seconds": seconds, "cpu": 1.0, "server_cpu": 0.0, "memory_most": 50.0, **more}


def test_runs_of_one_round_are_compared_with_each_other() -> None:
    slow = [_run("bare", 1.0), _run("greenlight", 2.0)]
    busy = [{**run, "seconds": run["seconds"] * 10, "round": 2} for run in slow]
    told = table([*slow, *busy])
    assert "greenlight / bare: median 0.500, from 0.500 to 0.500 in 2 rounds" in told


def test_the_picture_is_one_whatever_was_measured() -> None:
    more = _run("greenlight", 2.0, customers=1000, latency=0.1)
    for measured in ([_run("greenlight", 1.0)], [_run("bare", 1.0), _run("greenlight", 2.0), more]):
        assert ElementTree.fromstring(picture(measured)).tag.endswith("svg")
