"""The closed list of reasons: every row of LinkedIn's two error tables has one, and every reason says what to do."""

import re
from typing import NamedTuple

import pytest

from greenlight.domain.reasons import EXPLANATIONS, Mover, Outcome, Reason


class Row(NamedTuple):
    """A row of an error table: the step, the codes, what LinkedIn says, and the words by which a source cites it."""

    step: int
    codes: str
    message: str
    cited: str
    reason: Reason


ENABLE_ROWS = [
    Row(
        3,
        "400",
        "One or more of your update keys are violating update rule : modifying onboarding status for already enabled "
        "integration is not allowed",
        "modifying onboarding status for already enabled integration is not allowed",
        Reason.ALREADY_ENABLED,
    ),
    Row(
        3,
        "400",
        "Batch request mismatch. Entity key dataProvider=… not found in the query parameter",
        "Batch request mismatch",
        Reason.KEY_MISMATCH,
    ),
    Row(
        3,
        "400",
        "Integration key parts are incomplete",
        "Integration key parts are incomplete",
        Reason.KEY_INCOMPLETE,
    ),
    Row(
        3,
        "403",
        "Not enough permissions to access: POST /atsIntegrations",
        "Not enough permissions to access: POST /atsIntegrations",
        Reason.WRONG_CREDENTIALS,
    ),
    Row(3, "401", "The token used in the request has expired", "token expired", Reason.TOKEN_REJECTED),
    Row(3, "401", "Invalid access Token", "Invalid access token", Reason.TOKEN_REJECTED),
    Row(
        3,
        "200/404",
        "No record found to partial update",
        "No record found to partial update",
        Reason.NOT_REQUESTED,
    ),
]
VERIFY_ROWS = [
    Row(
        4,
        "",
        "No data in statuses, results and errors field of the response body",
        "no data in the answer",
        Reason.NOT_REQUESTED,
    ),
    Row(4, "400", "Invalid integration context urn", "Invalid integration context urn", Reason.INVALID_CONTEXT),
    Row(
        4,
        "400",
        "Integration key parts are incomplete",
        "Integration key parts are incomplete",
        Reason.KEY_INCOMPLETE,
    ),
    Row(4, "401", "The token used in the request has expired", "token expired", Reason.TOKEN_REJECTED),
    Row(4, "401", "Invalid access token", "Invalid access token", Reason.TOKEN_REJECTED),
]
ROWS = ENABLE_ROWS + VERIFY_ROWS


class Citation(NamedTuple):
    steps: frozenset[int]
    codes: str
    words: str


def citations(source: str) -> list[Citation]:
    """The table rows that a source names, as "step(s) N[ and N], [CODES ]words[ / words]; …"."""
    found = []
    for clause in source.split("; "):
        match = re.fullmatch(r"steps? (\d)(?: and (\d))?, (?:([\d/]+) )?(.+)", clause)
        if match is not None:
            steps = frozenset(int(step) for step in match.group(1, 2) if step)
            found += [Citation(steps, match[3] or "", words) for words in match[4].split(" / ")]
    return found


CITED = [(reason, citation) for reason, e in EXPLANATIONS.items() for citation in citations(e.source)]


def cites(citation: Citation, row: Row) -> bool:
    return row.step in citation.steps and (citation.codes, citation.words) == (row.codes, row.cited)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"step {row.step} {row.codes} {row.message[:40]}")
def test_each_row_of_the_error_tables_is_tied_to_exactly_one_reason(row: Row) -> None:
    """A row without a reason would end as an unexplained failure, one with two would have two remedies."""
    assert [reason for reason, citation in CITED if cites(citation, row)] == [row.reason]


def test_no_reason_cites_an_error_that_the_tables_do_not_have() -> None:
    """A citation with a code is of an error table, and there for every step that it names."""
    for reason, citation in CITED:
        if citation.codes:
            steps = {row.step for row in ROWS if cites(citation, row)}
            assert steps == citation.steps, (reason, citation)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"step {row.step} {row.codes} {row.message[:40]}")
def test_what_a_source_cites_are_words_of_the_row(row: Row) -> None:
    """Whoever searches LinkedIn's page for them finds them; the row without a message is described instead."""
    if row.codes:
        words = re.findall(r"\w+", row.cited.casefold())
        assert set(words) <= set(re.findall(r"\w+", row.message.casefold()))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        pytest.param("Requested", Reason.READY_TO_ENABLE, id="what the customer requested is ours to enable"),
        pytest.param("Partner Ready", Reason.AWAITING_CUSTOMER, id="what is ready on our side is the customer's"),
        pytest.param("Enabled", Reason.ENABLED, id="what is enabled is nobody's"),
    ],
)
def test_each_onboarding_status_is_tied_to_exactly_one_reason(status: str, reason: Reason) -> None:
    assert [r for r, c in CITED if c.words == f"onboarding status {status}" and c.steps == {4}] == [reason]


