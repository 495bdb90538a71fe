"""The event's own identity values, for the interpreter."""

from service.detection.known_values import KnownValues
from service.events.event import Event
from service.policy.plan import CompiledPolicy
from tests.identities import known_values_of


def known_values(event: Event, policy: CompiledPolicy) -> KnownValues:
    """The matcher of the event's own identity values."""
    return known_values_of(event.body, policy.identity_fields)
