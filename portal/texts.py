"""What a customer's admin reads: titles of integrations, and words for every reason. No HTTP, no ids, no internals."""

import re
from typing import NamedTuple

from greenlight.domain.reasons import Mover, Reason

_CONNECT = "Recruiter System Connect"

TITLES = {
    "APPLY_WITH_LINKEDIN": "Apply with LinkedIn",
    "APPLY_CONNECT": "Apply Connect",
    "CSA_API": f"{_CONNECT}: contract access",
    "IN_ATS_INDICATOR": f"{_CONNECT}: In-ATS indicator",
    "ONE_CLICK_EXPORT": f"{_CONNECT}: 1-Click Export",
    "PROFILE_PLUGIN": f"{_CONNECT}: profile in your ATS",
    "RECOMMENDED_MATCHES": f"{_CONNECT}: Recommended Matches",
    "UNIFIED_SEARCH": f"{_CONNECT}: Unified Search",
    "CRM_CSA_API": "CRM Connect: contract access",
    "CRM_ONE_CLICK_EXPORT": "CRM Connect: 1-Click Export",
    "IN_CRM_INDICATOR": "CRM Connect: In-CRM indicator",
    "PREMIUM_JOB_POSTING": "Premium Job Posting",
}

#: Words that a title made from a constant does not write in lower case.
_PROPER = {"linkedin": "LinkedIn", "ats": "ATS", "crm": "CRM", "api": "API", "csa": "CSA", "hr": "HR"}

_PLACES = {"organization": "LinkedIn company", "contract": "LinkedIn contract"}


def title_of(integration_type: str) -> str:
    """The name of an integration type; one that is new to us is made readable: `JOB_SYNC_API` is "Job sync API"."""
    known = TITLES.get(integration_type)
    if known is not None:
        return known
    words = [_PROPER.get(word, word) for word in re.split(r"[\W_]+", integration_type.lower()) if word]
    text = " ".join(words) or "Integration"
    return text[0].upper() + text[1:]


def place_of(integration_context: str) -> str:
    """Which company or contract it is for: `urn:li:contract:7hK` is "LinkedIn contract 7hK"."""
    _, _, rest = integration_context.partition("urn:li:")
    entity, _, id_ = rest.partition(":")
    return f"{_PLACES.get(entity, 'LinkedIn')} {id_}".strip()


class PageText(NamedTuple):
    """A few words that fit on a badge, and one or two sentences: what it means, what happens next."""

    headline: str
    explanation: str


#: Who acts next, as the page says it.
TURNS = {
    "you": "Your turn",
    "your_admin": "Your Recruiter admin’s turn",
    "us": "We take care of it",
    "linkedin": "Up to LinkedIn",
    "nobody": "Nothing to do",
}

#: Who a mover is, seen by the customer.
WHO = {Mover.CUSTOMER: "you", Mover.US: "us", Mover.LINKEDIN: "linkedin", Mover.NOBODY: "nobody"}

#: Reasons that pass without anybody mending anything; the page shows them without alarm.
CALM = frozenset(
    {
        Reason.ALREADY_ENABLED,
        Reason.THROTTLED,
        Reason.SHARE_SPENT,
        Reason.NOT_DUE,
        Reason.LINKEDIN_UNAVAILABLE,
        Reason.UNREADABLE_ANSWER,
        Reason.NOT_THE_API,
        Reason.OUTCOME_UNKNOWN,
        Reason.CONFIRMED_NOT_SHOWN,
        Reason.HELD_BY_CAP,
        Reason.CHANGED_SINCE_PLAN,
        Reason.CUSTOMER_BUSY,
        Reason.PAUSED,
        Reason.WITHOUT_EVIDENCE,
        Reason.CLAIMED_TWICE,
        Reason.SUDDENLY_EMPTY,
        Reason.WANTED_SET_JUMPED,
        Reason.NOT_DONE,
        Reason.WITHDRAWN,
        Reason.ENABLED_BUT_WITHDRAWN,
        Reason.RESTING,
        Reason.NOT_LOOKED_AT,
        Reason.APPLICATION_WORKS,
        Reason.APPLICATION_NOT_READY,
    }
)

#: A request that we have stored and the worker has not dealt with yet.
REQUESTED = PageText(
    "Checking with LinkedIn",
    "We have received your request and are checking it with LinkedIn. This usually takes a few seconds.",
)

