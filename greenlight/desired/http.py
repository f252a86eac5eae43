"""Pages of JSON from the vendor's own service, under a bearer token, with a cursor.

The way there is straight: the service is the vendor's, so the proxy to LinkedIn is not asked, nor any of the
environment's; `GREENLIGHT_CA_FILE` is trusted beside the public certificates.
"""

import json
import time
from collections.abc import Callable, Generator, Sequence
from http import HTTPStatus
from typing import Any

import httpx
from pydantic import SecretStr

from greenlight.desired.source import COLUMNS, Row, SourceUnreadable, text_values, without_secrets
from greenlight.intake.problems import Problems
from greenlight.intake.rows import ROW
from greenlight.trust import trusting

#: The most of one page, and of pages.
MAX_PAGE_BYTES = 32 * 1024 * 1024
MAX_PAGES = 100_000
_FORM = 'is not a page {"integrations": […], "next": CURSOR or null}'
_PASSES = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT})


class HttpSource:
    """The rows of all pages from one address; there is a next page until one says that there is none."""

    def __init__(
        self,
        url: str,
        token: SecretStr | None,
        *,
        ca_file: str | None = None,
        timeout_seconds: float = 15,
        delays: Sequence[float] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url, self._token, self._ca_file = httpx.URL(url), token, ca_file
        self._timeout, self._delays, self._sleep = timeout_seconds, delays, sleep

    @property
    def name(self) -> str:
        return without_secrets(str(self._url))

    def rows(self, problems: Problems) -> Generator[Row]:
        number, cursor, seen = 0, None, set[str]()
        with self._client() as client:
            for _ in range(MAX_PAGES):
                page = self._page(client, cursor)
                for item in page["integrations"]:
                    number += 1
                    yield number, _values(number, item, problems)
                cursor = page["next"]
                if cursor is None:
                    return
                if cursor in seen:
                    raise SourceUnreadable("gives a cursor that it gave before, and would never end")
                seen.add(cursor)
        raise SourceUnreadable(f"has more than {MAX_PAGES:,} pages")

    def _client(self) -> httpx.Client:
        headers = {"accept": "application/json"}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token.get_secret_value()}"
        try:
            trusted = trusting(self._ca_file)
        except OSError as error:
            raise SourceUnreadable(f"GREENLIGHT_CA_FILE cannot be used: {type(error).__name__}") from None
        # A token is not carried to where somebody else points.
        return httpx.Client(
            headers=headers, timeout=self._timeout, verify=trusted, trust_env=False, follow_redirects=False
        )

    def _page(self, client: httpx.Client, cursor: str | None) -> dict[str, Any]:
        url = self._url if cursor is None else self._url.copy_merge_params({"cursor": cursor})
        for delay in (*self._delays, None):
            try:
                status, body = _get(client, url)
            except httpx.HTTPError as error:
                status, why = None, f"could not be reached: {type(error).__name__}"
            else:
                if status == HTTPStatus.OK:
                    return _checked(body)
                why = f"answered with HTTP {status}"
                if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                    why += ": GREENLIGHT_DESIRED_TOKEN is not taken"
            passes = status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSES
            if delay is None or not passes:
                raise SourceUnreadable(why)
            self._sleep(delay)
        raise AssertionError("the last delay is none")


def _get(client: httpx.Client, url: httpx.URL) -> tuple[int, bytes]:
    with client.stream("GET", url) as answer:
        body = bytearray()
        for part in answer.iter_bytes():
            body += part
            if len(body) > MAX_PAGE_BYTES:
                raise SourceUnreadable(f"has a page of more than {MAX_PAGE_BYTES // (1024 * 1024)} MiB")
        return answer.status_code, bytes(body)


def _checked(body: bytes) -> dict[str, Any]:
    try:
        page = json.loads(body)
    except (ValueError, RecursionError):
        raise SourceUnreadable(_FORM) from None
    # Without the word that there is no next page, one that was cut short would look like the last.
    if not isinstance(page, dict) or not isinstance(page.get("integrations"), list) or "next" not in page:
        raise SourceUnreadable(_FORM)
    if page["next"] is not None and not (isinstance(page["next"], str) and page["next"]):
        raise SourceUnreadable(_FORM)
    return page


def _values(number: int, item: object, problems: Problems) -> dict[str, str | None]:
    if not isinstance(item, dict):
        problems.add(number, ROW, "must be one JSON object")
        return {}
    for name in item:
        if name not in (*COLUMNS, "client_secret"):
            problems.add(number, ROW, f"has a name that is none of {', '.join(COLUMNS)}")
    return text_values(number, {name: item[name] for name in item if name in (*COLUMNS, "client_secret")}, problems)
