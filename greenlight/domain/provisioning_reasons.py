"""What people are told about the reasons of step 1, by code: message, remedy, whose move it is, and the source."""

PROVISIONING: dict[str, tuple[str, str, str, str]] = {
    "APPLICATION_WORKS": (
        "The customer has its child application, and LinkedIn accepts its credentials.",
        "Nothing to do: send the customer's admin a link to the portal (`greenlight link`).",
        "nobody",
        "docs/linkedin.md#provisioning",
    ),
    "APPLICATION_NOT_READY": (
        "The child application exists and its secret is stored, but LinkedIn does not accept its credentials yet.",
        "A new application may take five minutes: run `greenlight provision` again then.",
        "linkedin",
        "docs/linkedin.md#after-create",
    ),
    "PROVISIONING_REFUSED": (
        "LinkedIn refused the parent application's request.",
        "Read LinkedIn's own words in the message; the parent application needs the provisioning permission.",
        "us",
        "docs/linkedin.md#provisioning-errors, HTTP 4xx",
    ),
    "TOO_MANY_SECRETS": (
        "The application has two secrets already, and LinkedIn makes no third.",
        "Delete one of the two in LinkedIn's developer portal, then run the same command again.",
        "us",
        "docs/linkedin.md#secret-rotation",
    ),
    "SECRET_NOT_STORED": (
        "LinkedIn has shown the application's new secret, and Prefect's API would not store it.",
        "Mend the Prefect API, then run the same command again: it replaces the secret that was lost. Where LinkedIn "
        "makes no other, it says so then, and which one to delete.",
        "us",
        "docs/linkedin.md#retrieve",
    ),
    "PROVISIONING_UNFINISHED": (
        "The run ended before it was done with this customer's application.",
        "Run the same command again: it looks for what this run has left at LinkedIn before it makes anything. If it "
        "lasts, see the run's log.",
        "us",
        "docs/life-of-an-integration.md#0-the-customers-child-application",
    ),
    "FOREIGN_ID_TAKEN": (
        "LinkedIn says that the customer's uniqueForeignId is taken, and shows this parent no application under it.",
        "Ask LinkedIn's partner support who has it, with the id in the message: an application of another parent, or "
        "one that was deleted. Nothing was made or changed.",
        "us",
        "docs/linkedin.md#provisioning-errors, HTTP 409",
    ),
    "APPLICATION_GONE": (
        "LinkedIn does not have the application any more that is on record for this customer.",
        "Find out who deleted it and have LinkedIn's partner support bring it back; if it stays away, bring the keys "
        "of another one in with `greenlight import --replace-credentials`. A second one is never made by itself.",
        "us",
        "docs/linkedin.md#retrieve, HTTP 404",
    ),
    "APPLICATION_OF_ANOTHER": (
        "The application that LinkedIn has for this customer is on record as another customer's.",
        "Find out whose it is: one customer may be on record twice, or its keys may have been imported for another. "
        "Nothing of it was changed, and its secret was not replaced.",
        "us",
        "step 1, a unique API key for each customer",
    ),
    "DOMAINS_HELD": (
        "The application's list of domains is not as it should be, and nobody has approved the change.",
        "Run `greenlight provision`: it shows old and new of each list and asks; --max-changes raises the cap.",
        "us",
        "docs/linkedin.md#plugin-errors",
    ),
}
