"""A place in a payload takes every value of a nature only where no vendor's schema refuses one of them."""

import copy
from functools import cache
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.events.event import CallType
from service.events.json_value import JsonObject, JsonValue
from service.events.timestamps import format_timestamp
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding, number_pair
from service.sanitize.payload_template import slots_of
from service.vendors.layout import (
    MAX_ITEMS,
    MEDIUM,
    SHORT,
    TIMES,
    Conversion,
    Layout,
    Leaf,
    Nature,
    nature_of,
    nature_of_time,
    text_or_number,
    time_nature,
)
from service.vendors.payload_schema import PayloadSchema, Place
from service.vendors.registry import FORMS
from tests.sanitized_events import ID_CLASSES, pseudonym, sanitized

SCHEMAS: Final = {vendor: PayloadSchema(vendor) for vendor in VendorName}
_FIELDS: Final[dict[str, JsonValue]] = {
    "context.app.version": "4.1",
    "context.ip": "192.0.2.0",
    "context.location.country": "PT",
    "context.location.region": "Porto",
    "context.os.name": "Linux",
    "context.page.url": "https://example.org/docs",
    "context.traits.plan": "team",
    "context.userAgent": {"browser": "Firefox", "browser_version": "143", "os": "Linux"},
    "properties.amount": 12.5,
    "properties.ok": True,
    "properties.scopes": ["read", "write"],
}
_IDS: Final = ("groupId", "context.device.id", "properties.project_id")


class _Place(NamedTuple):
    """A place in a payload, and the leaf that stands there."""

    vendor: VendorName
    place: Place
    leaf: Leaf
    conversion: Conversion
    in_payload: JsonObject

    def __repr__(self) -> str:
        return f"{self.vendor} {self.place} {self.conversion.name}"

    def takes_all(self, nature: Nature, encoding: Encoding | None = None) -> bool:
        leaf = Leaf(self.leaf.field, self.leaf.member, nature, closed=False, encoding=encoding)
        return SCHEMAS[self.vendor].takes_all_at(self.in_payload, self.place, leaf, self.conversion)

    def takes(self, value: JsonValue) -> bool:
        return SCHEMAS[self.vendor].takes_at(self.in_payload, self.place, self.conversion.apply(value))


@cache
def places(vendor: VendorName, *, signed_in: bool = True) -> dict[Place, _Place]:
    """Those of a tracked event with every kind of field."""
    form = FORMS[vendor]
    ids: dict[str, JsonValue] = {path: pseudonym(form, path) for path in _IDS}
    without = () if signed_in else ("userId",)
    event = sanitized(form, CallType.TRACK, {**_FIELDS, **ids}, without=without)
    leaves: list[tuple[Leaf, JsonValue]] = []
    for field, value in event.fields.items():
        for member, part in value.items() if isinstance(value, dict) else [(None, value)]:
            nature = nature_of_time(part) if field == "timestamp" else nature_of(part)
            encoding = form.encoding(ID_CLASSES[field]) if field in ID_CLASSES else None
            leaves.append((Leaf(field, member, nature, closed=False, encoding=encoding), part))
    layout = form.layout(event.call, event.name, [leaf for leaf, _ in leaves], lambda _, __: False)
    assert isinstance(layout, Layout)
    payload: Any = copy.deepcopy(layout.payload)
    slots = list(slots_of(layout.payload))
    for slot, place in slots:
        holder = payload
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = slot.conversion.apply(leaves[slot.leaf][1])
    assert SCHEMAS[vendor].takes(payload)
    return {
        place: _Place(vendor, place, leaves[slot.leaf][0], slot.conversion, payload) for slot, place in slots
    }


ALL = [each for vendor in VendorName for each in places(vendor).values()]
VISITORS = [each for vendor in VendorName for each in places(vendor, signed_in=False).values()]
OF_FIELDS = [each for each in ALL if each.leaf.encoding is None and each.leaf.nature not in TIMES]

