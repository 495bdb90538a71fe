"""Amplitude's form."""

from service.events.event import CallType
from service.vendors.form import ShapeReason
from tests.reference.envelope import ENVELOPE, Envelope
from tests.reference.payload import Object, Transformed, Value, cut, leaves
from tests.reference.places import candidates, put, same

CALLS = frozenset(CallType) - {CallType.ALIAS}
LONGEST = 1024
MOST_BYTES = 1_000_000
TAKES_EVENT_ID = True

_NAMES = {
    CallType.IDENTIFY: "$identify",
    CallType.PAGE: "[Amplitude] Page Viewed",
    CallType.SCREEN: "[Amplitude] Screen Viewed",
    CallType.GROUP: "$groupidentify",
}
_TOP_LEVEL = {
    "context.app.version": "app_version",
    "context.os.name": "os_name",
    "context.userAgent.os": "os_name",
    "context.location.country": "country",
    "context.location.region": "region",
    "context.locale": "language",
}
_TABLE = {
    "context.page.url": ("[Amplitude] Page URL",),
    "context.page.path": ("[Amplitude] Page Path",),
    "context.page.title": ("[Amplitude] Page Title",),
    "context.page.referrer": ("referrer",),
    "context.userAgent.browser": ("browser",),
    "context.userAgent.browser_version": ("browser_version",),
    "context.userAgent.os": ("browser_os",),
    "context.screen.width": ("screen_width",),
    "context.screen.height": ("screen_height",),
    "context.device.id": ("device_id",),
    "context.timezone": ("timezone",),
    "context.campaign.name": ("utm_campaign",),
    "context.campaign.source": ("utm_source",),
    "context.campaign.medium": ("utm_medium",),
    "context.campaign.term": ("utm_term",),
    "context.campaign.content": ("utm_content",),
}


def shape(event: Transformed, envelope: Envelope) -> Object | ShapeReason:
    """The payload, or why there is none."""
    if envelope.seconds < 0:
        return ShapeReason.TIMESTAMP_OUT_OF_RANGE
    payload: Object = {
        "event_type": event.name or _NAMES[event.call],
        "time": envelope.seconds * 1000,
        "insert_id": envelope.event_id,
    }
    if envelope.user is not None:
        payload["user_id"] = envelope.user
    if envelope.device is not None:
        payload["device_id"] = envelope.device
    sections: dict[str, Object] = {"event_properties": {}, "user_properties": {}, "group_properties": {}}
    for path, value in event.fields.items():
        if path in ENVELOPE:
            continue
        for leaf, part in leaves(path, value):
            if not _put(payload, sections, leaf, cut(part, LONGEST), event.call):
                return ShapeReason.PAYLOAD_INVALID
    for name, section in sections.items():
        if section:
            payload[name] = section
    return payload


def _put(payload: Object, sections: dict[str, Object], path: str, value: Value, call: CallType) -> bool:
    if path == "groupId":
        payload["groups"] = {"group": value}
        return True
    if path in _TOP_LEVEL:
        name = _TOP_LEVEL[path]
        if name not in payload:
            payload[name] = value
        if same(payload[name], value):
            return True
    if path.startswith("traits."):
        section = "group_properties" if call is CallType.GROUP else "user_properties"
    elif path.startswith("context.traits."):
        section = "user_properties"
    else:
        section = "event_properties"
    return put(sections[section], candidates(path, call, table=_TABLE, prefixes=("$", "[")), value)
