"""Logs of a process that serves: lines for people, or one JSON object a line for a program."""

import json
import logging
import traceback
from datetime import UTC, datetime

from greenlight.errors import GreenlightError
from greenlight.settings import LogFormat


class JsonLines(logging.Formatter):
    """`time` (UTC, ISO 8601), `level`, `logger`, `message`, and of an error `error` with its `traceback`.

    Of an error of ours also `kind`, who must act.
    Prefect's processes can use it too (docs/operating.md, "Logs").
    """

    def __init__(self, *_given: object, **_named: object) -> None:
        """What a logging configuration says of a format means nothing here."""
        super().__init__()

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            if isinstance(record.exc_info[1], GreenlightError):
                line["kind"] = record.exc_info[1].kind
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def log_lines(form: LogFormat, *names: str) -> None:
    """Show what these parts of the program log, on standard error; as JSON also what libraries warn of."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form is LogFormat.JSON else logging.Formatter("%(asctime)s %(message)s"))
    for name in names:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
    if form is LogFormat.JSON:
        others = logging.StreamHandler()
        others.setLevel(logging.WARNING)
        others.setFormatter(JsonLines())
        others.addFilter(lambda record: not record.name.startswith(names))
        logging.getLogger().addHandler(others)
