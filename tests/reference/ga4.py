"""Google Analytics 4's form."""

import re

from service.events.event import CallType
from service.events.json_value import JsonValue
from service.pseudonyms.encodings import number_pair_of
from service.vendors.form import ShapeReason
from tests.reference.envelope import ENVELOPE, Envelope
from tests.reference.payload import Object, Transformed, Value, leaves
from tests.reference.places import candidates, put

CALLS = frozenset({CallType.TRACK, CallType.PAGE, CallType.SCREEN})
LONGEST = 100
MOST_BYTES = 130_000
TAKES_EVENT_ID = False

_NAMES = {CallType.PAGE: "page_view", CallType.SCREEN: "screen_view"}
_TABLE = {
    "groupId": ("group_id",),
    "context.page.url": ("page_location",),
    "context.page.path": ("page_path",),
    "context.page.title": ("page_title",),
    "context.page.referrer": ("page_referrer",),
    "context.userAgent.browser": ("browser",),
    "context.userAgent.browser_version": ("browser_version",),
    "context.userAgent.os": ("operating_system", "browser_os"),
    "context.os.name": ("operating_system",),
    "context.app.version": ("app_version",),
    "context.screen.width": ("screen_width",),
    "context.screen.height": ("screen_height",),
    "context.device.id": ("device_id",),
    "context.location.region": ("region",),
    "context.locale": ("language",),
    "context.timezone": ("timezone",),
    "context.campaign.name": ("campaign",),
    "context.campaign.source": ("source",),
    "context.campaign.medium": ("medium",),
    "context.campaign.term": ("term",),
    "context.campaign.content": ("content",),
}
_PREFIXES = ("google_", "ga_", "firebase_", "gtag_")
_RESERVED_USER_PROPERTIES = frozenset(
    {
        "first_open_after_install",
        "first_open_time",
        "first_visit_time",
        "last_deep_link_referrer",
        "user_id",
    }
)


def shape(event: Transformed, envelope: Envelope) -> Object | ShapeReason:
    """The payload, or why there is none."""
    if envelope.seconds < 0:
        return ShapeReason.TIMESTAMP_OUT_OF_RANGE
    client_id = envelope.device
    if client_id is None and envelope.user is not None:
        client_id = number_pair_of(envelope.user)
    if client_id is None:
        return ShapeReason.NO_USABLE_ID
    payload: Object = {"client_id": client_id, "timestamp_micros": envelope.seconds * 1_000_000}
    if envelope.user is not None:
        payload["user_id"] = envelope.user
    params: Object = {}
    name = _NAMES[event.call] if event.name is None else _spell(event.name)
    payload["events"] = [{"name": name, "params": params}]
    for path, value in event.fields.items():
        if path in ENVELOPE:
            continue
        for leaf, part in leaves(path, value):
            if not _put(payload, params, leaf, part, event.call):
                return ShapeReason.PAYLOAD_INVALID
    return payload


def _put(payload: Object, params: Object, path: str, value: Value, call: CallType) -> bool:
    if path == "context.location.country":
        payload["user_location"] = {"country_id": value}
        return True
    if not path.startswith(("traits.", "context.traits.")):
        names = candidates(path, call, table=_TABLE, prefixes=_PREFIXES, spell=_spell)
        return put(params, names, _text_or_number(value, LONGEST))
    properties = payload.setdefault("user_properties", {})
    assert isinstance(properties, dict)
    names = candidates(
        path,
        call,
        table={},
        reserved=_RESERVED_USER_PROPERTIES,
        prefixes=_PREFIXES,
        spell=lambda name: _spell(name)[:24],
    )
    return put(properties, names, {"value": _text_or_number(value, 36)})


def _spell(name: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not name[:1].isalpha():
        name = f"x_{name}"
    return name[:40]


def _text_or_number(value: Value, length: int) -> Value:
    return Value(_simple(value.json, length), value.open)


def _simple(value: JsonValue, length: int) -> JsonValue:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = ",".join(str(_simple(item, length)) for item in value)
    return value[:length] if isinstance(value, str) else value
