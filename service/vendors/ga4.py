"""Google Analytics 4: one request body of the Measurement Protocol, holding one event."""

import re
from collections.abc import Sequence
from typing import ClassVar, Final

import orjson

from service.events.event import CallType
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding, alphanumeric, number_pair, number_pair_of
from service.vendors.envelope import ENVELOPE_FIELDS, Envelope, read_envelope
from service.vendors.form import ShapeReason, VendorForm
from service.vendors.layout import (
    AS_IT_IS,
    MEDIUM,
    MICROSECONDS,
    SHORT,
    Conversion,
    Layout,
    Leaf,
    Nature,
    Same,
    Slot,
    Tree,
    text_or_number,
)
from service.vendors.places import Places, slots

_MAX_NAME: Final = 40
_MAX_USER_PROPERTY_NAME: Final = 24
_MAX_BYTES: Final = 130_000
#: Seconds after which Google gives an event the time of its arrival.
_OLDEST: Final = 72 * 3600

_AS_CLIENT_ID: Final = Conversion("as a pair of numbers", lambda user: number_pair_of(str(user)))

_EVENT_NAMES: Final = {CallType.PAGE: "page_view", CallType.SCREEN: "screen_view"}

#: Prefixes and user properties that Google keeps for itself; its event names are in the schema.
_RESERVED_PREFIXES: Final = ("google_", "ga_", "firebase_", "gtag_")
_RESERVED_USER_PROPERTIES: Final = frozenset(
    {
        "first_open_after_install",
        "first_open_time",
        "first_visit_time",
        "last_deep_link_referrer",
        "user_id",
    }
)

_NOT_IN_ALPHABET: Final = re.compile(r"[^a-z0-9]+")


def _spell(name: str) -> str:
    """A name in Google's alphabet: `Signed Up` is `signed_up`, `billing_address.country` has underscores."""
    name = _NOT_IN_ALPHABET.sub("_", name.lower()).strip("_")
    return (name if name[:1].isalpha() else f"x_{name}")[:_MAX_NAME]


_PARAMS: Final = Places(
    {
        "groupId": "group_id",
        "context.page.url": "page_location",
        "context.page.path": "page_path",
        "context.page.title": "page_title",
        "context.page.referrer": "page_referrer",
        "context.userAgent.browser": "browser",
        "context.userAgent.browser_version": "browser_version",
        "context.userAgent.os": ("operating_system", "browser_os"),
        "context.os.name": "operating_system",
        "context.app.version": "app_version",
        "context.screen.width": "screen_width",
        "context.screen.height": "screen_height",
        "context.device.id": "device_id",
        "context.location.region": "region",
        "context.locale": "language",
        "context.timezone": "timezone",
        "context.campaign.name": "campaign",
        "context.campaign.source": "source",
        "context.campaign.medium": "medium",
        "context.campaign.term": "term",
        "context.campaign.content": "content",
    },
    reserved=frozenset(),
    reserved_prefixes=_RESERVED_PREFIXES,
    spell=_spell,
)

_USER_PROPERTIES: Final = Places(
    {},
    reserved=_RESERVED_USER_PROPERTIES,
    reserved_prefixes=_RESERVED_PREFIXES,
    spell=lambda name: _spell(name)[:_MAX_USER_PROPERTY_NAME],
)


class Ga4Form(VendorForm):
    """The Measurement Protocol's form. It has none for identify, group and alias."""

    vendor: ClassVar = VendorName.GA4
    calls: ClassVar = frozenset({CallType.TRACK, CallType.PAGE, CallType.SCREEN})
    conversions: ClassVar = frozenset({text_or_number(MEDIUM), text_or_number(SHORT)})
    max_string: ClassVar = MEDIUM
    max_bytes: ClassVar = _MAX_BYTES
    deduplicates_for: ClassVar = 0

    def encoding(self, data_class: str) -> Encoding:
        return number_pair if data_class == "identifier.device" else alphanumeric

    def layout(
        self, call: CallType, name: str | None, leaves: Sequence[Leaf], same: Same
    ) -> Layout | ShapeReason:
        envelope = read_envelope(call, leaves, event_id=False)
        if isinstance(envelope, ShapeReason):
            return envelope
        if envelope.nature is Nature.TIME_BEFORE_1970:
            return ShapeReason.TIMESTAMP_OUT_OF_RANGE
        client_id = _client_id(envelope, leaves)
        if client_id is None:
            return ShapeReason.NO_USABLE_ID
        payload: Tree = {"client_id": client_id, "timestamp_micros": envelope.timestamp(MICROSECONDS)}
        if envelope.user is not None:
            payload["user_id"] = envelope.user
        params: Tree = {}
        payload["events"] = [{"name": _event_name(call, name), "params": params}]
        user_properties: Tree = {}
        for path, slot in slots(leaves, ENVELOPE_FIELDS, text_or_number(MEDIUM)):
            if path == "context.location.country":
                country: Slot = slot._replace(conversion=AS_IT_IS)
                payload["user_location"] = {"country_id": country}
                continue
            if path.startswith(("traits.", "context.traits.")):
                of_user = slot._replace(conversion=text_or_number(SHORT))
                placed = _USER_PROPERTIES.put(user_properties, path, of_user, call=call, same=same)
                payload["user_properties"] = {key: {"value": item} for key, item in user_properties.items()}
            else:
                placed = _PARAMS.put(params, path, slot, call=call, same=same)
            if not placed:
                return ShapeReason.PAYLOAD_INVALID
        return Layout(payload, envelope.key)

    def backfill(self, value: bytes, begun: int) -> bytes | None:
        """The payload as it is: Google has no mark, and moves what is older than 72 hours to now."""
        if orjson.loads(value)["timestamp_micros"] < (begun - _OLDEST) * 1_000_000:
            return None
        return value


def _event_name(call: CallType, name: str | None) -> str:
    """The name in Google's alphabet; one of Google's own names, which the schema refuses, stays as it is."""
    return _EVENT_NAMES[call] if name is None else _spell(name)


def _client_id(envelope: Envelope, leaves: Sequence[Leaf]) -> Slot | None:
    """The visitor's or device's pseudonym, else one made from the user's: Google takes no event without."""
    if envelope.device is not None:
        return envelope.device
    user = envelope.user
    if user is None or leaves[user.leaf].encoding is not alphanumeric:
        return None
    return user._replace(conversion=_AS_CLIENT_ID)
