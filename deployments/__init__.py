"""How Greenlight runs for real: automations, containers, and what a work pool needs."""
