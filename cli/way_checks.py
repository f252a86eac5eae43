"""The check of `doctor` on the way out: whether LinkedIn itself answers, on both hosts. No credentials are used."""

import asyncio
from http import HTTPStatus

from cli.checks import Finding, ok, problem
from greenlight.domain.reasons import EXPLANATIONS, Reason
from greenlight.linkedin.answers import NotJson, read_object
from greenlight.linkedin.transport import Answered, NoAnswer, Wire
from greenlight.linkedin.verdicts import api_words, stranger
from greenlight.settings import Settings

_NAME = "way to LinkedIn"
#: The longest that one question to LinkedIn may take.
_SECONDS = 10.0
#: An endpoint that every application has, and that counts against no limit of `atsIntegrations`.
_ANY_ENDPOINT = "/v2/me"


def check_way(settings: Settings) -> list[Finding]:
    """One finding for each host: it passes or it fails."""
    return asyncio.run(_check(settings))


async def _check(settings: Settings) -> list[Finding]:
    wire = Wire(min(settings.http_timeout_seconds, _SECONDS), way=settings.way)
    api, token = settings.linkedin_api_url + _ANY_ENDPOINT, settings.linkedin_token_url
    form = {"grant_type": "client_credentials"}
    try:
        return list(await asyncio.gather(_try(wire, "GET", api), _try(wire, "POST", token, form)))
    finally:
        await wire.aclose()


async def _try(wire: Wire, method: str, url: str, form: dict[str, str] | None = None) -> Finding:
    tried = f"{method} {url} without credentials"
    try:
        answer = await wire.exchange(method, url, form=form)
    except NoAnswer as error:
        reason = Reason.NOT_THE_API if error.by_proxy else Reason.LINKEDIN_UNAVAILABLE
        return problem(_NAME, str(error), tried, EXPLANATIONS[reason].remedy)
    if _is_linkedins(answer):
        return ok(_NAME, f"it answers, with HTTP {answer.status}", tried)
    error = stranger(answer, url)
    return problem(_NAME, f"{error.reason}: {error.detail}", tried, EXPLANATIONS[error.reason].remedy)


def _is_linkedins(answer: Answered) -> bool:
    try:
        body = read_object(answer.body)
    except NotJson:
        return False
    oauth = isinstance(body.get("error"), str) and isinstance(body.get("error_description"), str)
    known = oauth or "access_token" in body or api_words(answer) is not None
    return known or answer.status == HTTPStatus.NOT_FOUND
