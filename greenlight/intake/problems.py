"""The list of faults that grows while a file is read."""

from greenlight.intake.rows import RowError

#: A file of nothing but faults must not fill the memory with their description.
MAX_ERRORS = 100_000


class TooManyErrors(Exception):
    """Reading further would only lengthen a list that nobody reads to its end."""


class Problems:
    """Collects the faults of one file; `add` raises TooManyErrors once the list is full."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._errors: list[RowError] = []

    def __len__(self) -> int:
        return len(self._errors)

    def add(self, line: int, field: str, why: str) -> None:
        self._errors.append(RowError(self._file, line, field, why))
        if len(self._errors) >= MAX_ERRORS:
            why = f"reading stopped here after {MAX_ERRORS:,} errors; mend these first"
            self._errors.append(RowError(self._file, line, "file", why))
            raise TooManyErrors

    def drain(self) -> list[RowError]:
        """All faults so far in the order they were found; they are none of this list's any more."""
        errors, self._errors = self._errors, []
        return errors

    def in_order(self) -> tuple[RowError, ...]:
        """All faults by line; those of one line stay in the order they were found."""
        return tuple(sorted(self._errors, key=lambda error: error.line))
