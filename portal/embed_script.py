"""The script of the vendor's page, put together from the files of `portal/embed` when the portal starts."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from greenlight.settings import Settings
from portal.texts import TEXTS

EMBED = Path(__file__).with_name("embed")
#: Each may use what those before it have.
PARTS = ("elements.js", "outbox.js", "linkedin.js", "view.js", "ways.js", "mount.js", "start.js")
#: The looks of both, this script's view and the portal's page as it is without a script.
INTEGRATIONS_CSS = Path(__file__).with_name("static") / "integrations.css"


class Script(NamedTuple):
    """The text, and the tag by which a browser knows whether it has this one."""

    text: str
    tag: str


def embed_script(settings: Settings) -> Script:
    """The script for these settings, read anew."""
    known = {
        "PORTAL": settings.portal_url,
        "TEXTS": {language: dict(texts.page) for language, texts in TEXTS.items()},
        "STYLES": INTEGRATIONS_CSS.read_text("utf-8"),
    }
    constants = "".join(f"const {name} = {_literal(value)};\n" for name, value in known.items())
    parts = "\n".join((EMBED / part).read_text("utf-8") for part in PARTS)
    script = f"(() => {{\n'use strict';\n{constants}\n{parts}}})();\n"
    return Script(script, f'"{hashlib.sha256(script.encode()).hexdigest()[:32]}"')


def _literal(value: object) -> str:
    # In a string of a script, these two ended its line in older browsers.
    return json.dumps(value, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
