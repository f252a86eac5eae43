"""Which source the settings name."""

from greenlight.desired.source import DesiredSource
from greenlight.desired.sql import SqlSource
from greenlight.domain.desired import DesiredFrom
from greenlight.settings import Settings


def source_of(settings: Settings) -> DesiredSource | None:
    """The source of what is wanted; None where that is Greenlight's own tables alone."""
    url = settings.desired_url
    if settings.desired_source is DesiredFrom.OWN or url is None:
        return None
    return SqlSource(url.get_secret_value(), settings.desired_query)
