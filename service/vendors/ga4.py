"""Google Analytics 4: one request body of the Measurement Protocol, holding one event."""

import re
from typing import ClassVar, Final

import orjson

from service.events.event import CallType
from service.events.json_value import JsonObject, JsonValue
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding, alphanumeric, number_pair, number_pair_of
from service.vendors.envelope import ENVELOPE_FIELDS, Envelope, read_envelope
from service.vendors.form import SanitizedEvent, Shaped, ShapeReason, VendorForm
from service.vendors.payload_schema import PayloadSchema
from service.vendors.places import Places, leaves

_MAX_STRING: Final = 100
_MAX_USER_PROPERTY: Final = 36
_MAX_NAME: Final = 40
_MAX_USER_PROPERTY_NAME: Final = 24
_MAX_BYTES: Final = 130_000
#: Seconds after which Google gives an event the time of its arrival.
_OLDEST: Final = 72 * 3600

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
    max_string: ClassVar = _MAX_STRING
    max_bytes: ClassVar = _MAX_BYTES
    deduplicates_for: ClassVar = 0

    def __init__(self) -> None:
        self._schema = PayloadSchema(self.vendor, max_bytes=self.max_bytes)

    def encoding(self, data_class: str) -> Encoding:
        return number_pair if data_class == "identifier.device" else alphanumeric

    def shape(self, event: SanitizedEvent) -> Shaped | ShapeReason:
        envelope = read_envelope(event, event_id=False)
        if isinstance(envelope, ShapeReason):
            return envelope
        if envelope.timestamp < 0:
            return ShapeReason.TIMESTAMP_OUT_OF_RANGE
        client_id = _client_id(envelope)
        if client_id is None:
            return ShapeReason.NO_USABLE_ID
        payload: JsonObject = {"client_id": client_id, "timestamp_micros": envelope.timestamp * 1_000_000}
        if envelope.user is not None:
            payload["user_id"] = envelope.user
        params: JsonObject = {}
        name = _event_name(event)
        payload["events"] = [{"name": name, "params": params}]
        for path, value in leaves(event.fields, ENVELOPE_FIELDS):
            if not _put(payload, params, path, value, call=event.call):
                return ShapeReason.PAYLOAD_INVALID
        return self._schema.check(payload, key=envelope.key, generated=frozenset({name, client_id}))

    def backfill(self, value: bytes, begun: int) -> bytes | None:
        """The payload as it is: Google has no mark, and moves what is older than 72 hours to now."""
        if orjson.loads(value)["timestamp_micros"] < (begun - _OLDEST) * 1_000_000:
            return None
        return value


def _event_name(event: SanitizedEvent) -> str:
    """The name in Google's alphabet; one of Google's own names, which the schema refuses, stays as it is."""
    return _EVENT_NAMES[event.call] if event.name is None else _spell(event.name)


def _put(payload: JsonObject, params: JsonObject, path: str, value: JsonValue, *, call: CallType) -> bool:
    """Put a field into the event's parameters or a place beside them; False if its place is taken."""
    if path == "context.location.country":
        payload["user_location"] = {"country_id": value}
        return True
    if path.startswith(("traits.", "context.traits.")):
        properties = payload.setdefault("user_properties", {})
        assert isinstance(properties, dict)  # set here and nowhere else
        item: JsonObject = {"value": _value(value, _MAX_USER_PROPERTY)}
        return _USER_PROPERTIES.put(properties, path, item, call=call)
    return _PARAMS.put(params, path, _value(value, _MAX_STRING), call=call)


def _client_id(envelope: Envelope) -> str | None:
    """The visitor's or device's pseudonym, else one made from the user's: Google takes no event without."""
    if envelope.device is not None:
        return envelope.device
    return None if envelope.user is None else number_pair_of(envelope.user)


def _value(value: JsonValue, length: int) -> JsonValue:
    """A value as Google takes it, text or number: switches as words, lists with commas, texts cut."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = ",".join(str(_value(item, length)) for item in value)
    return value[:length] if isinstance(value, str) else value
