"""Prefect blocks: `prefect block register -m blocks` makes them known to a server."""

from blocks.child_app import LinkedInChildApp
from blocks.parent_app import LinkedInParentApp
from blocks.portal_keys import PortalKeys

__all__ = ["LinkedInChildApp", "LinkedInParentApp", "PortalKeys"]
