"""Guards on a source of what is wanted."""

from tests.guards.guard import Guard

SQL = "tests/desired/test_desired_sql.py"
HELD = "tests/desired/test_desired_held.py"
DROPS = "tests/desired/test_desired_drops.py"

SOURCES = [
    Guard(
        "a source that has much less than before is not believed",
        "greenlight/domain/desired.py",
        "return losing > 0 and (rows == 0 or too_many(losing, listed))",
        "return False",
        ("tests/domain/test_domain_desired.py", HELD),
    ),
    Guard(
        "a person's word on a source is good for as much as it was given for",
        "greenlight/ats/desired.py",
        "    return set(lost) <= set(sync.lost or ())\n",
        "    return True\n",
        (HELD,),
    ),
    Guard(
        "a person's word on a source ends",
        "greenlight/ats/desired.py",
        " or sync.let_at + LET_FOR <= now",
        "",
        (HELD,),
    ),
    Guard(
        "a source that ends half-way changes nothing",
        "greenlight/desired/syncing.py",
        "        return syncs.end(sync_id, report, judged, clock())\n    for",
        "        pass\n    for",
        (SQL,),
    ),
    Guard(
        "what a source never had is not its to withdraw",
        "greenlight/ats/desired.py",
        "        col(Integration.listing).in_((Listing.LISTED, Listing.DROPPING)),\n        ~exists()",
        "        ~exists()",
        (SQL,),
    ),
    Guard(
        "a bad row holds its customer",
        "greenlight/ats/desired_changes.py",
        "        ~is_at_fault(sync_id, col(DesiredRow.customer_id)),\n",
        "",
        (SQL,),
    ),
    Guard(
        "of a customer with a bad row nothing is withdrawn",
        "greenlight/ats/desired.py",
        "        ~is_at_fault(sync_id, col(Integration.customer_id)),\n",
        "",
        (SQL,),
    ),
    Guard(
        "while a bad row does not say whose it is nobody is withdrawn",
        "greenlight/ats/desired.py",
        "        ~unclear,\n",
        "",
        (SQL,),
    ),
    Guard(
        "what a person has withdrawn a source does not bring back",
        "greenlight/ats/desired_changes.py",
        "if _is_forgotten(customer) or _is_taken_out(integration):",
        "if _is_forgotten(customer):",
        (SQL, DROPS),
    ),
    Guard(
        "a customer that was forgotten a source does not bring back",
        "greenlight/ats/desired_changes.py",
        "if _is_forgotten(customer) or _is_taken_out(integration):",
        "if _is_taken_out(integration):",
        (SQL, DROPS),
    ),
    Guard(
        "what an enable is on its way for is not withdrawn by a source",
        "greenlight/ats/desired_changes.py",
        "        if row.id in busy:\n",
        "        if False:\n",
        (SQL,),
    ),
    Guard(
        "what the source has dropped while an enable was on its way is put on record",
        "greenlight/ats/desired_changes.py",
        "            row.listing = Listing.DROPPING\n",
        "",
        (DROPS,),
    ),
    Guard(
        "a person's withdrawal takes over a source's",
        "greenlight/ats/withdrawals.py",
        "    elif row.listing == Listing.UNLISTED:\n",
        "    elif False:\n",
        (DROPS,),
    ),
    Guard(
        "a source that drops what a person has withdrawn does not bring it back",
        "greenlight/ats/desired_changes.py",
        "            row.listing = None\n            continue\n",
        "            row.listing = Listing.UNLISTED\n            continue\n",
        (DROPS,),
    ),
    Guard(
        "of two syncs the later one goes on",
        "greenlight/ats/desired.py",
        "    return session.execute(later.limit(1)).first() is not None\n",
        "    return False\n",
        (SQL,),
    ),
]
