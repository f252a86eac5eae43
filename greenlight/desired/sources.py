"""Which source the settings name."""

from greenlight.desired.files import FileSource
from greenlight.desired.http import HttpSource
from greenlight.desired.source import DesiredSource
from greenlight.desired.sql import SqlSource
from greenlight.domain.desired import DesiredFrom
from greenlight.settings import Settings


def source_of(settings: Settings) -> DesiredSource | None:
    """The source of what is wanted; None where that is Greenlight's own tables alone."""
    url = settings.desired_url
    if settings.desired_source is DesiredFrom.OWN or url is None:
        return None
    match settings.desired_source:
        case DesiredFrom.SQL:
            return SqlSource(url.get_secret_value(), settings.desired_query)
        case DesiredFrom.FILE:
            return FileSource(url.get_secret_value())
        case _:
            return HttpSource(
                url.get_secret_value(),
                settings.desired_token,
                ca_file=settings.ca_file,
                timeout_seconds=settings.http_timeout_seconds,
                delays=settings.retry_delays_seconds,
            )