_CHARACTERS: Final = st.characters(exclude_categories=["Cs"])
_ITEMS: Final[st.SearchStrategy[JsonValue]] = (
    st.text(_CHARACTERS, max_size=MEDIUM) | st.integers(-(2**63), 2**64 - 1) | st.booleans()
)
_LONG: Final = st.integers(MEDIUM + 1, 9_000).flatmap(
    lambda length: st.text(_CHARACTERS, min_size=1, max_size=5).map(lambda text: (text * length)[:length])
)
_MANY_ITEMS: Final[st.SearchStrategy[JsonValue]] = st.lists(_ITEMS, min_size=1, max_size=3).map(
    lambda some: some * (MAX_ITEMS + 1)
)
VALUES: Final[dict[Nature, st.SearchStrategy[JsonValue]]] = {
    Nature.EMPTY: st.just(""),
    Nature.SHORT_TEXT: st.text(_CHARACTERS, min_size=1, max_size=SHORT),
    Nature.MEDIUM_TEXT: st.text(_CHARACTERS, min_size=SHORT + 1, max_size=MEDIUM),
    Nature.LONG_TEXT: _LONG,
    Nature.NUMBER: st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    Nature.SWITCH: st.booleans(),
    Nature.SHORT_LIST: st.lists(_ITEMS, max_size=12),
    Nature.LONG_LIST: _MANY_ITEMS | st.lists(_LONG, min_size=1, max_size=3),
}


FREE: Final = {nature: [each for each in OF_FIELDS if each.takes_all(nature)] for nature in VALUES}


@given(st.data())
def test_values_are_what_their_nature_says(data: st.DataObject) -> None:
    nature, strategy = data.draw(st.sampled_from(list(VALUES.items())))
    assert nature_of(data.draw(strategy)) is nature


@pytest.mark.parametrize("nature", list(VALUES))
@given(data=st.data())
def test_what_takes_all_of_a_nature_takes_each(nature: Nature, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(FREE[nature]))
    assert place.takes(data.draw(VALUES[nature]))


@given(
    place=st.sampled_from([each for each in ALL + VISITORS if each.leaf.encoding]),
    mac=st.binary(min_size=32, max_size=32),
)
def test_what_takes_all_pseudonyms_takes_each(place: _Place, mac: bytes) -> None:
    encoding = place.leaf.encoding
    assert encoding is not None
    assert place.takes_all(place.leaf.nature, encoding)
    assert place.takes(encoding(mac))


@given(
    place=st.sampled_from([each for each in ALL if each.leaf.nature in TIMES]),
    seconds=st.integers(-62_135_596_800, 253_402_300_799),
)
def test_what_takes_all_times_takes_each(place: _Place, seconds: int) -> None:
    assert place.takes_all(Nature.TIME)
    takes = place.takes(format_timestamp(seconds))
    assert takes or not place.takes_all(time_nature(seconds))


_PROPERTIES: Final[dict[VendorName, Place]] = {
    VendorName.MIXPANEL: ("properties", "amount"),
    VendorName.AMPLITUDE: ("event_properties", "amount"),
    VendorName.POSTHOG: ("properties", "amount"),
    VendorName.SEGMENT: ("properties", "amount"),
    VendorName.GA4: ("events", 0, "params", "amount"),
}


@pytest.mark.parametrize(("vendor", "place"), list(_PROPERTIES.items()))
def test_places_that_are_not_constrained_are_found_free(vendor: VendorName, place: Place) -> None:
    """Where nothing is free, the rest of these tests says nothing."""
    assert all(places(vendor)[place].takes_all(nature) for nature in VALUES)


#: Places of which a schema says more than of a property, with the natures of which it refuses something.
TEXT_ONLY: Final = frozenset(
    {Nature.NUMBER, Nature.SWITCH, Nature.SHORT_LIST, Nature.LONG_LIST, Nature.EMPTY}
)
CONSTRAINED: Final[list[tuple[VendorName, Place, frozenset[Nature]]]] = [
    *(
        (vendor, place, frozenset(VALUES))
        for vendor, place in [
            (VendorName.MIXPANEL, ("properties", "distinct_id")),
            (VendorName.MIXPANEL, ("properties", "$insert_id")),
            (VendorName.MIXPANEL, ("properties", "$device_id")),
            (VendorName.MIXPANEL, ("properties", "$user_id")),
            (VendorName.AMPLITUDE, ("insert_id",)),
            (VendorName.AMPLITUDE, ("user_id",)),
            (VendorName.AMPLITUDE, ("device_id",)),
            (VendorName.AMPLITUDE, ("groups", "group")),
            (VendorName.POSTHOG, ("distinct_id",)),
            (VendorName.POSTHOG, ("uuid",)),
            (VendorName.POSTHOG, ("properties", "$device_id")),
            (VendorName.SEGMENT, ("messageId",)),
            (VendorName.SEGMENT, ("userId",)),
            (VendorName.SEGMENT, ("anonymousId",)),
            (VendorName.SEGMENT, ("groupId",)),
            (VendorName.SEGMENT, ("context", "ip")),
            (VendorName.GA4, ("client_id",)),
            (VendorName.GA4, ("user_id",)),
            (VendorName.GA4, ("user_location", "country_id")),
        ]
    ),
    *(
        (vendor, place, TEXT_ONLY)
        for vendor, place in [
            (VendorName.AMPLITUDE, ("app_version",)),
            (VendorName.AMPLITUDE, ("os_name",)),
            (VendorName.AMPLITUDE, ("country",)),
            (VendorName.AMPLITUDE, ("region",)),
            (VendorName.SEGMENT, ("context", "userAgentData", "platform")),
            (VendorName.SEGMENT, ("context", "userAgentData", "brands", 0, "brand")),
            (VendorName.SEGMENT, ("context", "userAgentData", "brands", 0, "version")),
        ]
    ),
]


