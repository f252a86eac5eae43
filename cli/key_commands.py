"""`keys export`, `keys restore` and `credentials restore`: parsing alone, as in `cli.app`."""

from cyclopts import App

from cli.groups import CUSTOMERS, KEEP
from cli.options import Json, Yes

keys = App(name="keys", group=KEEP, help="Keep all secrets in one sealed file, and bring them back.")
credentials = App(name="credentials", group=CUSTOMERS, help="What a customer's credentials were before.")


@credentials.command(name="restore")
def restore_credentials(customer: str, /, *, yes: Yes = False, json: Json = False) -> int:
    """Go back to the credentials that CUSTOMER had before, as long as those in their place have not worked."""
    from cli.restoring import run_restore_credentials

    return run_restore_credentials(customer, yes=yes, as_json=json)


@keys.command
def export(file: str, /, *, json: Json = False) -> int:
    """Write all blocks to the new FILE, sealed under GREENLIGHT_KEYS_PASSPHRASE, or one that is typed or on stdin."""
    from cli.keys import run_export

    return run_export(file, as_json=json)


@keys.command
def restore(file: str, /, *, json: Json = False) -> int:
    """Save the blocks of FILE again; those that Prefect's server can read are left as they are."""
    from cli.keys import run_restore

    return run_restore(file, as_json=json)
