"""The shipped policy against the table it implements, written down here once more by hand.

Rows are fields, columns the vendors in the order mixpanel, amplitude, posthog, segment, ga4. The words are
short for actions; a field of no row must be dropped for all.
"""

from collections.abc import Iterator

import pytest

from service.events.event import CallType
from service.policy.action_specs import (
    ActionSpec,
    BrowserFamily,
    Country,
    EmailDomainClass,
    IpPrefix,
    Keep,
    Language,
    NumberBucket,
    Pseudonymize,
    Region,
    ScreenBucket,
    Scrub,
    TimeUnit,
    UrlPath,
    UrlTemplate,
    YearBand,
)
from service.policy.plan import CompiledPolicy, ConsentRule, FieldRule, VendorPlan
from service.policy.vendor_names import VendorName
from service.vendors.registry import FORMS

BUCKETS = NumberBucket(bounds=(1, 11, 51, 201, 1001, 5001))
ACTIONS: dict[str, ActionSpec] = {
    "keep": Keep(),
    "pseudonym": Pseudonymize(),
    "scrub": Scrub(),
    "second": TimeUnit(unit="second"),
    "domain": EmailDomainClass(),
    "url": UrlTemplate(),
    "path": UrlPath(),
    "ip": IpPrefix(v4=24, v6=48),
    "country": Country(),
    "region": Region(),
    "browser": BrowserFamily(),
    "language": Language(),
    "100px": ScreenBucket(step=100),
    "bucket": BUCKETS,
    "decade": YearBand(years=10),
}

PSEUDONYM = "pseudonym pseudonym pseudonym pseudonym pseudonym"
KEEP = "keep keep keep keep keep"
DOMAIN = "domain - domain - -"
URL = "url path url url path"
PATH = "path path path path path"
COUNTRY = "country country country country country"
CAMPAIGN = "scrub scrub scrub scrub scrub"
TEXT = "scrub - scrub scrub -"

COMMON = {
    "userId": PSEUDONYM,
    "anonymousId": PSEUDONYM,
    "groupId": PSEUDONYM,
    "messageId": "pseudonym pseudonym pseudonym pseudonym -",
    "timestamp": "second second second second second",
    "context.device.id": PSEUDONYM,
    "context.ip": "- - - ip -",
    "context.userAgent": "browser browser browser browser -",
    "context.locale": "language language language language language",
    "context.timezone": "- - keep - -",
    "context.os.name": "keep keep keep keep -",
    "context.app.version": "keep keep keep keep -",
    "context.screen.width": "100px 100px 100px 100px -",
    "context.screen.height": "100px 100px 100px 100px -",
    "context.location.country": COUNTRY,
    "context.location.region": "- region - - -",
    "context.page.url": URL,
    "context.page.path": PATH,
    "context.page.referrer": URL,
    "context.page.title": TEXT,
    "context.campaign.name": CAMPAIGN,
    "context.campaign.source": CAMPAIGN,
    "context.campaign.medium": CAMPAIGN,
    "context.campaign.term": CAMPAIGN,
    "context.campaign.content": CAMPAIGN,
    # The only way for ga4 to get the plan trait: it takes no identify call.
    "context.traits.plan": KEEP,
}
EVENTS = {
    "Signed Up": {
        "properties.method": KEEP,
        "properties.plan": KEEP,
        "properties.invited_by": DOMAIN,
    },
    "Logged In": {"properties.method": KEEP, "properties.mfa": KEEP},
    "API Key Created": {"properties.key_name": TEXT, "properties.scopes": KEEP},
    "Usage Viewed": {
        "properties.range_days": KEEP,
        "properties.project_id": PSEUDONYM,
        "properties.models": KEEP,
    },
    "Playground Run": {
        "properties.model": KEEP,
        "properties.prompt_tokens": KEEP,
        "properties.completion_tokens": KEEP,
        "properties.latency_ms": KEEP,
        "properties.temperature": KEEP,
    },
    "Search Performed": {
        "properties.query": "scrub scrub scrub scrub -",
        "properties.results": KEEP,
    },
    "Feedback Submitted": {
        "properties.rating": KEEP,
        "properties.comment": TEXT,
        "properties.contact_email": DOMAIN,
    },
    "Support Ticket Opened": {
        "properties.subject": TEXT,
        "properties.body": "- - scrub scrub -",
        "properties.priority": KEEP,
        "properties.category": KEEP,
    },
    "Plan Changed": {
        "properties.from_plan": KEEP,
        "properties.to_plan": KEEP,
        "properties.seats": KEEP,
        "properties.amount": KEEP,
        "properties.currency": KEEP,
        "properties.billing_address.country": COUNTRY,
    },
    "Invite Sent": {
        "properties.invitee_email": DOMAIN,
        "properties.role": KEEP,
        "properties.team_name": TEXT,
    },
    "Error Shown": {
        "properties.code": KEEP,
        "properties.message": "scrub scrub scrub scrub -",
        "properties.stack": "- - scrub - -",
        "properties.url": URL,
    },
    "File Uploaded": {
        "properties.file_name": TEXT,
        "properties.size_bytes": KEEP,
        "properties.mime": KEEP,
    },
}
PAGE = {
    "properties.url": URL,
    "properties.path": PATH,
    "properties.title": TEXT,
    "properties.referrer": URL,
}
TRAITS = {
    "traits.plan": KEEP,
    "traits.seats": "bucket bucket bucket bucket -",
    "traits.employees": "bucket bucket bucket bucket -",
    "traits.company_size": "bucket bucket bucket bucket -",
    "traits.industry": "keep keep keep keep -",
    "traits.language": "language language language language -",
    "traits.birthday": "decade - decade - -",
    "traits.age": "decade - decade - -",
    "traits.job_title": "- - scrub - -",
    "traits.company": "pseudonym - pseudonym pseudonym -",
    "traits.address.country": COUNTRY,
}
# A vendor that has no form for a call gets nothing of it, whatever the row says.
CALLS = {
    CallType.PAGE: PAGE,
    CallType.SCREEN: PAGE,
    CallType.IDENTIFY: {**TRAITS, **{f"context.{dotted}": row for dotted, row in TRAITS.items()}},
    CallType.GROUP: {
        "traits.name": "pseudonym - pseudonym pseudonym -",
        "traits.plan": KEEP,
        "traits.seats": "bucket bucket bucket bucket -",
        "traits.employees": "bucket bucket bucket bucket -",
        "traits.company_size": "bucket bucket bucket bucket -",
        "traits.industry": "keep keep keep keep -",
    },
    CallType.ALIAS: {"previousId": PSEUDONYM},
}
CALLS_OF = {
    VendorName.MIXPANEL: {"page", "screen", "identify", "group", "alias"},
    VendorName.AMPLITUDE: {"page", "screen", "identify", "group"},
    VendorName.POSTHOG: {"page", "screen", "identify", "group", "alias"},
    VendorName.SEGMENT: {"page", "screen", "identify", "group", "alias"},
    VendorName.GA4: {"page", "screen"},
}


