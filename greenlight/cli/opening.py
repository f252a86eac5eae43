"""The ATS database of the settings, for commands that need no other setting."""

from greenlight.ats.database import Database, open_database
from greenlight.settings import load_settings


def ats_database() -> Database:
    """Raises InvalidSettings, and as `open_database` does."""
    return open_database(load_settings().database_url.get_secret_value())
