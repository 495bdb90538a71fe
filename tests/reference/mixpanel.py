"""Mixpanel's form."""

from service.events.event import CallType
from service.vendors.form import ShapeReason
from tests.reference.envelope import ENVELOPE, Envelope
from tests.reference.payload import Object, Transformed, Value, cut, leaves
from tests.reference.places import candidates, put

CALLS = frozenset(CallType)
LONGEST = 255
MOST_BYTES = 1_000_000
TAKES_EVENT_ID = True

_NAMES = {
    CallType.IDENTIFY: "$identify",
    CallType.PAGE: "$mp_web_page_view",
    CallType.SCREEN: "Screen Viewed",
    CallType.GROUP: "Group",
    CallType.ALIAS: "$create_alias",
}
_TABLE = {
    "groupId": ("group_id",),
    "context.page.url": ("$current_url",),
    "context.page.path": ("current_url_path",),
    "context.page.title": ("current_page_title",),
    "context.page.referrer": ("$referrer",),
    "context.userAgent.browser": ("$browser",),
    "context.userAgent.browser_version": ("$browser_version",),
    "context.userAgent.os": ("$os", "browser_os"),
    "context.os.name": ("$os",),
    "context.app.version": ("$app_version_string",),
    "context.screen.width": ("$screen_width",),
    "context.screen.height": ("$screen_height",),
    "context.device.id": ("device_id",),
    "context.location.country": ("mp_country_code",),
    "context.locale": ("language",),
    "context.timezone": ("timezone",),
    "context.campaign.name": ("utm_campaign",),
    "context.campaign.source": ("utm_source",),
    "context.campaign.medium": ("utm_medium",),
    "context.campaign.term": ("utm_term",),
    "context.campaign.content": ("utm_content",),
}
_RESERVED = frozenset({"time", "distinct_id", "alias", "ip", "token"})


def shape(event: Transformed, envelope: Envelope) -> Object | ShapeReason:
    """The payload, or why there is none."""
    if envelope.seconds < 31_536_000:  # 1971
        return ShapeReason.TIMESTAMP_OUT_OF_RANGE
    properties: Object = {
        "time": envelope.seconds,
        "distinct_id": envelope.user or f"$device:{envelope.device}",
        "$insert_id": envelope.event_id,
        "ip": 0,
    }
    if envelope.device is not None:
        properties["$device_id"] = envelope.device
    if envelope.user is not None:
        properties["$user_id"] = envelope.user
    if event.call is CallType.ALIAS:
        properties["distinct_id"] = event.fields["previousId"].json  # type: ignore[assignment]  # a text
        properties["alias"] = envelope.user
    for path, value in event.fields.items():
        if path in ENVELOPE or path == "previousId":
            continue
        for leaf, part in leaves(path, value):
            if not _put(properties, leaf, cut(part, LONGEST), event.call):
                return ShapeReason.PAYLOAD_INVALID
    return {"event": event.name or _NAMES[event.call], "properties": properties}


def _put(properties: Object, path: str, value: Value, call: CallType) -> bool:
    names = candidates(path, call, table=_TABLE, reserved=_RESERVED, prefixes=("$", "mp_"))
    return put(properties, names, value)
