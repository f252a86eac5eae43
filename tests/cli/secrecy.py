"""Looking for secrets where none may be: in everything a home folder holds and everything a terminal showed."""

import base64
from collections.abc import Iterable

from tests.cli.conftest import Home


def found(home: Home, secrets: Iterable[str], covers: str = "prefect.db") -> list[str]:
    """The places that hold one of these, plain or encoded. A file whose name ends with `covers` has to be there."""
    needles = [form for secret in secrets for form in _forms(secret)]
    places = {"terminal": "".join(home.said).encode()}
    places |= {str(path): path.read_bytes() for path in home.folder.rglob("*") if path.is_file()}
    assert any(name.endswith(covers) for name in places), f"the search covers {covers}"
    return sorted({name for name, content in places.items() for needle in needles if needle in content})


def _forms(secret: str) -> list[bytes]:
    plain = secret.encode()
    return [plain, base64.b64encode(plain).rstrip(b"="), plain.hex().encode(), secret.replace("/", "%2F").encode()]
