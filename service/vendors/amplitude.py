"""Amplitude: one event of the HTTP V2 and Batch APIs."""

from typing import ClassVar, Final, NamedTuple

from service.events.event import CallType
from service.events.json_value import JsonObject, JsonValue
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding, alphanumeric
from service.vendors.envelope import ENVELOPE_FIELDS, read_envelope
from service.vendors.form import SanitizedEvent, Shaped, ShapeReason, VendorForm
from service.vendors.payload_schema import PayloadSchema
from service.vendors.places import Places, cut, leaves

_MAX_STRING: Final = 1024
_MAX_BYTES: Final = 1_000_000
#: The name of the one kind of group that a `group` call can mean.
_GROUP_TYPE: Final = "group"

_EVENT_NAMES: Final = {
    CallType.IDENTIFY: "$identify",
    CallType.PAGE: "[Amplitude] Page Viewed",
    CallType.SCREEN: "[Amplitude] Screen Viewed",
    CallType.GROUP: "$groupidentify",
}

#: Fields that have a key of their own beside `event_properties`.
_TOP_LEVEL: Final = {
    "context.app.version": "app_version",
    "context.os.name": "os_name",
    "context.userAgent.os": "os_name",
    "context.location.country": "country",
    "context.location.region": "region",
    "context.locale": "language",
}

_PLACES: Final = Places(
    {
        "context.page.url": "[Amplitude] Page URL",
        "context.page.path": "[Amplitude] Page Path",
        "context.page.title": "[Amplitude] Page Title",
        "context.page.referrer": "referrer",
        "context.userAgent.browser": "browser",
        "context.userAgent.browser_version": "browser_version",
        "context.userAgent.os": "browser_os",
        "context.screen.width": "screen_width",
        "context.screen.height": "screen_height",
        "context.device.id": "device_id",
        "context.timezone": "timezone",
        "context.campaign.name": "utm_campaign",
        "context.campaign.source": "utm_source",
        "context.campaign.medium": "utm_medium",
        "context.campaign.term": "utm_term",
        "context.campaign.content": "utm_content",
    },
    reserved=frozenset(),
    reserved_prefixes=("$", "["),
)


class AmplitudeForm(VendorForm):
    """Amplitude's event form. It has none for alias: two ids are joined by an event that holds both."""

    vendor: ClassVar = VendorName.AMPLITUDE
    calls: ClassVar = frozenset(CallType) - {CallType.ALIAS}
    max_string: ClassVar = _MAX_STRING
    max_bytes: ClassVar = _MAX_BYTES
    #: Without it the old values would take the place of newer user properties (Amplitude, "HTTP V2 API").
    backfill_mark: ClassVar = b'"$skip_user_properties_sync":true'
    deduplicates_for: ClassVar = 7 * 86_400

    def __init__(self) -> None:
        self._schema = PayloadSchema(self.vendor, max_bytes=self.max_bytes)

    def encoding(self, data_class: str) -> Encoding:  # noqa: ARG002  (one form fits all its ids)
        return alphanumeric

    def shape(self, event: SanitizedEvent) -> Shaped | ShapeReason:
        envelope = read_envelope(event)
        if isinstance(envelope, ShapeReason):
            return envelope
        if envelope.timestamp < 0:
            return ShapeReason.TIMESTAMP_OUT_OF_RANGE
        name = event.name or _EVENT_NAMES[event.call]
        payload: JsonObject = {
            "event_type": name,
            "time": envelope.timestamp * 1000,
            "insert_id": envelope.event_id,
        }
        if envelope.user is not None:
            payload["user_id"] = envelope.user
        if envelope.device is not None:
            payload["device_id"] = envelope.device
        sections = _Sections({}, {}, {})
        for path, value in leaves(event.fields, ENVELOPE_FIELDS):
            if not _put(payload, sections, path, cut(value, _MAX_STRING), call=event.call):
                return ShapeReason.PAYLOAD_INVALID
        payload |= {name: section for name, section in sections._asdict().items() if section}
        return self._schema.check(payload, key=envelope.key, generated=frozenset({name}))


class _Sections(NamedTuple):
    """The property objects of an event."""

    event_properties: JsonObject
    user_properties: JsonObject
    group_properties: JsonObject


def _put(payload: JsonObject, sections: _Sections, path: str, value: JsonValue, *, call: CallType) -> bool:
    """Put a field into the payload or one of its sections; False if its place is taken."""
    if path == "groupId":
        payload["groups"] = {_GROUP_TYPE: value}
        return True
    top_level = _TOP_LEVEL.get(path)
    if top_level is not None and payload.setdefault(top_level, value) == value:
        return True
    if path.startswith("traits."):
        section = sections.group_properties if call is CallType.GROUP else sections.user_properties
    elif path.startswith("context.traits."):
        section = sections.user_properties
    else:
        section = sections.event_properties
    return _PLACES.put(section, path, value, call=call)
