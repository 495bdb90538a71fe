"""Who gets an event: allow list, call type, switches, consent, in this order."""

import pytest

from service.events.event import CallType, Event
from service.events.json_value import JsonObject, JsonValue
from service.policy.plan import BreakerRule, ConsentRule, VendorPlan
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import SuppressReason
from service.sanitize.routing import why_not
from service.vendors.registry import FORMS

ABSENT = object()


def plan(when_absent: str) -> VendorPlan:
    return VendorPlan(
        vendor=VendorName.GA4,
        topic="t",
        integration="Google Analytics 4",
        consent=ConsentRule("analytics", when_absent),  # type: ignore[arg-type]
        events=frozenset({"Signed Up"}),
        tracked={"Signed Up": ()},
        calls={CallType.PAGE: (), CallType.IDENTIFY: ()},
        key_purposes={},
        breaker=BreakerRule(10, 1000, None),
    )


def reason(
    body: JsonObject,
    call: CallType = CallType.TRACK,
    name: str | None = "Signed Up",
    when_absent: str = "allow",
) -> SuppressReason | None:
    the_plan = plan(when_absent)
    return why_not(Event(call, name, 0, body), the_plan, FORMS[the_plan.vendor])


def test_a_tracked_event_outside_of_the_policy_is_not_allowed() -> None:
    assert reason({}) is None
    assert reason({}, name="Signed up") is SuppressReason.EVENT_NOT_ALLOWED


def test_a_call_type_without_rules_or_without_a_form_is_suppressed() -> None:
    assert reason({}, call=CallType.PAGE, name=None) is None
    assert reason({}, call=CallType.SCREEN, name=None) is SuppressReason.CALL_TYPE  # not in the policy
    assert reason({}, call=CallType.IDENTIFY, name=None) is SuppressReason.CALL_TYPE  # ga4 has no form for it


@pytest.mark.parametrize(
    ("switches", "passes"),
    [
        (ABSENT, True),
        (None, True),
        ({}, True),
        ({"All": True}, True),
        ({"All": False}, False),
        ({"All": None}, False),
        ({"All": "true"}, False),
        ({"All": 1}, False),
        ({"All": {}}, True),
        ({"All": False, "Google Analytics 4": True}, True),
        ({"All": False, "Google Analytics 4": {"clientId": "x"}}, True),
        ({"All": True, "Google Analytics 4": False}, False),
        ({"Google Analytics 4": None}, False),
        ({"Google Analytics 4": "yes"}, False),
        ({"Google Analytics 4": []}, False),
        ({"Mixpanel": False}, True),
        # Another spelling may stop the event, but can't let it through.
        ({"google analytics 4": False}, False),
        ({"GoogleAnalytics4": False, "Google Analytics 4": True}, False),
        ({"All": False, "google analytics 4": True}, False),
        ({"all": False}, False),
        ({"All": True, "ALL": False}, False),
        ({"all": False, "Google Analytics 4": True}, True),
        ([], False),
        ("none", False),
    ],
)
def test_switches(switches: JsonValue, passes: bool) -> None:
    body: JsonObject = {} if switches is ABSENT else {"integrations": switches}
    assert (reason(body) is None) is passes
    assert reason(body) in (None, SuppressReason.INTEGRATION)


@pytest.mark.parametrize(
    ("context", "passes"),
    [
        ({}, True),
        ({"consent": {"categoryPreferences": {"analytics": True}}}, True),
        ({"consent": {"categoryPreferences": {"analytics": False}}}, False),
        ({"consent": {"categoryPreferences": {"analytics": "true"}}}, False),
        ({"consent": {"categoryPreferences": {"analytics": 1}}}, False),
        ({"consent": {"categoryPreferences": {"advertising": True}}}, False),
        ({"consent": {"categoryPreferences": {}}}, False),
        ({"consent": {"categoryPreferences": ["analytics"]}}, False),
        ({"consent": {}}, False),
        ({"consent": True}, False),
        ({"consent": None}, False),
    ],
)
def test_consent(context: JsonObject, passes: bool) -> None:
    assert (reason({"context": context}) is None) is passes
    assert reason({"context": context}) in (None, SuppressReason.CONSENT)


def test_absent_consent_follows_the_policy() -> None:
    bodies: list[JsonObject] = [{}, {"context": {}}, {"context": None}]
    for body in bodies:
        assert reason(body, when_absent="allow") is None
        assert reason(body, when_absent="deny") is SuppressReason.CONSENT


def test_the_switch_is_named_before_the_consent() -> None:
    body: JsonObject = {"integrations": {"All": False}, "context": {"consent": {}}}
    assert reason(body) is SuppressReason.INTEGRATION
