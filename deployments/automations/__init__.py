"""The automations, a file each; `python -m deployments.automations` creates or updates them by name."""
