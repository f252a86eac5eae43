"""What a process that serves logs, read by a program: one JSON object a line, errors and libraries' warnings too."""

import json
import logging
import logging.config
from collections.abc import Iterator

import pytest

from cli.log_lines import JsonLines, log_lines
from greenlight.settings import LogFormat


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    root, ours = logging.getLogger(), logging.getLogger("greenlight-lines")
    before = list(root.handlers)
    yield ours
    root.handlers[:], ours.handlers[:] = before, []


def test_each_line_is_an_object(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    log_lines(LogFormat.JSON, "greenlight-lines")
    logger.info("%s was\nopened", "acmé")
    logging.getLogger("greenlight-lines.below").warning("once")
    logging.getLogger("a-library").warning("of a library")
    logging.getLogger("a-library").info("not asked for")
    try:
        raise ValueError("why")
    except ValueError:
        logger.exception("it failed")
    written = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    # What other tests have left running may warn of something as well.
    lines = [line for line in written if line["logger"].startswith(("greenlight-lines", "a-library"))]
    assert [(line["level"], line["logger"], line["message"]) for line in lines] == [
        ("INFO", "greenlight-lines", "acmé was\nopened"),
        ("WARNING", "greenlight-lines.below", "once"),
        ("WARNING", "a-library", "of a library"),
        ("ERROR", "greenlight-lines", "it failed"),
    ]
    assert lines[-1]["error"] == "ValueError"
    assert "test_cli_log_lines" in lines[-1]["traceback"]
    assert all(line["time"].endswith("+00:00") for line in lines)


def test_people_get_plain_lines(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    log_lines(LogFormat.TEXT, "greenlight-lines")
    logger.info("opened")
    assert capsys.readouterr().err.endswith(" opened\n")


def test_a_logging_configuration_can_name_it(capsys: pytest.CaptureFixture[str]) -> None:
    """As Prefect's does, whose processes then log alike."""
    kind = f"{JsonLines.__module__}.{JsonLines.__qualname__}"
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"class": kind, "format": "default"}},
        "handlers": {"here": {"class": "logging.StreamHandler", "formatter": "json"}},
        "loggers": {"greenlight-configured": {"handlers": ["here"], "level": "INFO", "propagate": False}},
    }
    logging.config.dictConfig(config)
    logging.getLogger("greenlight-configured").info("opened")
    assert json.loads(capsys.readouterr().err)["message"] == "opened"
