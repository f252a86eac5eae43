"""What an import file is made of, and how its faults are told."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import SecretStr

from greenlight.domain.keys import IntegrationKey
from greenlight.errors import BadInput

COLUMNS = (
    "customer_id",
    "customer_name",
    "client_id",
    "client_secret",
    "integration_context",
    "integration_type",
    "tenant_type",
    "integration_name",
)

#: A fault of the file, of its header or of a whole row stands under one of these instead of a column's name.
FILE, HEADER, ROW = "file", "header", "row"

#: Characters of a value that a fault quotes.
_LONGEST_QUOTE = 80


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One good row. `client_id` and `client_secret` are both given or both None; `line` is its first line."""

    line: int
    customer_id: str
    customer_name: str
    client_id: str | None
    client_secret: SecretStr | None
    key: IntegrationKey
    integration_name: str


@dataclass(frozen=True, slots=True)
class ImportedCredentials:
    """A customer's existing API key; `line` is where the file first gives its client id."""

    client_id: str
    client_secret: SecretStr
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ImportedCustomer:
    """All rows of one customer as one value; `integrations` are (key, name) in the order of the file."""

    customer_id: str
    customer_name: str
    credentials: ImportedCredentials | None
    integrations: tuple[tuple[IntegrationKey, str], ...]


@dataclass(frozen=True, slots=True, order=True)
class RowError:
    """One fault. `str()` is the single line `FILE:LINE: FIELD: why`; no secret is ever part of it."""

    file: str
    line: int
    field: str
    why: str

    def __str__(self) -> str:
        return f"{one_line(self.file)}:{self.line}: {self.field}: {self.why}"


class ImportRefused(BadInput, remedy="mend the file and repeat"):
    """The file was not taken. `errors` holds every fault in the order of lines; `str()` shows them one per line."""

    def __init__(self, errors: Iterable[RowError]) -> None:
        self.errors: tuple[RowError, ...] = tuple(errors)
        super().__init__("\n".join(map(str, self.errors)))


def one_line(text: str) -> str:
    """`text` with everything that could break a line or steer a terminal escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def quoted(text: str) -> str:
    """`text` in quotes, escaped to one line and cut to about 80 characters."""
    shown = ascii(text[:_LONGEST_QUOTE])
    if len(text) > _LONGEST_QUOTE or len(shown) > _LONGEST_QUOTE:
        shown = shown[: _LONGEST_QUOTE - 4] + "..." + shown[0]
    return shown
