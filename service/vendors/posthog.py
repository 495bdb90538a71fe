"""PostHog: one item of the `batch` list of `/batch`."""

from typing import ClassVar, Final

from service.events.event import CallType
from service.events.json_value import JsonObject
from service.events.timestamps import format_timestamp
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding, alphanumeric, uuid8
from service.vendors.envelope import ENVELOPE_FIELDS, read_envelope
from service.vendors.form import SanitizedEvent, Shaped, ShapeReason, VendorForm
from service.vendors.payload_schema import PayloadSchema
from service.vendors.places import Places, cut, leaves

#: PostHog documents no length; a text beyond this many characters is cut so that it can't cost the event.
_MAX_STRING: Final = 8192
_MAX_BYTES: Final = 1_000_000

# identify, group and alias have plain names: with `$process_person_profile: false`, PostHog drops events that
# are called `$identify`, `$groupidentify` or `$create_alias`, as docs/vendors.md explains.
_EVENT_NAMES: Final = {
    CallType.IDENTIFY: "identify",
    CallType.PAGE: "$pageview",
    CallType.SCREEN: "$screen",
    CallType.GROUP: "group",
    CallType.ALIAS: "alias",
}

_PLACES: Final = Places(
    {
        "groupId": "group_id",
        "previousId": "previous_id",
        "context.page.url": "$current_url",
        "context.page.path": "$pathname",
        "context.page.title": "title",
        "context.page.referrer": "$referrer",
        "context.userAgent.browser": "$browser",
        "context.userAgent.browser_version": "$browser_version",
        "context.userAgent.os": ("$os", "browser_os"),
        "context.os.name": "$os",
        "context.app.version": "$app_version",
        "context.screen.width": "$screen_width",
        "context.screen.height": "$screen_height",
        "context.device.id": "device_id",
        "context.location.country": "$geoip_country_code",
        "context.locale": "$browser_language_prefix",
        "context.timezone": "$timezone",
        "context.campaign.name": "utm_campaign",
        "context.campaign.source": "utm_source",
        "context.campaign.medium": "utm_medium",
        "context.campaign.term": "utm_term",
        "context.campaign.content": "utm_content",
    },
    reserved=frozenset({"distinct_id", "token"}),
    reserved_prefixes=("$",),
)


class PostHogForm(VendorForm):
    """PostHog's event form, always without a person profile."""

    vendor: ClassVar = VendorName.POSTHOG
    calls: ClassVar = frozenset(CallType)
    max_string: ClassVar = _MAX_STRING
    max_bytes: ClassVar = _MAX_BYTES
    #: A member of the request's body: whoever batches the events lifts it from each to the whole.
    backfill_mark: ClassVar = b'"historical_migration":true'

    def __init__(self) -> None:
        self._schema = PayloadSchema(self.vendor, max_bytes=self.max_bytes)

    def encoding(self, data_class: str) -> Encoding:
        return uuid8 if data_class == "identifier.event" else alphanumeric

    def shape(self, event: SanitizedEvent) -> Shaped | ShapeReason:
        envelope = read_envelope(event)
        if isinstance(envelope, ShapeReason):
            return envelope
        timestamp = format_timestamp(envelope.timestamp)
        properties: JsonObject = {
            "$geoip_disable": True,  # without it PostHog locates whoever sends the request
            "$process_person_profile": False,
        }
        if envelope.device is not None:
            properties["$device_id"] = envelope.device
        for path, value in leaves(event.fields, ENVELOPE_FIELDS):
            if not _PLACES.put(properties, path, cut(value, _MAX_STRING), call=event.call):
                return ShapeReason.PAYLOAD_INVALID
        name = event.name or _EVENT_NAMES[event.call]
        payload: JsonObject = {
            "event": name,
            "distinct_id": envelope.key,
            "timestamp": timestamp,
            "uuid": envelope.event_id,
            "properties": properties,
        }
        return self._schema.check(payload, key=envelope.key, generated=frozenset({name, timestamp}))
