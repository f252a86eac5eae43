"""Child applications as they are on record, and the customers that a provisioning run takes care of."""

from collections.abc import Sequence
from dataclasses import dataclass

from greenlight.ats.domains import domains_of
from greenlight.ats.tables import ChildApplication


@dataclass(frozen=True, slots=True)
class Application:
    """A customer's child application as it is on record; what provisioning never saw of it is None."""

    client_id: str
    credentials_block: str
    urn: str | None
    js_sdk_domains: tuple[str, ...] | None
    works: bool
    own_domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer that a run takes care of. `tried_before`: an earlier try may have had an effect at LinkedIn."""

    customer_id: str
    customer_name: str
    unique_foreign_id: str
    tried_before: bool
    application: Application | None


def application_of(row: ChildApplication) -> Application:
    domains = tuple(row.js_sdk_domains) if row.js_sdk_domains is not None else None
    works, own = row.works_since is not None, tuple(row.own_domains or ())
    return Application(row.client_id, row.credentials_block, row.application_urn, domains, works, own)


def is_due(application: ChildApplication | None, js_sdk_domains: Sequence[str]) -> bool:
    """Whether a run that takes all has something left to do for this customer."""
    if application is None:
        return True
    if application.application_urn is None:
        # Imported: LinkedIn's Partner Engineering looks after it, and its key is the customer's old one.
        return False
    return application.works_since is None or domains_of(application, js_sdk_domains).changes


def is_ready(held: ChildApplication | None) -> bool:
    """Whether LinkedIn accepts its credentials, or it was imported and nobody has deleted them."""
    if held is None or held.secret_deleted_at is not None:
        return False
    # An imported one is looked after by LinkedIn's Partner Engineering.
    return held.works_since is not None or held.application_urn is None
