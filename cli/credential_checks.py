"""The checks of `doctor` on what LinkedIn takes: each customer's secret, the parent's, and our clock.

They ask the token endpoint alone, which no daily limit is known of, and print no secret.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from typing_extensions import override

from cli.checks import Finding, Held, failed, ok, problem, warning
from greenlight.domain.reasons import EXPLANATIONS, Mover, Reason
from greenlight.domain.report import first_ten
from greenlight.domain.way import Way
from greenlight.linkedin.errors import LinkedInError
from greenlight.linkedin.oauth import Credentials, RequestCounts, Tokens
from greenlight.linkedin.transport import Answered, Wire
from greenlight.settings import Settings

#: Customers whose credentials are tried side by side.
CREDENTIALS_AT_ONCE = 8
#: Nobody waits for a whole request's time limit, fifty times over, to learn that LinkedIn is away.
_SECONDS = 10.0
#: Answers that never came, one after another, after which the rest is not tried.
_GIVE_UP_AFTER = 8
_NOT_THE_ENDPOINT = frozenset({Reason.LINKEDIN_UNAVAILABLE, Reason.NOT_THE_API})
#: The first use of a temporary Prefect server makes its database.
_BLOCKS_SECONDS = 150.0
#: Seconds that our clock may differ from LinkedIn's before it is worth a word, and before tokens are at risk.
SKEW_WARNING_SECONDS, SKEW_PROBLEM_SECONDS = 60.0, 300.0
_UNREADABLE = "start it with the key that they were stored under, or bring them back with `greenlight keys restore`"
_DEAD = "`greenlight rotate --customer ID` where provision made the application, else import the current keys"


class _DatingWire(Wire):
    """A way to LinkedIn that notes by how many seconds our clock is ahead of each answer's Date."""

    def __init__(self, timeout_seconds: float, way: Way) -> None:
        super().__init__(timeout_seconds, way=way)
        self.skews: list[float] = []

    @override
    async def exchange(self, method: str, url: str, **more: Any) -> Answered:
        before = datetime.now(UTC)
        answer = await super().exchange(method, url, **more)
        skew = clock_skew(answer.headers.get("date"), before, datetime.now(UTC))
        if skew is not None:
            self.skews.append(skew)
        return answer


