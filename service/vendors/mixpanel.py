"""Mixpanel: one event of `/import`, for projects on Simplified ID Merge (docs/vendors.md)."""

from collections.abc import Sequence
from typing import ClassVar, Final

from service.events.event import CallType
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding, alphanumeric
from service.vendors.envelope import ENVELOPE_FIELDS, read_envelope
from service.vendors.form import ShapeReason, VendorForm
from service.vendors.layout import SECONDS, Conversion, Layout, Leaf, Nature, Same, Tree, cut_to
from service.vendors.places import Places, slots

_MAX_STRING: Final = 255
_MAX_BYTES: Final = 1_000_000
#: How Mixpanel's Simplified ID Merge tells a device's id from a user's.
_AS_DEVICE: Final = Conversion("with $device: in front", lambda device: f"$device:{device}")

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
    conversions: ClassVar = frozenset({cut_to(_MAX_STRING)})
    max_string: ClassVar = _MAX_STRING
    max_bytes: ClassVar = _MAX_BYTES

    def encoding(self, data_class: str) -> Encoding:  # noqa: ARG002  (one form fits all its ids)
        return alphanumeric

    def layout(
        self, call: CallType, name: str | None, leaves: Sequence[Leaf], same: Same
    ) -> Layout | ShapeReason:
        envelope = read_envelope(call, leaves)
        if isinstance(envelope, ShapeReason):
            return envelope
        if envelope.nature is not Nature.TIME:  # Mixpanel takes nothing from before 1971
            return ShapeReason.TIMESTAMP_OUT_OF_RANGE
        # Simplified ID Merge: the user's id, else the device's with a prefix; an event with both merges.
        distinct_id = envelope.user
        if distinct_id is None:
            assert envelope.device is not None
            distinct_id = envelope.device._replace(conversion=_AS_DEVICE)
        properties: Tree = {
            "time": envelope.timestamp(SECONDS),
            "distinct_id": distinct_id,
            "$insert_id": envelope.event_id,
            "ip": 0,  # without it Mixpanel locates whoever sends the request
        }
        if envelope.device is not None:
            properties["$device_id"] = envelope.device
        if envelope.user is not None:
            properties["$user_id"] = envelope.user
        if call is CallType.ALIAS:  # of a new id to one that was in use before
            assert envelope.previous is not None
            assert envelope.user is not None  # read_envelope has seen to both
            properties["distinct_id"] = envelope.previous
            properties["alias"] = envelope.user
        for path, slot in slots(leaves, ENVELOPE_FIELDS | {"previousId"}, cut_to(_MAX_STRING)):
            if not _PLACES.put(properties, path, slot, call=call, same=same):
                return ShapeReason.PAYLOAD_INVALID
        return Layout({"event": name or _EVENT_NAMES[call], "properties": properties}, envelope.key)
