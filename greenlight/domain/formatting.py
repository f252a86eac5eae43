"""What people and programs read: the name of an integration for which the file gives none, and moments."""

from datetime import UTC, datetime
from functools import lru_cache

from greenlight.domain.characters import cut

#: Characters of an integration's name that the ATS database takes.
MAX_NAME = 200

# "Recommended Matches" needs no help; these words do.
_SPELLED = {"ATS", "API", "CRM", "CSA"}
_SPECIAL = {"LINKEDIN": "LinkedIn", "WITH": "with"}


@lru_cache(maxsize=256)
def readable_type(integration_type: str) -> str:
    """`APPLY_WITH_LINKEDIN` as "Apply with LinkedIn"; types not known today are readable too."""
    words = (word for word in integration_type.split("_") if word)
    return " ".join(word if word in _SPELLED else _SPECIAL.get(word, word.capitalize()) for word in words)


def default_name(customer_name: str, integration_type: str) -> str:
    """A name of at most 200 characters; the customer's name gives way, since the type tells integrations apart."""
    ending = f"'s {readable_type(integration_type)} Integration"
    return cut(customer_name, MAX_NAME - len(ending)).rstrip() + ending


def iso(moment: datetime) -> str:
    """A moment as documents have it, in UTC and to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
