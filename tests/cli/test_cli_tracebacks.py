"""That the other tests here find a traceback of ours, and are not misled by the debug log that they ask Prefect for."""

import pytest

from tests.cli.conftest import ROOT, Home

OURS = f'Traceback (most recent call last):\n  File "{ROOT}/tasks/x.py", line 1, in f\n    g()\nValueError: x\n'
THEIRS = OURS.replace("/tasks/", "/.venv/lib/python3.11/site-packages/prefect/")
LED_TO = "\nDuring handling of the above exception, another exception occurred:\n\n"
CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
GROUP = f'  + Exception Group Traceback (most recent call last):\n  |   File "{ROOT}/tasks/x.py", line 1\n  | E\n'


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (f"12:00 | DEBUG   | MainThread | prefect - details:\n{OURS}", 0),
        (f"12:00 | DEBUG   | MainThread | prefect - details:\n{OURS}{LED_TO}{OURS}", 0),
        (f"12:00 | DEBUG   | MainThread | prefect - details:\n{OURS}{CAUSE}{OURS}", 0),
        (f"12:00 | ERROR   | MainThread | prefect - failed\n{THEIRS}", 0),
        (f"12:00 | ERROR   | MainThread | prefect - failed\n{OURS}{LED_TO}{OURS}", 2),
        (f"12:00 | DEBUG   | MainThread | prefect - details\nhello\n{OURS}", 1),
        (OURS, 1),
        (GROUP, 1),
    ],
)
def test_a_traceback_of_ours_is_found(home: Home, said: str, found: int) -> None:
    home.said.append(said)
    assert len(home.tracebacks()) == found
