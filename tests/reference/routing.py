"""Whether a vendor gets an event at all."""

from collections.abc import Mapping

from service.events.event import CallType, Event
from service.events.json_value import JsonValue
from service.policy.plan import VendorPlan
from service.sanitize.outcomes import SuppressReason


def why_not(event: Event, plan: VendorPlan, calls: frozenset[CallType]) -> SuppressReason | None:
    """The first reason against it, or None.

    Args:
        event: The event.
        plan: The vendor's plan.
        calls: The call types for which the vendor has a form.
    """
    if event.call is CallType.TRACK:
        if event.name not in plan.tracked:
            return SuppressReason.EVENT_NOT_ALLOWED
    elif event.call not in plan.calls:
        return SuppressReason.CALL_TYPE
    if event.call not in calls:
        return SuppressReason.CALL_TYPE
    if not switched_on(event.body.get("integrations"), plan.integration):
        return SuppressReason.INTEGRATION
    if not consented(event.body.get("context"), plan):
        return SuppressReason.CONSENT
    return None


def switched_on(switches: JsonValue, integration: str) -> bool:
    """Whether the sender lets the vendor have it; a switch in another spelling can only stop it."""
    if switches is None:
        return True
    if not isinstance(switches, dict):
        return False
    for_vendor = [value for name, value in switches.items() if folded(name) == folded(integration)]
    for_all = [value for name, value in switches.items() if folded(name) == "all"]
    if not all(map(lets_through, for_vendor)):
        return False
    return integration in switches or all(map(lets_through, for_all))


def folded(name: str) -> str:
    """A name without regard to case and spaces."""
    return "".join(name.casefold().split())


def lets_through(switch: JsonValue) -> bool:
    """Only true and an object do, as the Segment spec has it."""
    return switch is True or isinstance(switch, dict)


def consented(context: JsonValue, plan: VendorPlan) -> bool:
    """Whether the vendor's category is allowed, or the event says nothing of consent and that is enough."""
    if not isinstance(context, dict) or "consent" not in context:
        return plan.consent.when_absent == "allow"
    consent = context["consent"]
    if not isinstance(consent, Mapping):
        return False
    preferences = consent.get("categoryPreferences")
    return isinstance(preferences, Mapping) and preferences.get(plan.consent.category) is True
