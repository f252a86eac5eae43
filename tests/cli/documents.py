"""What commands print, held against the published schemas (`docs/schemas/`)."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def fits(document: dict[str, Any]) -> None:
    """Fail unless it is as its schema says, with no field that the schema does not name."""
    problems = [f"{each.json_path}: {each.message}" for each in _validator(document["schema"]).iter_errors(document)]
    assert problems == [], f"{document['schema']} is not as published: {problems[:5]}"


@cache
def _validator(name: str) -> Draft202012Validator:
    file = SCHEMAS / f"{name.replace('/', '-')}.json"
    return Draft202012Validator(_closed(json.loads(file.read_text(encoding="utf-8"))))


def _closed(schema: Any) -> Any:
    """Others may rely on what is named; here nothing else may come."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _closed(value) for key, value in schema.items()}
    return found | {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else found
