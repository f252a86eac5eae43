"""Looking and enabling against LinkedIn and the ATS database together, with every step on record as it happens."""
