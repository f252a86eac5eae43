"""Get customers their child applications (docs/linkedin.md#provisioning)."""

import asyncio

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.fields import DEFAULT_MAX_CHANGES, MaxChanges, Names, NewCustomers
from flows.request import ProvisionRequest, checked, named_after
from flows.verdict import looked_state, provisioned_state, refusing
from greenlight.ats.database import open_database
from greenlight.ats.domains import DomainLists
from greenlight.domain.domains import DomainsWord, digest_of
from greenlight.reconcile.provision import CannotProvision
from greenlight.settings import Settings, load_settings
from tasks.parts.arguments import as_it_is
from tasks.parts.progress import recorded
from tasks.parts.provisioning_resources import must_have_real_origins, provisioning_resources
from tasks.parts.resources import now
from tasks.provision import provision_all, wait_until_working
from tasks.telling.artifacts import publish_applications, tell_drift

#: Applications that one run looks at: how many questions LinkedIn answers a day, nobody knows.
LOOKS_PER_RUN = 1000


@flow(name="provision", flow_run_name=named_after(ProvisionRequest), persist_result=False, validate_parameters=False)
@refusing
async def provision(
    customers: Names = (),
    new: NewCustomers = (),
    look: bool = False,
    change_domains: bool = False,
    as_shown: str = "",
    max_changes: MaxChanges = DEFAULT_MAX_CHANGES,
) -> State[None]:
    """Create or adopt a child application for each customer that has none, and bring drifted ones up to date.

    Args:
        customers: Ids of the only customers to take, like acme, one a line. Leave both lists empty for all without one.
        new: Customers that are not on record yet, each as id=name, like acme=Acme Ltd, one a line.
        look: Compare applications with what LinkedIn has, and where no customer is named change nothing there at all.
        change_domains: Change lists of domains that are there already, whatever the change comes to.
        as_shown: Leave it empty. The command line fills it in: a digest of the changes that somebody has said yes to.
        max_changes: At most so many lists of domains are changed, like 200.
    """
    given = {"look": look, "change_domains": change_domains, "as_shown": as_shown, "max_changes": max_changes}
    request = checked(ProvisionRequest, customers=customers, new=new, **given)
    settings = load_settings()
    word = await asyncio.to_thread(_word, settings, request)
    async with provisioning_resources(settings, request.new, word) as resources:
        run_id, applications = str(flow_run.id), resources.applications
        named = [*request.customers, *request.new]
        resources.provisioning.only_looks = request.only_looks
        if request.only_looks:
            chosen = await asyncio.to_thread(resources.lists.to_look_at, LOOKS_PER_RUN)
        else:
            chosen = await asyncio.to_thread(applications.select, named, resources.settings.origins)
        scope = request.model_dump(mode="json")
        await asyncio.to_thread(applications.start, run_id, scope, now(), chosen=chosen)

        await provision_all(run_id, chosen, look=request.look or bool(request.customers))
        if not request.only_looks:
            await wait_until_working(run_id)

        report = await asyncio.to_thread(applications.finish, run_id, resources.sent(), now())
        recorded(run_id)
        await publish_applications(as_it_is(report))
        if request.only_looks:
            return looked_state(report, await tell_drift(report), resources.crashes)
        return provisioned_state(report, resources.crashes)


def _word(settings: Settings, request: ProvisionRequest) -> DomainsWord:
    """Whose lists of domains may be changed. Raises CannotProvision where the setting can only be a mistake."""
    database = open_database(settings.database_url.get_secret_value(), patient=True)
    try:
        lists = DomainLists(database)
        must_have_real_origins(settings, lists)
        if request.only_looks:
            return DomainsWord()
        if request.change_domains or not request.as_shown:
            return DomainsWord(everything=request.change_domains, most=request.max_changes)
        shown = lists.changes(request.customers, settings.origins)
        if digest_of(shown) != request.as_shown:
            raise CannotProvision("the domains are not any more as they were shown: run it again, and look again")
        return DomainsWord(shown=shown, most=request.max_changes)
    finally:
        database.close()
