"""The API as an application of its own, under `/v1`: its routes, its problems, its description."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, JSONResponse, Response

from portal.api.documents import REFERENCED
from portal.api.embedding import add_embedding
from portal.api.paths import EncodedSlashes
from portal.api.problems import KINDS, add_problems
from portal.api.reading import add_reading
from portal.api.writing import add_writing
from portal.context import PortalContext

API_PREFIX = "/v1"
_DESCRIPTION = """For an ATS's back end: create customers, make links to their page, and see how their LinkedIn
integrations stand. Nothing here enables anything: what is wanted is put on record, and the worker acts on it.
"""


def create_api(context: PortalContext) -> FastAPI:
    """The application to mount at `API_PREFIX`."""
    api = FastAPI(
        title="Greenlight API",
        version="1",
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    add_reading(api.router, context)
    add_writing(api.router, context)
    add_embedding(api.router, context)
    described = _described(api)
    api.openapi = lambda: described

    @api.get("/openapi.json", include_in_schema=False)
    async def openapi_json() -> Response:
        return JSONResponse(described, headers={"Cache-Control": "no-cache"})

    @api.get("/docs", include_in_schema=False)
    async def docs(_: Request) -> Response:
        template = context.templates.get_template("api.html")
        page = template.render(described=described, kinds=KINDS, ats_name=context.settings.ats_name)
        return HTMLResponse(page, headers={"Cache-Control": "no-cache"})

    add_problems(api, docs_url_of(context))
    api.add_middleware(EncodedSlashes)
    return api


def docs_url_of(context: PortalContext) -> str:
    """Where problems are told of to people."""
    return f"{context.settings.portal_url}{API_PREFIX}/docs"


def _operation_id(route: APIRoute) -> str:
    return route.name


def _described(api: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with whole paths: whoever reads it may know no servers."""
    document = get_openapi(
        title=api.title, version=api.version, description=api.description, routes=api.routes, openapi_version="3.1.0"
    )
    document["paths"] = {f"{API_PREFIX}{path}": operations for path, operations in document["paths"].items()}
    schemas = document["components"]["schemas"]
    # FastAPI adds these where a route with parameters declares no 422 of its own: it has none.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
    for model in REFERENCED:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    return document
