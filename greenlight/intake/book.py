"""What the rows of one file must agree on."""

from dataclasses import dataclass, field

from pydantic import SecretStr

from greenlight.domain.keys import IntegrationKey
from greenlight.intake.problems import Problems
from greenlight.intake.rows import ROW, ImportedCredentials, ImportedCustomer, ImportRow
from greenlight.intake.values import CheckedRow


@dataclass(slots=True)
class _Seen:
    """The first good value of each kind for one customer, with the line it stands on."""

    customer_name: tuple[str, int] | None = None
    client_id: tuple[str, int] | None = None
    client_secret: tuple[str, int] | None = None
    keys: dict[IntegrationKey, int] = field(default_factory=dict)
    rows: list[ImportRow] = field(default_factory=list)


class Book:
    """Takes the rows in the order of the file and tells, at the later line, which of them contradict each other."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._customers: dict[str, _Seen] = {}
        self._owners: dict[str, tuple[str, int]] = {}

    def add(self, row: CheckedRow) -> None:
        if row.customer_id is None:
            return
        seen = self._customers.setdefault(row.customer_id, _Seen())
        seen.customer_name = self._agree(row.line, "customer_name", row.customer_name, seen.customer_name)
        seen.client_id = self._agree(row.line, "client_id", row.client_id, seen.client_id)
        seen.client_secret = self._agree(row.line, "client_secret", row.client_secret, seen.client_secret)
        if row.client_id is not None:
            owner, line = self._owners.setdefault(row.client_id, (row.customer_id, row.line))
            if owner != row.customer_id:
                self._problems.add(row.line, "client_id", f"is that of another customer on line {line}")
        if row.key is not None:
            line = seen.keys.setdefault(row.key, row.line)
            if line != row.line:
                why = f"repeats line {line}: the same customer_id, context, type and tenant"
                self._problems.add(row.line, ROW, why)
        # Once anything is wrong nothing is handed over, so nothing more needs to be kept.
        if not self._problems and (good := row.as_import_row()) is not None:
            seen.rows.append(good)

    def customers(self) -> list[ImportedCustomer]:
        """All customers in the order of their first row; only meaningful for a file without a fault."""
        return [_customer(seen) for seen in self._customers.values()]

    def _agree(self, line: int, name: str, value: str | None, first: tuple[str, int] | None) -> tuple[str, int] | None:
        if value is None:
            return first
        if first is None:
            return value, line
        if first[0] != value:
            self._problems.add(line, name, f"differs from line {first[1]} of the same customer")
        return first


def _customer(seen: _Seen) -> ImportedCustomer:
    credentials = None
    if seen.client_id is not None and seen.client_secret is not None:
        credentials = ImportedCredentials(seen.client_id[0], SecretStr(seen.client_secret[0]), seen.client_id[1])
    first = seen.rows[0]
    integrations = tuple((row.key, row.integration_name) for row in seen.rows)
    return ImportedCustomer(first.customer_id, first.customer_name, credentials, integrations)
