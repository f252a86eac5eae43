"""Guards of the vendor's own page: whose token is good where, until when, and that no cookie is one."""

from tests.guards.guard import Guard

EMBEDDING = [
    Guard(
        "the vendor's page: an origin that is not named gets nothing",
        "portal/context.py",
        "        if len(origins) != 1 or origins[0] not in self.settings.embed_origins:",
        "        if len(origins) != 1:",
        ("tests/portal/test_portal_embed.py",),
    ),
    Guard(
        "the vendor's page: no answer may be read by an origin that is not named",
        "portal/cross_origin.py",
        "        named = len(origins) == 1 and origins[0] in self._origins",
        "        named = len(origins) == 1",
        ("tests/portal/test_portal_embed_cors.py",),
    ),
    Guard(
        "the vendor's page: a token is good on its own origin alone",
        "greenlight/ats/embed_tokens.py",
        "            if row is None or row.origin != origin:",
        "            if row is None:",
        ("tests/ats/test_ats_embed_tokens.py",),
    ),
    Guard(
        "the vendor's page: a token ends",
        "greenlight/ats/embed_tokens.py",
        "            if not row.opened_at - CLOCKS_DIFFER <= now < row.expires_at:",
        "            if False:",
        ("tests/ats/test_ats_embed_tokens.py",),
    ),
    Guard(
        "the vendor's page: a token is nothing as a cookie",
        "greenlight/ats/portal_sessions.py",
        "    if portal_session.origin is not None:",
        "    if False:",
        ("tests/ats/test_ats_embed_tokens.py",),
    ),
    Guard(
        "the vendor's page: what was requested in another customer's plugin is not taken",
        "portal/embedding.py",
        "        if application is None or api_key != application.client_id:",
        "        if False:",
        ("tests/portal/test_portal_embed.py",),
    ),
]
