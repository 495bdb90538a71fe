"""PostHog's form."""

from service.events.event import CallType
from service.events.timestamps import format_timestamp
from service.vendors.form import ShapeReason
from tests.reference.envelope import ENVELOPE, Envelope
from tests.reference.payload import Object, Transformed, cut, leaves
from tests.reference.places import candidates, put

CALLS = frozenset(CallType)
LONGEST = 8192
MOST_BYTES = 1_000_000
TAKES_EVENT_ID = True

_NAMES = {
    CallType.IDENTIFY: "identify",
    CallType.PAGE: "$pageview",
    CallType.SCREEN: "$screen",
    CallType.GROUP: "group",
    CallType.ALIAS: "alias",
}
_TABLE = {
    "groupId": ("group_id",),
    "previousId": ("previous_id",),
    "context.page.url": ("$current_url",),
    "context.page.path": ("$pathname",),
    "context.page.title": ("title",),
    "context.page.referrer": ("$referrer",),
    "context.userAgent.browser": ("$browser",),
    "context.userAgent.browser_version": ("$browser_version",),
    "context.userAgent.os": ("$os", "browser_os"),
    "context.os.name": ("$os",),
    "context.app.version": ("$app_version",),
    "context.screen.width": ("$screen_width",),
    "context.screen.height": ("$screen_height",),
    "context.device.id": ("device_id",),
    "context.location.country": ("$geoip_country_code",),
    "context.locale": ("$browser_language_prefix",),
    "context.timezone": ("$timezone",),
    "context.campaign.name": ("utm_campaign",),
    "context.campaign.source": ("utm_source",),
    "context.campaign.medium": ("utm_medium",),
    "context.campaign.term": ("utm_term",),
    "context.campaign.content": ("utm_content",),
}
_RESERVED = frozenset({"distinct_id", "token"})


def shape(event: Transformed, envelope: Envelope) -> Object | ShapeReason:
    """The payload, or why there is none."""
    properties: Object = {"$geoip_disable": True, "$process_person_profile": False}
    if envelope.device is not None:
        properties["$device_id"] = envelope.device
    for path, value in event.fields.items():
        if path in ENVELOPE:
            continue
        for leaf, part in leaves(path, value):
            names = candidates(leaf, event.call, table=_TABLE, reserved=_RESERVED, prefixes=("$",))
            if not put(properties, names, cut(part, LONGEST)):
                return ShapeReason.PAYLOAD_INVALID
    return {
        "event": event.name or _NAMES[event.call],
        "distinct_id": envelope.key,
        "timestamp": format_timestamp(envelope.seconds),
        "uuid": envelope.event_id,
        "properties": properties,
    }
