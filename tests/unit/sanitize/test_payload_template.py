"""A payload is refused for what only its values are to blame for, whatever has passed before it."""

from collections.abc import Mapping

import orjson
import pytest

from service.events.event import CallType
from service.events.json_value import JsonValue
from service.policy.vendor_names import VendorName
from service.sanitize import payload_template
from service.sanitize.payload_template import Gap, PayloadTemplate, slots_of
from service.vendors.form import ShapeReason
from service.vendors.layout import Layout, Leaf, nature_of, nature_of_time
from service.vendors.payload_schema import PayloadSchema
from service.vendors.registry import FORMS
from tests.sanitized_events import ID_CLASSES, sanitized

COUNTRY = "context.location.country"


class Filled:
    """A vendor's template for some fields, and its values by field."""

    def __init__(
        self, vendor: VendorName, fields: Mapping[str, JsonValue], *, name: str = "Report Sent"
    ) -> None:
        form = FORMS[vendor]
        event = sanitized(form, CallType.TRACK, fields, name=name)
        self.fields = list(event.fields)
        self.values = [*event.fields.values()]
        leaves = [
            Leaf(
                field,
                None,
                nature_of_time(value) if field == "timestamp" else nature_of(value),
                closed=field == "timestamp",
                encoding=form.encoding(ID_CLASSES[field]) if field in ID_CLASSES else None,
            )
            for field, value in event.fields.items()
        ]
        layout = form.layout(event.call, event.name, leaves, lambda _, __: False)
        assert isinstance(layout, Layout)
        # Each gap has a source of its own, as if every value were wanted in another form.
        self._slots = [slot for slot, _ in slots_of(layout.payload)]
        gaps = [
            Gap(source, slot, leaves[slot.leaf], place)
            for source, (slot, place) in enumerate(slots_of(layout.payload))
        ]
        self.template = PayloadTemplate(form, PayloadSchema(vendor), layout, gaps)

    def encoded(self, **changed: JsonValue) -> list[bytes]:
        values = {**dict(zip(self.fields, self.values, strict=True)), **changed}
        return [orjson.dumps(slot.conversion.apply(values[self.fields[slot.leaf]])) for slot in self._slots]

    def payload(self, changed: Mapping[str, JsonValue] | None = None) -> bytes | ShapeReason:
        return self.template.payload(self.encoded(**(changed or {})))

    def guarded(self) -> dict[tuple[str | int, ...], dict[bytes, bool]]:
        """The verdicts that are remembered, by the places that take not everything."""
        assert self.template._guarded is not None
        return {place: verdicts for _, place, verdicts in self.template._guarded}


@pytest.fixture
def google() -> Filled:
    return Filled(VendorName.GA4, {COUNTRY: "PT", "properties.amount": 1})


def test_a_valid_payload_passes_as_it_was_laid_out(google: Filled) -> None:
    payload = google.payload({COUNTRY: "BR", "properties.amount": 2})
    assert isinstance(payload, bytes)
    shown = orjson.loads(payload)
    assert shown["user_location"] == {"country_id": "BR"}
    assert shown["events"] == [{"name": "report_sent", "params": {"amount": 2}}]
    assert shown["timestamp_micros"] == 1_772_600_767_000_000


def test_an_invalid_first_payload_proves_nothing(google: Filled) -> None:
    for _ in range(2):
        assert google.payload({COUNTRY: "pt"}) is ShapeReason.PAYLOAD_INVALID
        assert google.template._guarded is None
    assert isinstance(google.payload(), bytes)
    assert google.payload({COUNTRY: "pt"}) is ShapeReason.PAYLOAD_INVALID


def test_a_later_value_at_a_guarded_place_is_refused_and_no_other(google: Filled) -> None:
    assert isinstance(google.payload(), bytes)
    assert google.guarded().keys() == {("user_location", "country_id")}
    for country, taken in [("pt", False), ("BR", True), ("PRT", False), ("pt", False), ("BR", True)]:
        payload = google.payload({COUNTRY: country})
        assert isinstance(payload, bytes) is taken
        assert taken or payload is ShapeReason.PAYLOAD_INVALID


