"""The API's route for the plugin on the vendor's own page (docs/embedding.md)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from greenlight.ats.api_keys import Caller, Scope
from greenlight.ats.embed_tokens import EmbedTokens
from greenlight.ats.idempotency import Answered
from greenlight.domain.formatting import iso
from portal.api.access import caller_with, needing
from portal.api.documents import EmbedToken, EmbedTokenGiven, answered, asked
from portal.api.given import body_of, named, parsed
from portal.api.problems import USUAL, WITH_BODY, ApiProblem, Code, described
from portal.api.repeating import Call, IdempotencyKeyHeader, once
from portal.context import PortalContext


def add_embedding(router: APIRouter, context: PortalContext) -> None:
    """Adds it."""
    tokens = EmbedTokens(context.database, context.settings.embed_origins)

    @router.post(
        "/customers/{customer_id:id}/embed-tokens",
        status_code=201,
        openapi_extra={**needing(Scope.LINKS_CREATE), **asked(EmbedTokenGiven)},
        responses={
            201: answered(EmbedToken, "A token."),
            **described(*USUAL, Code.UNKNOWN_CUSTOMER, *WITH_BODY, Code.IDEMPOTENCY_KEY_REUSED),
        },
    )
    async def create_embed_token(
        customer_id: str,
        request: Request,
        caller: Annotated[Caller, Depends(caller_with(context, Scope.LINKS_CREATE))],
        idempotency_key: IdempotencyKeyHeader = None,
    ) -> Response:
        """Make a token with which a page of yours shows the plugin to this customer.

        Sent again under its Idempotency-Key it is another token: none is kept.
        """
        body = await body_of(request)
        origin = parsed(EmbedTokenGiven, body).origin
        id = named(customer_id)

        def act() -> Answered:
            if origin not in context.settings.embed_origins:
                raise ApiProblem(Code.INVALID_INPUT, "origin: is none of GREENLIGHT_EMBED_ORIGINS.")
            return Answered(201, {})

        def show(_: dict[str, Any]) -> dict[str, Any]:
            token, expires_at = tokens.issue(id, origin, context.clock())
            return EmbedToken(token=token, expires_at=iso(expires_at)).model_dump(mode="json")

        return await once(context, id, Call(request, caller, body, idempotency_key), act, show)