MOVES = [
    (Reason.ENABLED, Mover.NOBODY),
    (Reason.READY_TO_ENABLE, Mover.US),
    (Reason.NOT_REQUESTED, Mover.CUSTOMER),
    (Reason.AWAITING_CUSTOMER, Mover.CUSTOMER),
    (Reason.ALREADY_ENABLED, Mover.NOBODY),
    (Reason.INVALID_CONTEXT, Mover.US),
    (Reason.KEY_INCOMPLETE, Mover.US),
    (Reason.KEY_MISMATCH, Mover.US),
    (Reason.WRONG_CREDENTIALS, Mover.US),
    (Reason.TOKEN_REJECTED, Mover.US),
    (Reason.CREDENTIALS_REFUSED, Mover.US),
    (Reason.CREDENTIALS_MISSING, Mover.US),
    (Reason.THROTTLED, Mover.NOBODY),
    (Reason.LINKEDIN_UNAVAILABLE, Mover.LINKEDIN),
    (Reason.UNREADABLE_ANSWER, Mover.LINKEDIN),
    (Reason.NOT_THE_API, Mover.US),
    (Reason.OUTCOME_UNKNOWN, Mover.US),
    (Reason.HELD_BY_CAP, Mover.US),
    (Reason.CONFIRMED_NOT_SHOWN, Mover.LINKEDIN),
    (Reason.REJECTED_REQUEST, Mover.CUSTOMER),
    (Reason.SHARE_SPENT, Mover.NOBODY),
    (Reason.NOT_DUE, Mover.NOBODY),
]


@pytest.mark.parametrize(("reason", "mover"), MOVES, ids=lambda value: str(value))
def test_whose_move_it_is_stands_as_the_interface_says(reason: Reason, mover: Mover) -> None:
    assert EXPLANATIONS[reason].mover is mover


def test_beyond_the_interface_there_are_only_the_known_reasons() -> None:
    """The list may grow, but a new code is added here on purpose and not by accident."""
    provisioning = {
        Reason.APPLICATION_WORKS: Mover.NOBODY,
        Reason.APPLICATION_NOT_READY: Mover.LINKEDIN,
        Reason.PROVISIONING_REFUSED: Mover.US,
        Reason.TOO_MANY_SECRETS: Mover.US,
        Reason.SECRET_NOT_STORED: Mover.US,
        Reason.PROVISIONING_UNFINISHED: Mover.US,
        Reason.FOREIGN_ID_TAKEN: Mover.US,
        Reason.APPLICATION_GONE: Mover.US,
        Reason.APPLICATION_OF_ANOTHER: Mover.US,
        Reason.DOMAINS_HELD: Mover.US,
    }
    held = {
        Reason.CUSTOMER_BUSY,
        Reason.PAUSED,
        Reason.WITHOUT_EVIDENCE,
        Reason.CLAIMED_TWICE,
        Reason.SUDDENLY_EMPTY,
        Reason.WANTED_SET_JUMPED,
    }
    withdrawn = {Reason.WITHDRAWN: Mover.NOBODY, Reason.ENABLED_BUT_WITHDRAWN: Mover.US}
    known = {Reason.REQUEST_REFUSED, Reason.NOT_LOOKED_AT, Reason.CHANGED_SINCE_PLAN, Reason.NOT_DONE, Reason.RESTING}
    beyond = known | set(provisioning) | held | set(withdrawn)
    assert set(Reason) - {reason for reason, _ in MOVES} == beyond
    assert {reason: EXPLANATIONS[reason].mover for reason in provisioning} == provisioning
    assert {reason: EXPLANATIONS[reason].mover for reason in withdrawn} == withdrawn
    assert EXPLANATIONS[Reason.REQUEST_REFUSED].mover is Mover.US
    assert EXPLANATIONS[Reason.NOT_LOOKED_AT].mover is Mover.US
    assert EXPLANATIONS[Reason.NOT_DONE].mover is Mover.US
    assert EXPLANATIONS[Reason.RESTING].mover is Mover.NOBODY


@pytest.mark.parametrize("reason", Reason)
def test_a_code_is_stable_and_explained(reason: Reason) -> None:
    assert reason.value == reason.name, "other programs read the code"
    explanation = EXPLANATIONS[reason]
    for text in (explanation.message, explanation.remedy):
        assert re.fullmatch(r"[A-Z].*\.", text), "a whole sentence"
    assert explanation.source.strip()
    for text in (explanation.message, explanation.remedy, explanation.source):
        assert text.isprintable(), "one line, in the terminal and in a table"
        assert "|" not in text, "it stands in a table of the documentation"


def test_every_reason_is_explained_and_nothing_else() -> None:
    assert list(EXPLANATIONS) == list(Reason)


def test_no_two_reasons_say_the_same() -> None:
    assert len({e.message for e in EXPLANATIONS.values()}) == len(Reason)


def test_only_what_nobody_has_to_do_says_that_nothing_is_to_be_done() -> None:
    for reason, explanation in EXPLANATIONS.items():
        idle = explanation.remedy.startswith("Nothing to do")
        assert idle == (explanation.mover is Mover.NOBODY), reason


def test_the_outcomes_and_movers_are_those_of_the_interface() -> None:
    assert [o.value for o in Outcome] == [
        "enabled",
        "already_enabled",
        "waiting",
        "failed",
        "unknown",
        "held",
        "not_looked_at",
    ]
    assert [m.value for m in Mover] == ["nobody", "customer", "us", "linkedin"]