def test_verdicts_are_remembered_within_bounds(google: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload_template, "_VERDICTS", 3)
    google.payload()
    (verdicts,) = google.guarded().values()
    for country in ("PT", "pt", "BR", "br", "PT", "x" * 300):
        assert isinstance(google.payload({COUNTRY: country}), bytes) is (country in {"PT", "BR"})
        assert len(verdicts) <= 3
    assert not any(len(value) > 256 for value in verdicts)
    assert verdicts[b'"PT"'] is True


def test_a_payload_that_is_too_large_is_refused_before_and_after_one_is_proved() -> None:
    segment = Filled(VendorName.SEGMENT, {f"properties.x{number}": "x" * 4096 for number in range(8)})
    large = dict.fromkeys(segment.fields[4:], "x" * 4096)
    assert segment.payload(large) is ShapeReason.PAYLOAD_TOO_LARGE
    small = {**large, "properties.x7": "x"}
    proved = segment.payload(small)
    assert isinstance(proved, bytes)
    assert segment.payload(large) is ShapeReason.PAYLOAD_TOO_LARGE
    room = FORMS[VendorName.SEGMENT].max_bytes - len(proved)
    full = segment.payload({**large, "properties.x7": "x" * (room + 1)})
    assert isinstance(full, bytes)
    assert len(full) == FORMS[VendorName.SEGMENT].max_bytes
    assert segment.payload({**large, "properties.x7": "x" * (room + 2)}) is ShapeReason.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize(
    "name",
    [
        "100% done",
        "%s %b %(x)s %%",
        'say "hi"',
        "back\\slash",
        "nul\0",
        "nul\x000",
        "\0x",
        "\\u00000",
        '"\\u00000"',
        "größe 報告",
        "line\nbreak",
    ],
)
def test_names_stand_as_they_are_whatever_signs_they_hold(name: str) -> None:
    field = "properties." + name.replace(" ", "_").replace("\n", "_")
    filled = Filled(VendorName.MIXPANEL, {field: "20% of \0"}, name=name)
    payload = filled.payload()
    assert isinstance(payload, bytes)
    shown = orjson.loads(payload)
    assert shown["event"] == name
    assert shown["properties"][field.removeprefix("properties.")] == "20% of \0"


def test_other_bytes_in_some_gaps_leave_the_rest_as_it_is(google: Filled) -> None:
    encoded = google.encoded()
    plain = google.template.payload(encoded)
    assert isinstance(plain, bytes)
    assert google.template.render_with(encoded, {}) == plain
    (at,) = [at for at, gap in enumerate(google.template.gaps) if gap.path == "user_location.country_id"]
    replaced = google.template.render_with(encoded, {at: b'"<IDENTITY>"'})
    assert replaced == plain.replace(b'"PT"', b'"<IDENTITY>"') != plain
    assert google.template.full_refusal(replaced) is ShapeReason.PAYLOAD_INVALID
    assert google.template.full_refusal(plain) is None


def test_what_the_gate_searches_is_what_weir_did_not_write(google: Filled) -> None:
    searched = {gap.path for _, gap in google.template.searched}
    assert {gap.path for gap in google.template.gaps} - searched == {"timestamp_micros"}
    assert "events.params.amount" in searched


def test_once_distrusted_every_payload_is_held_against_the_whole_schema(google: Filled) -> None:
    google.payload()
    google.template._guarded = []  # as if no value could be wrong
    assert isinstance(google.payload({COUNTRY: "pt"}), bytes)
    google.template.distrust()
    assert google.payload({COUNTRY: "pt"}) is ShapeReason.PAYLOAD_INVALID
    assert isinstance(google.payload(), bytes)
    assert google.payload({COUNTRY: "pt"}) is ShapeReason.PAYLOAD_INVALID
