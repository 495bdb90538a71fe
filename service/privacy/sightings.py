"""What an intruder reads out of a vendor's records: one sighting of a user for each.

Vendors name the same field differently and write the same value differently. Their documentation says how,
so whoever holds the data of two can bring them to one form; here it is done the same way.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import orjson

from service.events.json_value import JsonObject, JsonValue
from service.events.timestamps import parse_timestamp
from service.policy.vendor_names import VendorName

#: The shortest cut of a text among the vendors' forms is GA4's for a parameter, in characters.
_COMPARED: Final = 100
_NOT_A_WORD: Final = re.compile(r"[^a-z0-9]+")
#: What vendors put around a field's own name.
_HOLDERS: Final = re.compile(r"^(?:(?:events\.params|(?:event_|user_|group_)?properties|traits|context)\.)+")

#: Where an event's time stands, and how many of its units make a second; None where it is written out.
_TIMES: Final[dict[VendorName, tuple[str, int | None]]] = {
    VendorName.MIXPANEL: ("properties.time", 1),
    VendorName.AMPLITUDE: ("time", 1_000),
    VendorName.POSTHOG: ("timestamp", None),
    VendorName.SEGMENT: ("timestamp", None),
    VendorName.GA4: ("timestamp_micros", 1_000_000),
}
#: Where its name stands; Segment's other calls have their type alone.
_NAMES: Final[dict[VendorName, tuple[str, ...]]] = {
    VendorName.MIXPANEL: ("event",),
    VendorName.AMPLITUDE: ("event_type",),
    VendorName.POSTHOG: ("event",),
    VendorName.SEGMENT: ("event", "type"),
    VendorName.GA4: ("events.name",),
}
#: The vendors' names for calls that are no tracked events, after `_word`.
_CALLS: Final = {
    "mp_web_page_view": "page",
    "amplitude_page_viewed": "page",
    "pageview": "page",
    "page_view": "page",
    "screen_viewed": "screen",
    "amplitude_screen_viewed": "screen",
    "screen_view": "screen",
    "groupidentify": "group",
    "create_alias": "alias",
}
#: The vendors' names for one field, after `_word`. Two places that say the same to a reader have one name.
_FIELDS: Final = {
    "current_url": "url",
    "amplitude_page_url": "url",
    "page_location": "url",
    "page_url": "url",
    "current_url_path": "path",
    "amplitude_page_path": "path",
    "pathname": "path",
    "page_path": "path",
    "current_page_title": "title",
    "amplitude_page_title": "title",
    "page_title": "title",
    "page_referrer": "referrer",
    "useragentdata_brands_brand": "browser",
    "useragentdata_brands_version": "browser_version",
    "useragentdata_platform": "os",
    "os_name": "os",
    "browser_os": "os",
    "operating_system": "os",
    "app_version_string": "app_version",
    "mp_country_code": "country",
    "geoip_country_code": "country",
    "user_location_country_id": "country",
    "location_country": "country",
    "location_region": "region",
    "browser_language_prefix": "language",
    "locale": "language",
    "campaign_name": "utm_campaign",
    "campaign": "utm_campaign",
    "campaign_source": "utm_source",
    "source": "utm_source",
    "campaign_medium": "utm_medium",
    "medium": "utm_medium",
    "campaign_term": "utm_term",
    "term": "utm_term",
    "campaign_content": "utm_content",
    "content": "utm_content",
    "groups_group": "group_id",
    "groupid": "group_id",
    "previousid": "previous_id",
}
_ADDRESSES: Final = frozenset({"url", "referrer"})


class Sighting(NamedTuple):
    """One record, in the form that all vendors' records are compared in.

    Attributes:
        event: The event's name.
        second: When, seconds since the epoch, as precise as the vendor has it.
        fields: All else, by name; a value is the text that it is compared by.
    """

    event: str
    second: int
    fields: dict[str, str]


def read(vendor: VendorName, payload: bytes) -> Sighting:
    """The sighting that a record of a vendor's topic is."""
    parsed: JsonObject = orjson.loads(payload)
    leaves = dict(leaves_of(parsed))
    place, units = _TIMES[vendor]
    time = leaves.pop(place)
    second = parse_timestamp(str(time)) if units is None else int(str(time)) // units
    names = [leaves.pop(place) for place in _NAMES[vendor] if place in leaves]
    fields: dict[str, str] = {}
    for path, value in leaves.items():
        name = _field(path)
        fields[name] = _compared(name, value)
    event = _word(str(names[0]))
    return Sighting(_CALLS.get(event, event), second, fields)


def leaves_of(value: JsonValue, path: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Every value in a payload that is no object, with its path; objects in a list share the list's path."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves_of(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for item in value:
            yield from leaves_of(item, path)
    else:
        yield path, value


def _field(path: str) -> str:
    name = _word(_HOLDERS.sub("", path).removesuffix(".value"))
    return _FIELDS.get(name, name)


def _word(name: str) -> str:
    return _NOT_A_WORD.sub("_", name.lower()).strip("_")


def _compared(name: str, value: JsonValue) -> str:
    """A value as the vendor with the poorest form has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_compared(name, item) for item in value)[:_COMPARED]
    text = str(value)
    return urlsplit(text).path if name in _ADDRESSES else text[:_COMPARED]