def clock_skew(date: str | None, asked: datetime, answered: datetime) -> float | None:
    """Seconds by which our clock is ahead of a Date header, 0 if it lies within the exchange; None for no date."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except (ValueError, OverflowError):
        return None
    theirs = theirs if theirs.tzinfo is not None else theirs.replace(tzinfo=UTC)
    # The header has whole seconds.
    early, late = (asked - theirs).total_seconds() - 1, (answered - theirs).total_seconds()
    return 0.0 if early <= 0 <= late else early if early > 0 else late


@dataclass(slots=True)
class _Tried:
    works: list[str] = field(default_factory=list)
    wrong: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[Reason, list[str]] = field(default_factory=dict)
    #: What came first, by reason.
    came: dict[Reason, str | None] = field(default_factory=dict)
    not_tried: list[str] = field(default_factory=list)


async def check_credentials(
    settings: Settings, tried: Sequence[Held], without: Sequence[str], left_out: int
) -> list[Finding]:
    """Findings on customers' credentials, the parent's and the clock."""
    from blocks.child_app import ChildAppBlocks
    from blocks.parent_app import parent_credentials

    held: Mapping[str, Credentials] = {}
    try:
        async with asyncio.timeout(_BLOCKS_SECONDS):
            held = await ChildAppBlocks().get_many([each.block for each in tried])
            parent = await parent_credentials()
    except TimeoutError:
        return [problem("credentials", "Prefect hands out no block in time", "reading the blocks", "restart it")]
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        found = f"Prefect's server cannot read the blocks (HTTP {status})"
        return [problem("credentials", found, "reading the blocks", _UNREADABLE)]
    except Exception as error:
        return [failed("credentials", error)]
    wire = _DatingWire(min(settings.http_timeout_seconds, _SECONDS), settings.way)
    try:
        tokens = Tokens(wire, settings.linkedin_token_url, RequestCounts())
        outcome = await _try_all(tokens, tried, held)
        findings = _findings(outcome, without, left_out)
        findings.append(await _parent(tokens, parent))
        return [*findings, _clock_difference(wire.skews)]
    finally:
        await wire.aclose()


async def _try_all(tokens: Tokens, tried: Sequence[Held], held: Mapping[str, Credentials]) -> _Tried:
    outcome, gate, silent = _Tried(), asyncio.Semaphore(CREDENTIALS_AT_ONCE), 0

    async def one(each: Held) -> None:
        nonlocal silent
        credentials = held.get(each.block)
        if credentials is None:
            outcome.refused.setdefault(Reason.CREDENTIALS_MISSING, []).append(each.customer_id)
            return
        if credentials.client_id != each.client_id:
            outcome.wrong.setdefault(each.customer_id, []).append(each.client_id)
            return
        async with gate:
            if silent >= _GIVE_UP_AFTER:
                outcome.not_tried.append(each.customer_id)
                return
            try:
                await tokens.get(credentials)
            except LinkedInError as error:
                silent = silent + 1 if error.reason in _NOT_THE_ENDPOINT else 0
                outcome.came.setdefault(error.reason, error.detail)
                outcome.refused.setdefault(error.reason, []).append(each.customer_id)
            else:
                silent = 0
                outcome.works.append(each.customer_id)

    await asyncio.gather(*(one(each) for each in tried))
    return outcome


def _findings(outcome: _Tried, without: Sequence[str], left_out: int) -> list[Finding]:
    name, asked = "credentials", "a token request for each customer"
    more = f"; {left_out} more were not tried (--all)" if left_out else ""
    found = [ok(name, f"LinkedIn takes those of {len(outcome.works)} customers{more}", asked)] if outcome.works else []
    for reason, customers in outcome.refused.items():
        text = f"{reason}: {EXPLANATIONS[reason].message} {first_ten(customers)}"
        if reason is Reason.NOT_THE_API and outcome.came.get(reason):
            text = f"{text} ({outcome.came[reason]})"
        remedy = _DEAD if reason is Reason.CREDENTIALS_REFUSED else EXPLANATIONS[reason].remedy
        # LinkedIn's own trouble passes by itself.
        say = problem if EXPLANATIONS[reason].mover is Mover.US else warning
        found.append(say(name, text, asked, remedy, customers))
    if outcome.wrong:
        text = f"the block holds another client id than the one on record: {first_ten(list(outcome.wrong))}"
        found.append(problem(name, text, "comparing the two", "import the right keys", list(outcome.wrong)))
    if outcome.not_tried:
        text = f"not tried, since LinkedIn's token endpoint itself does not answer: {len(outcome.not_tried)} customers"
        found.append(warning(name, text, asked, "run doctor again later", outcome.not_tried))
    if without:
        text = f"no child application yet: {first_ten(without)}"
        found.append(warning(name, text, "the ATS database", "`greenlight provision` makes one", without))
    return found or [ok(name, "there is no customer yet", "the ATS database")]


async def _parent(tokens: Tokens, parent: Credentials | None) -> Finding:
    name, asked = "parent application", "a token request"
    if parent is None:
        text = "its credentials are not held: imported customers need none, new ones do"
        return warning(name, text, "reading its block", "`greenlight parent` stores them")
    try:
        await tokens.get(parent)
    except LinkedInError as error:
        if error.reason is Reason.CREDENTIALS_REFUSED:
            text = f"LinkedIn refuses the credentials of {parent.client_id}"
            return problem(name, text, asked, "`greenlight parent` stores the right ones")
        return warning(name, f"{error.reason}: {error.detail}", asked, EXPLANATIONS[error.reason].remedy)
    return ok(name, f"LinkedIn takes the credentials of {parent.client_id}", asked)


def _clock_difference(skews: Sequence[float]) -> Finding:
    name, tried = "clock", "the Date of the token endpoint's answers"
    if not skews:
        return warning(name, "nothing to compare it with", tried, "run doctor again once LinkedIn answers")
    skew = min(skews, key=abs)
    found = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} LinkedIn's" if skew else "as LinkedIn's"
    remedy = "let the machine take its time from the network (NTP): days, plans and links end by this clock"
    if abs(skew) > SKEW_PROBLEM_SECONDS:
        return problem(name, found, tried, remedy)
    return warning(name, found, tried, remedy) if abs(skew) > SKEW_WARNING_SECONDS else ok(name, found, tried)
