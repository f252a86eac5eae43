"""A local stand-in for LinkedIn's token endpoint, `atsIntegrations`, provisioning and configuration plugin.

It shares no code with the client it is used to test, its key parser included, so that one wrong idea
cannot pass on both sides (docs/adr/0006-a-sandbox-of-our-own.md). `sandbox/README.md` documents the world file,
`sandbox/GAPS.md` what is assumed.
"""