#: Nobody has come to it for minutes.
NOT_REACHED = PageText(
    "Not checked yet",
    "We have your request and could not check it with LinkedIn so far. It is kept, and we go on as soon as we can; you "
    "can close this page. If it still says this tomorrow, please tell us.",
)

#: LinkedIn has the request, but it is not on after minutes.
SLOW = PageText(
    "Taking longer than usual",
    "LinkedIn has your request, but switching it on takes longer than it should. Nothing is lost, and you can close "
    "this page. If it still says this tomorrow, please tell us.",
)

#: LinkedIn showed ENABLED, and the newest look failed.
STILL_ENABLED = PageText(
    "Enabled",
    "This integration is on. Our most recent check with LinkedIn did not go through, which does not switch it off.",
)

_OURS = "You do not need to do anything. If it still says this tomorrow, please tell us."
_SET_UP = f"Something in our setup of your LinkedIn connection is not right, and we have to correct it. {_OURS}"
_BY_ITSELF = "You do not need to do anything: we try again by ourselves."
_LOOKS_FIRST = PageText(
    "Waiting for our approval",
    f"LinkedIn has your request. Switching it on cannot be undone, so one of us looks before we go on. {_OURS}",
)

TEXTS: dict[Reason, PageText] = {
    Reason.ENABLED: PageText("Enabled", "LinkedIn confirms that this integration is on."),
    Reason.READY_TO_ENABLE: PageText(
        "Being switched on", "LinkedIn has your request, and we are switching it on. This usually takes a few seconds."
    ),
    Reason.NOT_REQUESTED: PageText(
        "Not requested",
        "LinkedIn has no request for this integration from your company. To use it, choose Request in LinkedIn’s "
        "plugin on this page.",
    ),
    Reason.AWAITING_CUSTOMER: PageText(
        "Waiting for your admin",
        "Our part is done. A LinkedIn Recruiter admin of your company now has to switch it on in Recruiter, under "
        "Admin settings, ATS.",
    ),
    # Only met without LinkedIn showing it as on; where LinkedIn does, the page says Enabled.
    Reason.ALREADY_ENABLED: PageText(
        "Being confirmed",
        "LinkedIn says that this integration is on already. We call it enabled as soon as LinkedIn also shows it that "
        "way. You do not need to do anything.",
    ),
    Reason.INVALID_CONTEXT: PageText(
        "Not recognised by LinkedIn",
        "LinkedIn does not recognise the company or contract that this request is for. We have to look into it. "
        "If you requested it just now, please tell us.",
    ),
    Reason.KEY_INCOMPLETE: PageText(
        "Request incomplete",
        "LinkedIn says that a part of this request is missing. We have to look into it. "
        "If you requested it just now, please tell us.",
    ),
    Reason.KEY_MISMATCH: PageText(
        "Problem on our side", f"What we sent to LinkedIn did not fit together. That is for us to mend. {_OURS}"
    ),
    Reason.WRONG_CREDENTIALS: PageText("Problem in our setup", _SET_UP),
    Reason.TOKEN_REJECTED: PageText("Problem in our setup", _SET_UP),
    Reason.CREDENTIALS_REFUSED: PageText("Problem in our setup", _SET_UP),
    Reason.CREDENTIALS_MISSING: PageText(
        "Setup not finished", f"We have not finished setting up your company’s connection to LinkedIn. {_OURS}"
    ),
    Reason.THROTTLED: PageText(
        "Paused until tomorrow",
        "LinkedIn takes no more requests for your company today. We go on after midnight (UTC). You do not need to do "
        "anything.",
    ),
    Reason.NOT_DUE: PageText(
        "Nothing to do", "LinkedIn has it enabled, and we look again now and then. You do not need to do anything."
    ),
    Reason.SHARE_SPENT: PageText(
        "Goes on tonight",
        "For your company we have asked LinkedIn as often as one company may today. What you requested is kept, and we "
        "go on tonight. You do not need to do anything.",
    ),
    Reason.LINKEDIN_UNAVAILABLE: PageText(
        "LinkedIn cannot be reached", f"LinkedIn did not answer, or had a problem of its own. {_BY_ITSELF}"
    ),
    Reason.UNREADABLE_ANSWER: PageText(
        "Unclear answer from LinkedIn",
        f"LinkedIn gave an answer that we could not understand, so we drew no conclusion from it. {_BY_ITSELF}",
    ),
    Reason.NOT_THE_API: PageText(
        "LinkedIn cannot be reached",
        f"Something in our network answered in LinkedIn’s place, so we drew no conclusion from it. {_BY_ITSELF}",
    ),
    Reason.REQUEST_REFUSED: PageText(
        "Declined by LinkedIn", f"LinkedIn declined to switch it on, and we have to find out why. {_OURS}"
    ),
    Reason.OUTCOME_UNKNOWN: PageText(
        "Not confirmed yet",
        "We asked LinkedIn to switch it on and have not seen that it is on. We look again before we do anything else. "
        "You do not need to do anything.",
    ),
    Reason.CONFIRMED_NOT_SHOWN: PageText(
        "Being switched on",
        f"LinkedIn has confirmed it and does not show it as enabled yet. We look again. {_BY_ITSELF}",
    ),
    Reason.HELD_BY_CAP: PageText(
        "Waiting for our approval",
        f"LinkedIn has your request. So many came in at once that one of us looks before we go on. {_OURS}",
    ),
    Reason.CHANGED_SINCE_PLAN: PageText(
        "Waiting for our approval",
        f"LinkedIn has your request. Something in our setup changed, so one of us looks before we go on. {_OURS}",
    ),
    Reason.NOT_LOOKED_AT: PageText(
        "Not checked yet", "We have not asked LinkedIn about this integration yet. You do not need to do anything."
    ),
    Reason.APPLICATION_WORKS: PageText(
        "Connection ready", "Your company’s connection to LinkedIn works. Nothing has been requested yet."
    ),
    Reason.APPLICATION_NOT_READY: PageText(
        "Connection starting up",
        "Your company’s connection to LinkedIn is new, and LinkedIn does not accept it yet. This takes a few minutes.",
    ),
    Reason.PROVISIONING_REFUSED: PageText(
        "Setup not finished", f"LinkedIn declined to set up your company’s connection. {_OURS}"
    ),
    Reason.TOO_MANY_SECRETS: PageText("Setup not finished", _SET_UP),
    Reason.SECRET_NOT_STORED: PageText("Setup not finished", _SET_UP),
    Reason.PROVISIONING_UNFINISHED: PageText("Setup not finished", _SET_UP),
    Reason.FOREIGN_ID_TAKEN: PageText("Setup not finished", _SET_UP),
    Reason.APPLICATION_GONE: PageText("Setup not finished", _SET_UP),
    Reason.APPLICATION_OF_ANOTHER: PageText("Setup not finished", _SET_UP),
    Reason.DOMAINS_HELD: PageText("Setup not finished", _SET_UP),
    Reason.CUSTOMER_BUSY: PageText(
        "Being checked", f"We are at your company’s integrations right now and could not check this one. {_BY_ITSELF}"
    ),
    Reason.PAUSED: PageText(
        "Paused by us", f"LinkedIn has your request. We have paused your company’s integrations for a while. {_OURS}"
    ),
    Reason.WITHOUT_EVIDENCE: _LOOKS_FIRST,
    Reason.CLAIMED_TWICE: _LOOKS_FIRST,
    Reason.SUDDENLY_EMPTY: _LOOKS_FIRST,
    Reason.WANTED_SET_JUMPED: _LOOKS_FIRST,
    Reason.NOT_DONE: PageText(
        "Not done yet", f"LinkedIn has your request, and we have not come to it yet. {_BY_ITSELF}"
    ),
    Reason.WITHDRAWN: PageText(
        "Withdrawn", "This integration is not wanted any more. Request it anew to bring it back."
    ),
    Reason.ENABLED_BUT_WITHDRAWN: PageText(
        "Withdrawn", f"This integration is not wanted any more, and LinkedIn still has it enabled. {_OURS}"
    ),
    Reason.RESTING: PageText(
        "Trying again later", f"LinkedIn could not be asked, so we wait a while before the next try. {_BY_ITSELF}"
    ),
    Reason.REJECTED_REQUEST: PageText(
        "Unknown to LinkedIn",
        "LinkedIn does not know the company or contract that this request is for. If it is the right one, choose "
        "Request or Notify partner in LinkedIn’s plugin once more in a while; else there is nothing to do.",
    ),
}
