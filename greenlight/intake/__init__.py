"""The import file: reading and checking it as a whole. No database, no network, no log."""

from greenlight.intake.reader import read_import
from greenlight.intake.rows import ImportedCredentials, ImportedCustomer, ImportRefused, ImportRow, RowError

__all__ = ["ImportRefused", "ImportRow", "ImportedCredentials", "ImportedCustomer", "RowError", "read_import"]