@pytest.mark.parametrize(("vendor", "place", "refused"), CONSTRAINED)
def test_constrained_places_are_found_constrained(
    vendor: VendorName, place: Place, refused: frozenset[Nature]
) -> None:
    there = places(vendor)[place]
    assert {nature for nature in VALUES if not there.takes_all(nature)} == refused


def test_a_place_may_take_one_kind_of_pseudonym_and_not_another() -> None:
    for place in (
        places(VendorName.MIXPANEL)["properties", "$user_id"],
        places(VendorName.SEGMENT)["userId",],
    ):
        assert not place.takes_all(Nature.SHORT_TEXT, number_pair)


def test_what_a_place_takes_depends_on_how_the_vendor_wants_it() -> None:
    there = places(VendorName.GA4)["user_properties", "plan", "value"]
    assert there.takes_all(Nature.MEDIUM_TEXT)
    assert not there._replace(conversion=text_or_number(MEDIUM)).takes_all(Nature.MEDIUM_TEXT)
    assert there._replace(conversion=text_or_number(MEDIUM)).takes_all(Nature.SHORT_TEXT)


def test_a_place_takes_not_all_where_it_refuses_the_longest_alone() -> None:
    eightfold = Conversion("eightfold", lambda value: str(value) * 8)
    there = places(VendorName.MIXPANEL)["properties", "amount"]._replace(conversion=eightfold)
    assert there.takes("x")
    assert not there.takes("x" * SHORT)
    assert not there.takes_all(Nature.SHORT_TEXT)


@pytest.mark.parametrize(
    ("vendor", "place", "taken", "refused"),
    [
        (VendorName.GA4, ("user_location", "country_id"), "BR", "br"),
        (VendorName.SEGMENT, ("context", "ip"), "203.0.113.0", "203.0.113.9"),
        (VendorName.AMPLITUDE, ("app_version",), "4.2", ""),
        (VendorName.AMPLITUDE, ("app_version",), "4.2", 4.2),
        (VendorName.MIXPANEL, ("properties", "time"), 31_536_000, 31_535_999),
        (VendorName.MIXPANEL, ("properties", "distinct_id"), "w" + "0" * 32, "usr_5513xw"),
        (VendorName.MIXPANEL, ("properties", "ip"), 0, "203.0.113.0"),
        (VendorName.MIXPANEL, ("properties", "amount"), "x" * 255, "x" * 256),
        (VendorName.POSTHOG, ("properties", "amount"), [1, "x", True], [[1]]),
    ],
)
def test_the_verdict_on_a_value_is_its_own(
    vendor: VendorName, place: Place, taken: JsonValue, refused: JsonValue
) -> None:
    payload = next(iter(places(vendor).values())).in_payload
    before = copy.deepcopy(payload)
    schema = SCHEMAS[vendor]
    for value, verdict in [(taken, True), (refused, False), (taken, True)]:
        assert schema.takes_at(payload, place, value) is verdict
        assert payload == before


@pytest.mark.parametrize("vendor", list(VendorName))
def test_no_place_is_free_for_what_no_action_makes(vendor: VendorName) -> None:
    assert not any(each.takes_all(Nature.NO_VALUE) for each in places(vendor).values())
