"""Prefect blocks: `prefect block register -m blocks` makes them known to a server."""

from blocks.child_app import LinkedInChildApp

__all__ = ["LinkedInChildApp"]
