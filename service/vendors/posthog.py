"""PostHog: one item of the `batch` list of `/batch`."""

from collections.abc import Sequence
from typing import ClassVar, Final

from service.events.event import CallType
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding, alphanumeric, uuid8
from service.vendors.envelope import ENVELOPE_FIELDS, read_envelope
from service.vendors.form import ShapeReason, VendorForm
from service.vendors.layout import AS_IT_IS, DATE_TIME, Layout, Leaf, Same, Slot, Tree, cut_to
from service.vendors.places import Places, slots

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
    conversions: ClassVar = frozenset({cut_to(_MAX_STRING)})
    max_string: ClassVar = _MAX_STRING
    max_bytes: ClassVar = _MAX_BYTES
    #: A member of the request's body: whoever batches the events lifts it from each to the whole.
    backfill_mark: ClassVar = b'"historical_migration":true'

    def encoding(self, data_class: str) -> Encoding:
        return uuid8 if data_class == "identifier.event" else alphanumeric

    def layout(
        self, call: CallType, name: str | None, leaves: Sequence[Leaf], same: Same
    ) -> Layout | ShapeReason:
        envelope = read_envelope(call, leaves)
        if isinstance(envelope, ShapeReason):
            return envelope
        properties: Tree = {
            "$geoip_disable": True,  # without it PostHog locates whoever sends the request
            "$process_person_profile": False,
        }
        if envelope.device is not None:
            properties["$device_id"] = envelope.device
        for path, slot in slots(leaves, ENVELOPE_FIELDS, cut_to(_MAX_STRING)):
            if not _PLACES.put(properties, path, slot, call=call, same=same):
                return ShapeReason.PAYLOAD_INVALID
        payload: Tree = {
            "event": name or _EVENT_NAMES[call],
            "distinct_id": Slot(envelope.key, AS_IT_IS, leaves[envelope.key].closed),
            "timestamp": envelope.timestamp(DATE_TIME),
            "uuid": envelope.event_id,
            "properties": properties,
        }
        return Layout(payload, envelope.key)
