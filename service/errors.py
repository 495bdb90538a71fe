"""Weir's errors: one small hierarchy.

A message says what is wrong, where, and what to do. It never holds a value from an event, nor a secret.
"""

from typing import ClassVar


class WeirError(Exception):
    """Something stopped Weir that its operator can act on; the command line prints it as one clear line."""

    exit_code: ClassVar[int] = 3


class ConfigurationError(WeirError):
    """A setting, a policy file or a key ring is wrong; nothing was started."""

    exit_code: ClassVar[int] = 2


class PolicyError(ConfigurationError):
    """The tracking plan or a vendor policy is wrong; the message lists every mistake with its place."""


class KeyRingError(ConfigurationError):
    """The key ring file is missing, unsafe or wrong."""


class BrokerError(WeirError):
    """Kafka cannot be reached, refuses, or answers something Weir cannot work with."""


class SanitizerError(WeirError):
    """The sanitizer's processes cannot be started or kept alive."""


class StallError(WeirError):
    """The worker makes no progress; the message says what stands still, and for how long."""


class ReplayError(WeirError):
    """A replay was stopped before its end; the message says by what, and whether it can go on."""
