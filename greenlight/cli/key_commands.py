"""`keys export` and `keys restore`: parsing alone, as in `greenlight.cli.app`."""

from cyclopts import App

from greenlight.cli.options import Json

keys = App(name="keys", help="Keep all secrets in one sealed file, and bring them back.")


@keys.command
def export(file: str, /, *, json: Json = False) -> int:
    """Write all blocks to the new FILE, sealed under GREENLIGHTkeys_PASSPHRASE, or one that is typed or on stdin."""
    from greenlight.cli.keys import run_export

    return run_export(file, as_json=json)


@keys.command
def restore(file: str, /, *, json: Json = False) -> int:
    """Save the blocks of FILE again; those that Prefect's server can read are left as they are."""
    from greenlight.cli.keys import run_restore

    return run_restore(file, as_json=json)
