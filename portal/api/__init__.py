"""The HTTP API for the vendor's back end: bearer keys, JSON, and an answer for every error."""
