"""Why a request is not answered as asked, as exceptions; `portal.app` makes answers of them."""

from greenlight.errors import GreenlightError, Kind

#: The status of what is answered in an error's place, by who must act.
STATUS_BY_KIND = {
    Kind.INPUT: 400,
    Kind.REFUSED: 409,
    Kind.LINKEDIN: 502,
    Kind.PREFECT: 503,
    Kind.DATABASE: 503,
    Kind.DEFECT: 500,
}


def status_of(error: Exception) -> int:
    """The HTTP status for an error that no route has made an answer of."""
    return STATUS_BY_KIND[error.kind if isinstance(error, GreenlightError) else Kind.DEFECT]


class Refusal(Exception):
    """An answer of 400 to 499 with one sentence, in JSON. The sentence is shown to whoever asked."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class NoPortalSession(Exception):
    """No link, no session: the page that says so, always the same one."""


class TooOften(Exception):
    """Too many requests in a minute."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after
