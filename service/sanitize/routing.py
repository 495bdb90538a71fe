"""Which vendors get an event: the policy's allow list, call types, `integrations` switches, consent.

Anything unclear counts as "no".
"""

from service.events.event import CallType, Event
from service.events.json_value import JsonObject
from service.events.paths import MISSING, lookup
from service.policy.plan import ConsentRule, VendorPlan
from service.sanitize.outcomes import SuppressReason
from service.vendors.form import VendorForm


def never(call: CallType, name: str | None, plan: VendorPlan, form: VendorForm) -> SuppressReason | None:
    """The reason for which the vendor gets no event of a kind, or None where it may get some.

    The first that applies, in this order: event_not_allowed, call_type.
    """
    if plan.rules(call, name) is None:
        return SuppressReason.EVENT_NOT_ALLOWED if call is CallType.TRACK else SuppressReason.CALL_TYPE
    return None if call in form.calls else SuppressReason.CALL_TYPE


def not_now(body: JsonObject, plan: VendorPlan) -> SuppressReason | None:
    """The reason for which the vendor gets nothing of this event of a kind that it may get, or None.

    The first that applies, in this order: integration, consent.
    """
    if not _switched_on(body, plan.integration):
        return SuppressReason.INTEGRATION
    return None if _consented(body, plan.consent) else SuppressReason.CONSENT


def why_not(event: Event, plan: VendorPlan, form: VendorForm) -> SuppressReason | None:
    """The reason for which the vendor gets nothing of this event, or None where it gets it."""
    return never(event.call, event.name, plan, form) or not_now(event.body, plan)


def says_nothing(body: JsonObject) -> bool:
    """Whether an event holds neither switches nor consent: then `not_now` is the same for all of these."""
    context = body.get("context")
    return body.get("integrations") is None and not (isinstance(context, dict) and "consent" in context)


def _switched_on(body: JsonObject, integration: str) -> bool:
    """Whether the `integrations` switches let the vendor have it.

    A name in another casing or spacing is no switch by the Segment spec, neither the vendor's nor All, but it
    shows a wish: it may stop the event, never let it through.
    """
    switches = body.get("integrations")
    if switches is None:
        return True
    if not isinstance(switches, dict):
        return False
    if _stopped(switches, integration):
        return False
    return integration in switches or not _stopped(switches, "All")


def _stopped(switches: JsonObject, name: str) -> bool:
    folded = _folded(name)
    return any(not _lets_through(switch) for spelt, switch in switches.items() if _folded(spelt) == folded)


def _folded(name: str) -> str:
    return "".join(name.casefold().split())


def _lets_through(switch: object) -> bool:
    return switch is True or isinstance(switch, dict)


def _consented(body: JsonObject, rule: ConsentRule) -> bool:
    consent = lookup(body, ("context", "consent"))
    if consent is MISSING:
        return rule.when_absent == "allow"
    preferences = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    return isinstance(preferences, dict) and preferences.get(rule.category) is True
