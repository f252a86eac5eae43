"""What `doctor` says of a Prefect server that this machine has not got: its version, and who may read it."""

import httpx
import prefect
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from cli.checks import Finding
from cli.prefect_checks import check_prefect


def test_an_open_server_elsewhere_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same that is a warning on one's own machine."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/ui-settings":
            return httpx.Response(200, json={"csrf_enabled": False})
        return httpx.Response(200, json="3.8.8" if request.url.path.endswith("version") else True)

    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **more: real(transport=httpx.MockTransport(answer), **more))
    monkeypatch.delenv("PREFECT_SERVER_ENCRYPTION_KEY", raising=False)
    for url, state, names in (
        ("http://127.0.0.1:4200/api", "warning", {"prefect access", "prefect csrf"}),
        ("http://prefect.example.com/api", "problem", {"prefect access", "prefect csrf", "prefect transport"}),
        ("https://prefect.example.com/api", "problem", {"prefect access", "prefect csrf"}),
    ):
        with temporary_settings({PREFECT_API_URL: url}):
            there, findings = check_prefect()
        assert there
        shown = {each.name: each.state.value for each in findings if each.state.value != "ok"}
        assert shown.pop("encryption key") == "warning"
        assert shown == dict.fromkeys(names, state)


@pytest.mark.parametrize(
    ("theirs", "ours", "state", "known"),
    [
        ("3.8.8", "3.9.1", "ok", "tried together"),
        ("3.9.1", "3.8.8", "ok", "tried together"),
        ("3.9.1", "3.9.1", "ok", "tried together"),
        ("3.9.7", "3.9.7", "ok", "not tried together"),
        ("3.9.7", "3.9.1", "warning", "not tried together"),
        ("3.7.1", "3.9.1", "warning", "not tried together"),
    ],
)
def test_it_says_which_version_it_met_and_whether_that_is_tried(
    monkeypatch: pytest.MonkeyPatch, theirs: str, ours: str, state: str, known: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=theirs if request.url.path.endswith("version") else True)

    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **more: real(transport=httpx.MockTransport(answer), **more))
    monkeypatch.setattr(prefect, "__version__", ours)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4200/api"}):
        _, (first, *_) = check_prefect()
    assert first.found == f"http://127.0.0.1:4200/api has version {theirs}, this side {ours}: {known}"
    assert (first.name, first.state.value) == ("prefect", state)


_FEW = {"event_persister": {"batch_size": 20}}


@pytest.mark.parametrize(
    ("told", "state", "says"),
    [
        ({"server": {"services": _FEW}}, "warning", "if its database is SQLite, it refuses"),
        (
            {"server": {"services": _FEW, "database": {"driver": None}}},
            "warning",
            "if its database is SQLite, it refuses",
        ),
        ({"server": {"services": _FEW, "database": {"driver": "sqlite+aiosqlite"}}}, "warning", "time; it refuses"),
        ({"server": {"services": _FEW, "database": {"driver": "postgresql+asyncpg"}}}, "ok", "20 at a time"),
        ({"server": {"services": {"event_persister": {"batch_size": 500}}}}, "ok", "500 at a time"),
        ({"server": {"services": _FEW, "database": None}}, None, ""),
        ({"server": {}}, None, ""),
        ("a page", None, ""),
    ],
)
def test_it_names_the_setting_that_an_import_waits_for(
    monkeypatch: pytest.MonkeyPatch, told: object, state: str | None, says: str
) -> None:
    """What a server does not tell is no finding, and on which database it stands is not guessed."""
    shown = [each for each in _found(monkeypatch, told) if each.name == "prefect events"]
    assert [each.state.value for each in shown] == ([state] if state is not None else [])
    assert all(says in each.found for each in shown)
    if state == "warning":
        assert "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE=500" in shown[0].remedy


@pytest.mark.parametrize(("at_once", "state"), [(1, "warning"), (100, "ok"), (None, None)])
def test_it_names_the_setting_that_runs_cost_the_server_most_without(
    monkeypatch: pytest.MonkeyPatch, at_once: int | None, state: str | None
) -> None:
    told = {"server": {"services": {"task_run_recorder": {"batch_size": at_once}}}}
    shown = [each for each in _found(monkeypatch, told) if each.name == "prefect task runs"]
    assert [each.state.value for each in shown] == ([state] if state is not None else [])
    if state == "warning":
        assert "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE=100" in shown[0].remedy


def _found(monkeypatch: pytest.MonkeyPatch, settings: object) -> list[Finding]:
    """What is found of a server that tells these settings."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/admin/settings"):
            return httpx.Response(200, json=settings)
        return httpx.Response(200, json=prefect.__version__ if request.url.path.endswith("version") else True)

    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **more: real(transport=httpx.MockTransport(answer), **more))
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4200/api"}):
        return check_prefect()[1]
