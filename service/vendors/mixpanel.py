"""Mixpanel: one event of `/import`, for projects on Simplified ID Merge (docs/vendors.md)."""

from typing import ClassVar, Final

from service.events.event import CallType
from service.events.json_value import JsonObject
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding, alphanumeric
from service.vendors.envelope import ENVELOPE_FIELDS, read_envelope
from service.vendors.form import SanitizedEvent, Shaped, ShapeReason, VendorForm
from service.vendors.payload_schema import PayloadSchema
from service.vendors.places import Places, cut, leaves

_MAX_STRING: Final = 255
_MAX_BYTES: Final = 1_000_000
_YEAR_1971: Final = 31_536_000

_EVENT_NAMES: Final = {
    CallType.IDENTIFY: "$identify",
    CallType.PAGE: "$mp_web_page_view",
    CallType.SCREEN: "Screen Viewed",
    CallType.GROUP: "Group",
    CallType.ALIAS: "$create_alias",
}

_PLACES: Final = Places(
    {
        "groupId": "group_id",
        "context.page.url": "$current_url",
        "context.page.path": "current_url_path",
        "context.page.title": "current_page_title",
        "context.page.referrer": "$referrer",
        "context.userAgent.browser": "$browser",
        "context.userAgent.browser_version": "$browser_version",
        "context.userAgent.os": ("$os", "browser_os"),
        "context.os.name": "$os",
        "context.app.version": "$app_version_string",
        "context.screen.width": "$screen_width",
        "context.screen.height": "$screen_height",
        "context.device.id": "device_id",
        "context.location.country": "mp_country_code",
        "context.locale": "language",
        "context.timezone": "timezone",
        "context.campaign.name": "utm_campaign",
        "context.campaign.source": "utm_source",
        "context.campaign.medium": "utm_medium",
        "context.campaign.term": "utm_term",
        "context.campaign.content": "utm_content",
    },
    reserved=frozenset({"time", "distinct_id", "alias", "ip", "token"}),
    reserved_prefixes=("$", "mp_"),
)


class MixpanelForm(VendorForm):
    """Mixpanel's `/import` form: {event, properties}."""

    vendor: ClassVar = VendorName.MIXPANEL
    calls: ClassVar = frozenset(CallType)
    max_string: ClassVar = _MAX_STRING
    max_bytes: ClassVar = _MAX_BYTES

    def __init__(self) -> None:
        self._schema = PayloadSchema(self.vendor, max_bytes=self.max_bytes)

    def encoding(self, data_class: str) -> Encoding:  # noqa: ARG002  (one form fits all its ids)
        return alphanumeric

    def shape(self, event: SanitizedEvent) -> Shaped | ShapeReason:
        envelope = read_envelope(event)
        if isinstance(envelope, ShapeReason):
            return envelope
        if envelope.timestamp < _YEAR_1971:
            return ShapeReason.TIMESTAMP_OUT_OF_RANGE
        # Simplified ID Merge: the user's id, else the device's with this prefix; an event with both merges.
        distinct_id = envelope.user or f"$device:{envelope.device}"
        properties: JsonObject = {
            "time": envelope.timestamp,
            "distinct_id": distinct_id,
            "$insert_id": envelope.event_id,
            "ip": 0,  # without it Mixpanel locates whoever sends the request
        }
        if envelope.device is not None:
            properties["$device_id"] = envelope.device
        if envelope.user is not None:
            properties["$user_id"] = envelope.user
        if event.call is CallType.ALIAS:  # of a new id to one that was in use before
            properties["distinct_id"] = event.fields["previousId"]
            properties["alias"] = envelope.user
        for path, value in leaves(event.fields, ENVELOPE_FIELDS | {"previousId"}):
            if not _PLACES.put(properties, path, cut(value, _MAX_STRING), call=event.call):
                return ShapeReason.PAYLOAD_INVALID
        name = event.name or _EVENT_NAMES[event.call]
        payload: JsonObject = {"event": name, "properties": properties}
        return self._schema.check(payload, key=envelope.key, generated=frozenset({name, distinct_id}))
