"""Child applications on record: who has none, whose is amiss, what became of each try (docs/linkedin.md#provisioning).

The intent is committed before the first request leaves, so that whoever comes after a killed run looks before it acts.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from sqlmodel import Session, col, select

from greenlight.ats.application_items import imported_left_out, item_of, items_of_others
from greenlight.ats.candidates import Application, Candidate, application_of, is_due
from greenlight.ats.database import Database
from greenlight.ats.present import CustomerForgotten, present
from greenlight.ats.registry import Registration, check_client_ids, register, register_in
from greenlight.ats.rotations import with_mark_of
from greenlight.ats.rows import parameter_batches, release
from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import ChildApplication, Customer, Provisioning, Run
from greenlight.ats.waiting import units
from greenlight.domain.provisioning import COMMAND, Provision, ProvisionReport, ProvisionRequests
from greenlight.domain.reasons import Reason
from greenlight.errors import RefusedByRule


class NameDiffers(RefusedByRule, remedy="give the name on record, or another customer id"):
    """A customer was named as new and is on record under another name."""


@units
class Applications:
    """Child applications in the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database, installation: str = "") -> None:
        self._database = database
        self._installation = installation

    def add_customers(self, new: Mapping[str, str], now: datetime) -> None:
        """Put customers (name by id) on record. Raises NameDiffers, and then nothing is added."""
        with self._database.reading() as session:
            for customer_id, name in new.items():
                known = session.get(Customer, customer_id)
                # One that has left has no name on record.
                if known is not None and known.forgotten_at is None and known.customer_name != name:
                    raise NameDiffers(f"customer {customer_id!r} is on record as {known.customer_name!r}, not {name!r}")
        register(self._database, [Registration(id, name, None, []) for id, name in new.items()], now)

    def select(self, named: Sequence[str], js_sdk_domains: Sequence[str]) -> list[str]:
        """The customers named, or, if none is, all that have something left to do.

        That is those without a child application, with one never seen to work, or with a list that is not as these
        domains want it. Raises UnknownCustomer, and CustomerForgotten.
        """
        if named:
            return self._named(named)
        query = (
            select(Customer.customer_id, ChildApplication)
            .select_from(Customer)
            .join(ChildApplication, col(ChildApplication.customer_id) == Customer.customer_id, isouter=True)
            .where(col(Customer.forgotten_at).is_(None))
        )
        with self._database.reading() as session:
            rows = session.exec(query.order_by(col(Customer.created_at), col(Customer.customer_id)))
            return [id for id, application in rows if is_due(application, js_sdk_domains)]

    def _named(self, customers: Sequence[str]) -> list[str]:
        with self._database.reading() as session:
            known = {
                row.customer_id: row.forgotten_at
                for some in parameter_batches(customers)
                for row in session.exec(select(Customer).where(col(Customer.customer_id).in_(some)))
            }
        if missing := sorted(set(customers) - known.keys()):
            raise UnknownCustomer(f"no customer {', '.join(map(repr, missing))} in the ATS database")
        if gone := sorted(id for id, forgotten_at in known.items() if forgotten_at is not None):
            raise CustomerForgotten(f"customer {', '.join(map(repr, gone))} has left")
        return list(dict.fromkeys(customers))

    def start(
        self,
        run_id: str,
        scope: Mapping[str, object],
        now: datetime,
        command: str = COMMAND,
        chosen: Sequence[str] = (),
    ) -> None:
        """Put a provisioning run on record; one that Prefect repeats is on record already.

        The report is about all that are `chosen`, also where the run never came to them.
        """
        whom = {"chosen": list(chosen)} if chosen else {}
        with self._database.writing() as session:
            if session.get(Run, run_id) is None:
                session.add(Run(run_id=run_id, command=command, scope={**scope, **whom}, started_at=now))

    def begin(self, customer_id: str, run_id: str, now: datetime) -> Candidate:
        """Commit that this run takes care of the customer, before anything is sent for it. Raises CustomerForgotten."""
        with self._database.writing() as session:
            customer = present(session, customer_id)
            row = session.get(Provisioning, customer_id)
            tried_before = row is not None
            if row is None:
                row = self._new_row(customer_id, run_id, now)
                session.add(row)
            if row.run_id != run_id:
                row.outcome = row.reason = None
                row.detail = with_mark_of(row.detail, None)
            row.run_id = run_id
            held = session.get(ChildApplication, customer_id)
            return Candidate(
                customer_id,
                customer.customer_name,
                row.unique_foreign_id,
                tried_before,
                application_of(held) if held is not None else None,
            )

    def busy(self, customer_id: str, run_id: str, who: str, now: datetime) -> None:
        """Put on record that another run kept the customer all the while, unless that one is writing there itself."""
        with self._database.writing() as session:
            session.get_one(Customer, customer_id, with_for_update=True)
            row = self._left(session, customer_id, run_id, Reason.CUSTOMER_BUSY, now)
            if row is not None:
                # A rotation that is not over has its mark there.
                row.detail = row.detail or who

    def refused(self, customers: Sequence[str], run_id: str, why: str, now: datetime) -> None:
        """Put on record that nothing could be done for any of these; one that another run is at is that one's."""
        for customer_id in customers:
            with suppress(CustomerForgotten), self._database.writing() as session:
                present(session, customer_id)
                row = self._left(session, customer_id, run_id, Reason.PROVISIONING_UNFINISHED, now)
                if row is not None:
                    row.detail = with_mark_of(row.detail, why)

    def _left(
        self, session: Session, customer_id: str, run_id: str, reason: Reason, now: datetime
    ) -> Provisioning | None:
        row = session.get(Provisioning, customer_id)
        if row is not None and row.run_id != run_id:
            other = session.get(Run, row.run_id)
            if other is not None and other.finished_at is None:
                # This run's report says of a customer that is in another's that it is there.
                return None
        if row is None:
            row = self._new_row(customer_id, run_id, now)
            session.add(row)
        row.run_id, row.outcome, row.reason, row.checked_at = run_id, Provision.FAILED, reason, now
        return row

    def _new_row(self, customer_id: str, run_id: str, now: datetime) -> Provisioning:
        # Two installations under one parent would else find, and adopt, each other's.
        foreign_id = f"{self._installation}/{customer_id}" if self._installation else customer_id
        return Provisioning(customer_id=customer_id, unique_foreign_id=foreign_id, begun_at=now, run_id=run_id)

    def must_be_free(self, customer_id: str, client_id: str) -> None:
        """Raise ClientIdTaken where this application is on record as another customer's."""
        check_client_ids(self._database, [Registration(customer_id, "", (client_id, ""), [])], (customer_id,))

    def put(
        self,
        customer_id: str,
        client_id: str,
        credentials_block: str,
        now: datetime,
        *,
        urn: str | None,
        name: str | None,
        js_sdk_domains: Sequence[str] | None,
        own_domains: Sequence[str] | None = None,
    ) -> None:
        """Put the customer's application on record, once its secret is in its block.

        All of its domains are ours unless `own_domains` says which. Raises ClientIdTaken, and CustomerForgotten: its
        block is then to be deleted.
        """
        own = own_domains if own_domains is not None else js_sdk_domains
        with self._database.writing() as session:
            # In one step with the urn: without it the application would pass for an imported one for ever.
            customer_name = present(session, customer_id).customer_name
            register_in(session, [Registration(customer_id, customer_name, (client_id, credentials_block), [])], now)
            row = session.get_one(ChildApplication, customer_id)
            row.application_urn, row.application_name = urn, name or row.application_name
            row.js_sdk_domains = list(js_sdk_domains) if js_sdk_domains is not None else None
            row.own_domains = list(own) if own is not None else None
            row.provisioned_at = row.provisioned_at or now

    def worked(self, customer_id: str, now: datetime, outcome: Provision | None = None) -> None:
        """LinkedIn has accepted the application's credentials. Raises CustomerForgotten.

        With what a provisioning run came to, that is put on record with it: nobody reads the one without the other.
        """
        with self._database.writing() as session:
            present(session, customer_id)
            row = session.get_one(ChildApplication, customer_id)
            row.works_since, row.secret_deleted_at = row.works_since or now, None
            if outcome is not None:
                found = session.get_one(Provisioning, customer_id)
                found.outcome, found.reason, found.checked_at = outcome, Reason.APPLICATION_WORKS, now
                found.detail = with_mark_of(found.detail, None)

    def on_record(self, customer_id: str) -> Application | None:
        with self._database.reading() as session:
            row = session.get(ChildApplication, customer_id)
            return application_of(row) if row is not None else None

    def renewed(self, customer_id: str) -> None:
        """The application has a new secret, which LinkedIn has not been seen to accept. Raises CustomerForgotten."""
        with self._database.writing() as session:
            present(session, customer_id)
            row = session.get_one(ChildApplication, customer_id)
            row.works_since = row.secret_deleted_at = None
            release(session, [customer_id])

    def record(
        self,
        customer_id: str,
        outcome: Provision,
        reason: Reason,
        now: datetime,
        detail: str | None = None,
        *,
        of_rotation: bool = False,
    ) -> None:
        """Write what is known of a customer's child application now. Only a rotation ends the mark of one."""
        with self._database.writing() as session:
            row = session.get_one(Provisioning, customer_id)
            row.outcome, row.reason, row.checked_at = outcome, reason, now
            row.detail = detail if of_rotation else with_mark_of(row.detail, detail)

    def not_working_in(self, run_id: str, outcomes: Sequence[Provision]) -> list[tuple[Candidate, Provision]]:
        """Customers whose try in this run ended so, with an application that was never seen to work."""
        query = (
            select(Provisioning, Customer, ChildApplication)
            .select_from(Provisioning)
            .join(Customer, col(Customer.customer_id) == Provisioning.customer_id)
            .join(ChildApplication, col(ChildApplication.customer_id) == Provisioning.customer_id)
            .where(Provisioning.run_id == run_id, col(Provisioning.outcome).in_(outcomes))
            .where(col(ChildApplication.works_since).is_(None))
        )
        with self._database.reading() as session:
            return [
                (
                    Candidate(c.customer_id, c.customer_name, p.unique_foreign_id, True, application_of(a)),
                    Provision(p.outcome),
                )
                for p, c, a in session.exec(query)
            ]

    def finish(self, run_id: str, requests: ProvisionRequests, now: datetime) -> ProvisionReport:
        """Put a run's end on record and return its report."""
        before = self.report(run_id).requests

        # It sets the totals and does not add to them, since it may be done twice.
        def end(session: Session) -> None:
            run = session.get_one(Run, run_id)
            run.finished_at = now
            run.token_requests = before.token + requests.token
            run.provision_requests = before.provision + requests.provision

        self._database.write(end)
        report = self.report(run_id)

        def judge(session: Session) -> None:
            session.get_one(Run, run_id).verdict = report.verdict

        self._database.write(judge)
        return report

    def report(self, run_id: str) -> ProvisionReport:
        """The report of a run, drawn from what the database holds now: of who has left meanwhile it has nothing."""
        query = (
            select(Provisioning, Customer, ChildApplication)
            .select_from(Provisioning)
            .join(Customer, col(Customer.customer_id) == Provisioning.customer_id)
            .join(ChildApplication, col(ChildApplication.customer_id) == Provisioning.customer_id, isouter=True)
            .where(Provisioning.run_id == run_id, col(Customer.forgotten_at).is_(None))
        )
        with self._database.reading() as session:
            run = session.get_one(Run, run_id)
            items = [item_of(p, c, a) for p, c, a in session.exec(query)]
            reported = {item.customer_id for item in items}
            left = [id for id in run.scope.get("chosen", ()) if id not in reported]
            items += [item for some in parameter_batches(left) for item in items_of_others(session, some)]
            return ProvisionReport(
                run_id,
                sorted(items, key=lambda item: item.customer_id),
                ProvisionRequests(run.token_requests, run.provision_requests),
                imported=imported_left_out(session, run.scope),
            )
