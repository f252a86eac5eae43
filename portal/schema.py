"""What OpenAPI is told of the answers."""

from typing import Any

TEXT = {"text/plain": {"schema": {"type": "string"}}}
HTML = {"text/html": {"schema": {"type": "string"}}}


def json_of(**properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {"application/json": {"schema": schema}}


REFUSAL = json_of(error={"type": "string", "minLength": 1})
STATE_PARTS: dict[str, dict[str, Any]] = {
    "customer": {"type": "string"},
    "moving": {"type": "boolean"},
    "application": {"enum": ["missing", "new", "ready"]},
    "integrations": {"type": "array", "items": {"type": "object", "required": ["id", "type", "state", "headline"]}},
    "version": {"type": "string"},
    "language": {"type": "string"},
    "plugin": {
        "type": ["object", "null"],
        "required": ["api_key", "script", "extension", "bundles"],
        "additionalProperties": {"type": "string"},
    },
}
STATE = json_of(**STATE_PARTS)


def answers(refusals: dict[str, Any], **sentences: str) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI is told of a route's other answers; a 429 comes from before any route and is plain text."""
    return {
        status.lstrip("_"): {"description": text, "content": TEXT if status == "_429" else refusals}
        for status, text in sentences.items()
    }
