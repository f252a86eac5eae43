"""A local stand-in for LinkedIn's token endpoint and its `atsIntegrations` calls.

It shares no code with the client it is used to test, its key parser included, so that one wrong idea
cannot pass on both sides. `sandbox/README.md` documents the world file, `sandbox/GAPS.md` what is assumed.
"""
