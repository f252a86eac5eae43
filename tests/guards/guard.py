"""What is known of a guard."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """`old` stands once in `file`, and `new` in its place is the code without the guard."""

    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def without(self, code: str) -> str:
        if code.count(self.old) != 1:
            raise ValueError(f"{self.file} does not hold {self.old!r} once")
        return code.replace(self.old, self.new)
