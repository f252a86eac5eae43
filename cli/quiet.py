"""Prefect as a library under a command line: no telemetry, no chatter on the terminal."""

import os

from cli.prefect_way import keep_proxies_from_this_machine

_DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # A server of this process's own keeps everything in SQLite: while it writes events, it refuses blocks.
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "30",
    # One at a time otherwise, each in a transaction of its own.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    # The run's own log is for Prefect's UI; the terminal has the progress and the report.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    # Seconds and not minutes for a call to a server that went away; what was not recorded is said at the end.
    "PREFECT_CLIENT_MAX_RETRIES": "3",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    # The worker's tasks belong to no flow run, and their log has no other place.
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}


def quiet_prefect() -> None:
    """Set what the environment does not set already. Prefect reads it on import, so call this before."""
    keep_proxies_from_this_machine()
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
