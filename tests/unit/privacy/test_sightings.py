"""All vendors' records of one event are one sighting."""

import pytest

from service.events.event import CallType
from service.events.json_value import JsonValue
from service.policy.vendor_names import VendorName
from service.privacy.sightings import read
from tests.unit.privacy.vendor_data import DAY, Seen, pseudonym, record

TRACKED: dict[str, JsonValue] = {
    "context.page.path": "/keys",
    "context.page.title": "Keys",
    "context.page.referrer": "https://www.example.com/search?utm_source=x",
    "context.app.version": "4.7.2",
    "context.screen.width": 1400,
    "context.screen.height": 900,
    "context.location.country": "DE",
    "context.location.region": "Berlin",
    "context.locale": "de",
    "context.timezone": "Europe/Berlin",
    "context.campaign.name": "spring",
    "context.campaign.source": "newsletter",
    "context.campaign.medium": "email",
    "context.userAgent": {"browser": "Firefox", "browser_version": "143", "os": "Linux"},
    "properties.mfa": True,
    "properties.scopes": ["read", "write"],
    "properties.latency_ms": 1234,
    "properties.temperature": 0.5,
    "properties.billing_address.country": "FR",
    "properties.comment": "x" * 120,
    "context.traits.plan": "team",
}
SEEN = {
    "path": "/keys",
    "title": "Keys",
    "referrer": "/search",
    "app_version": "4.7.2",
    "screen_width": "1400",
    "screen_height": "900",
    "country": "DE",
    "region": "Berlin",
    "language": "de",
    "timezone": "Europe/Berlin",
    "utm_campaign": "spring",
    "utm_source": "newsletter",
    "utm_medium": "email",
    "browser": "Firefox",
    "browser_version": "143",
    "os": "Linux",
    "mfa": "true",
    "scopes": "read,write",
    "latency_ms": "1234",
    "temperature": "0.5",
    "billing_address_country": "FR",
    "comment": "x" * 100,
    "plan": "team",
}


@pytest.mark.parametrize("vendor", VendorName)
def test_a_tracked_event_is_the_same_sighting_from_every_vendor(vendor: VendorName) -> None:
    seen = record(vendor, Seen("ana", 61, "API Key Created", TRACKED))
    sighting = read(vendor, seen.payload)
    assert (sighting.event, sighting.second) == ("api_key_created", DAY + 61)
    assert {name: sighting.fields.get(name) for name in SEEN} == SEEN


@pytest.mark.parametrize("vendor", VendorName)
def test_a_page_call_is_the_same_sighting_from_every_vendor(vendor: VendorName) -> None:
    template = (
        "/keys/:id" if vendor in {VendorName.AMPLITUDE, VendorName.GA4} else "https://example.com/keys/:id"
    )
    seen = record(vendor, Seen("ana", 0, None, {"properties.url": template}, CallType.PAGE))
    sighting = read(vendor, seen.payload)
    assert sighting.event == "page"
    assert sighting.fields["url"] == "/keys/:id"


@pytest.mark.parametrize("call", [CallType.SCREEN, CallType.IDENTIFY, CallType.GROUP, CallType.ALIAS])
def test_other_calls_have_one_name(call: CallType) -> None:
    ids = {CallType.GROUP: "groupId", CallType.ALIAS: "previousId"}
    without = {CallType.ALIAS: {VendorName.AMPLITUDE, VendorName.GA4}, CallType.SCREEN: set()}
    vendors = set(VendorName) - without.get(call, {VendorName.GA4})

    def fields(vendor: VendorName) -> dict[str, JsonValue]:
        return {ids[call]: pseudonym(vendor, "other")} if call in ids else {}

    names = {
        read(vendor, record(vendor, Seen("ana", 0, None, fields(vendor), call)).payload).event
        for vendor in vendors
    }
    assert names == {call.value}
