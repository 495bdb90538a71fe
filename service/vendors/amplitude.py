"""Amplitude: one event of the HTTP V2 and Batch APIs."""

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from service.events.event import CallType
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding, alphanumeric
from service.vendors.envelope import ENVELOPE_FIELDS, read_envelope
from service.vendors.form import ShapeReason, VendorForm
from service.vendors.layout import MILLISECONDS, Layout, Leaf, Nature, Same, Slot, Tree, cut_to
from service.vendors.places import Places, slots

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
    conversions: ClassVar = frozenset({cut_to(_MAX_STRING)})
    max_string: ClassVar = _MAX_STRING
    max_bytes: ClassVar = _MAX_BYTES
    #: Without it the old values would take the place of newer user properties (Amplitude, "HTTP V2 API").
    backfill_mark: ClassVar = b'"$skip_user_properties_sync":true'
    deduplicates_for: ClassVar = 7 * 86_400

    def encoding(self, data_class: str) -> Encoding:  # noqa: ARG002  (one form fits all its ids)
        return alphanumeric

    def layout(
        self, call: CallType, name: str | None, leaves: Sequence[Leaf], same: Same
    ) -> Layout | ShapeReason:
        envelope = read_envelope(call, leaves)
        if isinstance(envelope, ShapeReason):
            return envelope
        if envelope.nature is Nature.TIME_BEFORE_1970:
            return ShapeReason.TIMESTAMP_OUT_OF_RANGE
        payload: Tree = {
            "event_type": name or _EVENT_NAMES[call],
            "time": envelope.timestamp(MILLISECONDS),
            "insert_id": envelope.event_id,
        }
        if envelope.user is not None:
            payload["user_id"] = envelope.user
        if envelope.device is not None:
            payload["device_id"] = envelope.device
        sections = _Sections({}, {}, {})
        for path, slot in slots(leaves, ENVELOPE_FIELDS, cut_to(_MAX_STRING)):
            if not _put(payload, sections, path, slot, call=call, same=same):
                return ShapeReason.PAYLOAD_INVALID
        payload |= {section: tree for section, tree in sections._asdict().items() if tree}
        return Layout(payload, envelope.key)


class _Sections(NamedTuple):
    """The property objects of an event."""

    event_properties: Tree
    user_properties: Tree
    group_properties: Tree


def _put(payload: Tree, sections: _Sections, path: str, slot: Slot, *, call: CallType, same: Same) -> bool:
    """Put a field into the payload or one of its sections; False if its place is taken."""
    if path == "groupId":
        payload["groups"] = {_GROUP_TYPE: slot}
        return True
    top_level = _TOP_LEVEL.get(path)
    if top_level is not None and (
        payload.setdefault(top_level, slot) is slot or same(payload[top_level], slot)
    ):
        return True
    if path.startswith("traits."):
        section = sections.group_properties if call is CallType.GROUP else sections.user_properties
    elif path.startswith("context.traits."):
        section = sections.user_properties
    else:
        section = sections.event_properties
    return _PLACES.put(section, path, slot, call=call, same=same)
