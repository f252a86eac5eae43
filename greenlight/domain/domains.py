"""`validJsSdkDomains`: the origins on which a customer's plugin works (docs/linkedin.md#update).

LinkedIn takes the whole list or nothing, so whoever writes one origin writes all of them. Ours are those that were
written from here; any other is foreign, belongs to somebody's working page, and stays.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from greenlight.domain.way import is_loopback


@dataclass(frozen=True, slots=True)
class DomainChange:
    """An application's list as it is and as it should be. `own` are ours in the latter, `foreign` all others."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    own: tuple[str, ...]
    foreign: tuple[str, ...]

    @property
    def changes(self) -> bool:
        return set(self.before) != set(self.after)

    def __str__(self) -> str:
        return f"{_listed(self.before)} -> {_listed(self.after)}"


def domain_change(now: Sequence[str], own: Sequence[str], origins: Sequence[str]) -> DomainChange:
    """What becomes of a list that is `now`, in which `own` are ours, where `origins` are wanted.

    A loopback origin never takes a real one's place: beside a real one none is wanted, and where no other is, the list
    stays as it is.
    """
    if not all(map(is_loopback_origin, now)):
        wanted = [origin for origin in origins if not is_loopback_origin(origin)] or [o for o in now if o in own]
    else:
        wanted = list(origins)
    foreign = tuple(origin for origin in now if origin not in own and origin not in wanted)
    kept = [origin for origin in now if origin in foreign or origin in wanted]
    after = tuple(dict.fromkeys([*kept, *wanted]))
    return DomainChange(tuple(now), after, tuple(o for o in after if o not in foreign), foreign)


def is_loopback_origin(origin: str) -> bool:
    """Whether an origin is on whatever machine the browser runs on, which is nobody's page."""
    return is_loopback(urlsplit(origin).hostname or "")


def digest_of(changes: Mapping[str, DomainChange]) -> str:
    """What tells these changes, by customer, from any others: what was shown is what may be done."""
    shown = [(who, change.before, change.after) for who, change in sorted(changes.items())]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]


@dataclass(slots=True)
class DomainsWord:
    """Which lists may be changed: `everything` that needs it or what was `shown`, and `most` of them in one run."""

    everything: bool = False
    shown: Mapping[str, DomainChange] = field(default_factory=dict)
    most: int = 0
    _given: set[str] = field(default_factory=set)

    def holds(self, customer_id: str, change: DomainChange) -> str | None:
        """Why this list must not be changed; None, and it is counted, if it may be."""
        if not self.everything and self.shown.get(customer_id) != change:
            return f"{change}: not approved, or not as it was shown"
        if customer_id not in self._given and len(self._given) >= self.most:
            return f"{change}: over the cap of {self.most}"
        self._given.add(customer_id)
        return None


def _listed(origins: Sequence[str]) -> str:
    return ", ".join(origins) or "none"
