"""The world file, and the program that reads it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.__main__ import main
from sandbox.world import World, WorldError, load_world, parse_world

ROOT = Path(__file__).parents[2]
AWLI = {"integrationContext": "urn:li:organization:1", "integrationType": "APPLY_WITH_LINKEDIN", "tenantType": "JOBS"}


def app(client_id: str = "a", **more: Any) -> dict[str, Any]:
    return {"client_id": client_id, "client_secret": "top-secret", **more}


def test_the_example_of_the_readme_is_a_world() -> None:
    example = re.search(r"```json\n(.*?)```", (ROOT / "sandbox/README.md").read_text(), re.DOTALL)
    assert example is not None
    world = parse_world(json.loads(example[1]))
    assert [one.client_id for one in world.applications] == ["acme-app", "zeta-app"]


def test_the_readme_explains_every_fault_and_every_rule() -> None:
    from sandbox.faults import FAULTS
    from sandbox.watch import RULES

    text = (ROOT / "sandbox/README.md").read_text()
    assert [name for name in [*FAULTS, *RULES] if f"| `{name}`" not in text] == []


def test_the_readme_says_of_each_fault_what_it_takes() -> None:
    """A name with ? may be left out; + stands for `applied_after`, * for `applied`."""
    from sandbox.faults import FAULTS

    rows = dict(re.findall(r"^\| (`\w+`(?: \+)?) \| (.*) \|$", (ROOT / "sandbox/README.md").read_text(), re.MULTILINE))
    for name, (_, takes) in FAULTS.items():
        late = "applied_after" in takes
        row = rows[f"`{name}` +" if late else f"`{name}`"]
        cells = row.split(" | ")
        said = {one.rstrip("?") for one in re.findall(r"`(\w+\??)`", cells[0])}
        declared = {one.rstrip("!") for one in takes} - {"applied", "applied_after"}
        assert (name, declared - said) == (name, set())
        assert (name, "applied" in takes) == (name, "*" in "".join(cells[1:3]))


def test_the_faults_of_the_readme_can_happen() -> None:
    from sandbox.faults import Fault

    examples = re.findall(r"```json\n(\[.*?\])\n```", (ROOT / "sandbox/README.md").read_text(), re.DOTALL)
    assert [len([Fault.model_validate(one) for one in json.loads(text)]) for text in examples] == [4, 4]


def test_defaults() -> None:
    world = parse_world({})
    assert (world.token_lifetime_seconds, world.requests_per_day, world.retry_after) == (1800, 5000, None)


def test_never_requested_may_stand_in_several_applications() -> None:
    unasked = AWLI | {"onboardingStatus": None}
    world = parse_world({"applications": [app("a", integrations=[unasked]), app("b", integrations=[unasked])]})
    assert isinstance(world, World)


REQUESTED = AWLI | {"onboardingStatus": "REQUESTED"}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([], "Input should be a valid dictionary or instance of World"),
        ({"aplications": []}, "the world: there is no field 'aplications'"),
        ({"applications": [app(colour=1)]}, "applications[0]: there is no field 'colour'"),
        ({"applications": [{"client_id": "a"}]}, "applications[0].client_secret: Field required"),
        ({"applications": [app(), app()]}, "client_id 'a' is used twice"),
        (
            {"applications": [app(integrations=[AWLI | {"integrationContext": "1"}])]},
            "applications[0].integrations[0].integrationContext: "
            "must look like urn:li:organization:ID or urn:li:contract:ID",
        ),
        (
            {"applications": [app(integrations=[AWLI | {"tenantType": "jobs"}])]},
            "applications[0].integrations[0].tenantType: "
            "must be written as a constant, such as APPLY_WITH_LINKEDIN or JOBS",
        ),
        (
            {"applications": [app(integrations=[AWLI, AWLI])]},
            "application 'a' lists dataProvider=ATS&integrationContext=urn%3Ali%3Aorganization%3A1"
            "&integrationType=APPLY_WITH_LINKEDIN&tenantType=JOBS twice",
        ),
        (
            {"applications": [app("a", integrations=[REQUESTED]), app("b", integrations=[REQUESTED])]},
            "dataProvider=ATS&integrationContext=urn%3Ali%3Aorganization%3A1&integrationType=APPLY_WITH_LINKEDIN"
            "&tenantType=JOBS belongs to both 'a' and 'b'; an integration belongs to one application",
        ),
        (
            {"applications": [app(faults=[{"on": "enable", "fault": "hang"}])]},
            "applications[0].faults[0]: 'hang' needs 'seconds'",
        ),
    ],
)
def test_a_world_that_cannot_be_is_refused_in_one_sentence(data: Any, sentence: str) -> None:
    with pytest.raises(WorldError) as caught:
        parse_world(data)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("text", "words"), [(None, "No such file"), ("{", "Invalid JSON"), ('{"x":1}', "there is no field 'x'")]
)
def test_a_bad_file_ends_the_program_with_a_sentence_and_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, words: str
) -> None:
    path = tmp_path / "world.json"
    if text is not None:
        path.write_text(text)
    assert main(["--world", str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"sandbox: {path}: ")
    assert words in printed.err
    assert printed.err.count("\n") == 1
    with pytest.raises(WorldError, match=re.escape(str(path))):
        load_world(path)


def test_a_refused_secret_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text(json.dumps({"applications": [app(client_secret=["top-secret"])]}))
    with pytest.raises(WorldError) as caught:
        load_world(path)
    assert "top-secret" not in str(caught.value)


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in capsys.readouterr().err


def test_the_program_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text(json.dumps({"applications": [app(integrations=[REQUESTED])]}))
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--world", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        line = program.stdout.readline()
        url = line.split()[-1]
        state = httpx.get(f"{url}/sandbox/state").json()
        program.terminate()
        rest, errors = program.communicate(timeout=10)
    assert state["applications"][0]["client_id"] == "a"
    assert (program.returncode, rest, errors) == (0, "", "")
