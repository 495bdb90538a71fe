"""The reference interpreter: what a policy means, written as plainly as can be and as slowly as need be.

It goes through a record vendor by vendor and field by field, as docs/policy.md and docs/vendors.md say it,
and shares nothing between events or vendors. Decode, the actions, detection and the pseudonyms are the real
ones; routing, the vendors' forms, the gate and the checks of finished payloads are written a second time.
"""