def column(rows: dict[str, str], vendor: VendorName) -> dict[str, ActionSpec]:
    index = list(VendorName).index(vendor)
    cells = {dotted: row.split()[index] for dotted, row in rows.items()}
    return {dotted: ACTIONS[cell] for dotted, cell in cells.items() if cell != "-"}


def as_compiled(rules: tuple[FieldRule, ...]) -> dict[str, ActionSpec]:
    return {rule.dotted: rule.spec for rule in rules}


@pytest.fixture(params=list(VendorName), ids=str)
def plan(request: pytest.FixtureRequest, reference: CompiledPolicy) -> VendorPlan:
    return next(plan for plan in reference.vendors if plan.vendor is request.param)


def all_rules(plan: VendorPlan) -> Iterator[FieldRule]:
    for rules in (*plan.tracked.values(), *plan.calls.values()):
        yield from rules


def test_every_row_of_the_table_has_a_cell_for_each_vendor() -> None:
    for rows in (COMMON, *EVENTS.values(), *CALLS.values()):
        assert {len(row.split()) for row in rows.values()} == {len(VendorName)}


@pytest.mark.parametrize("event", EVENTS)
def test_tracked_events_follow_the_table(plan: VendorPlan, event: str) -> None:
    assert as_compiled(plan.tracked[event]) == column({**COMMON, **EVENTS[event]}, plan.vendor)


def test_no_other_event_is_allowed(plan: VendorPlan) -> None:
    assert plan.events == plan.tracked.keys() == EVENTS.keys()


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_other_calls_follow_the_table(plan: VendorPlan, call: CallType) -> None:
    if call not in CALLS_OF[plan.vendor]:
        assert plan.rules(call, None) is None
    else:
        assert as_compiled(plan.calls[call]) == column({**COMMON, **CALLS[call]}, plan.vendor)


def test_routing_is_as_the_tracking_plan_says(plan: VendorPlan) -> None:
    names = ["Mixpanel", "Amplitude", "PostHog", "Segment", "Google Analytics 4"]
    assert plan.topic == f"vendor.{plan.vendor}.events"
    assert plan.integration == names[list(VendorName).index(plan.vendor)]
    assert plan.consent == ConsentRule("analytics", "allow")


def test_a_vendor_is_allowed_only_calls_it_has_a_form_for(plan: VendorPlan) -> None:
    assert plan.calls.keys() <= FORMS[plan.vendor].calls


def test_every_pseudonym_has_a_key_purpose_of_its_class(plan: VendorPlan) -> None:
    for rule in all_rules(plan):
        wanted = plan.key_purposes[rule.data_class] if isinstance(rule.spec, Pseudonymize) else None
        assert rule.key_purpose == wanted


def test_identity_values_are_known_from_fields_that_no_vendor_gets(reference: CompiledPolicy) -> None:
    paths = {".".join(field.path) for field in reference.identity_fields}
    assert {
        "userId", "anonymousId", "groupId", "previousId", "context.device.id", "context.device.token",
        "context.device.advertisingId", "context.traits.name", "context.traits.email",
        "context.traits.phone", "context.traits.username", "traits.first_name", "traits.last_name",
        "traits.email", "traits.phone", "traits.username", "properties.invitee_email",
        "properties.contact_email", "properties.invited_by", "properties.key_prefix",
    } <= paths  # fmt: skip


def test_what_names_nobody_is_no_identity_value(reference: CompiledPolicy) -> None:
    """A company, a country or a plan must stay in texts: alone they name nobody."""
    classes = {field.data_class for field in reference.identity_fields}
    assert not classes & {"organization.name", "location.country", "category", "measure", "time"}
