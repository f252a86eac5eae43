"""Whose certificates are trusted, whatever is reached: the public ones, and a company's own beside them."""

import ssl

import httpx


def trusting(ca_file: str | None) -> ssl.SSLContext:
    """The public certificates and `ca_file`'s. Raises OSError (ssl.SSLError is one) where that cannot be used."""
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context
