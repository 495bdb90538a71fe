"""Whatever an event holds, a form gives a payload that the vendor takes, or a reason."""

import json
from pathlib import Path

import orjson
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from service.events.event import CallType
from service.events.json_value import JsonValue
from service.policy.vendor_names import VendorName
from service.vendors.form import ShapeReason, VendorForm
from service.vendors.registry import FORMS
from tests.sanitized_events import ID_CLASSES, Shaped, sanitized, shape

SCHEMAS = {
    vendor: Draft202012Validator(
        json.loads(
            (Path(__file__).parents[2] / "schemas" / "vendors" / f"{vendor}.v1.schema.json").read_text()
        )
    )
    for vendor in VendorName
}
MAX_BYTES = {
    VendorName.MIXPANEL: 1_000_000,
    VendorName.AMPLITUDE: 1_000_000,
    VendorName.POSTHOG: 1_000_000,
    VendorName.SEGMENT: 32_000,
    VendorName.GA4: 130_000,
}

SCALARS: st.SearchStrategy[JsonValue] = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.text(min_size=200, max_size=300)
    | st.sampled_from(["PT", "2026-03-04T05:06:07Z", "203.0.113.0", "null", "$remote"])
)
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.text(alphabet=st.characters(exclude_characters="."), min_size=1, max_size=50) | st.sampled_from(
    [
        "time",
        "ip",
        "$ip",
        "$set",
        "distinct_id",
        "$insert_id",
        "token",
        "url",
        "user_id",
        "ga_x",
        "",
        "direct",
    ]
)
PATHS = st.builds(
    "{}{}".format, st.sampled_from(["properties.", "traits.", "context.", "context.traits.", ""]), NAMES
) | st.sampled_from(
    [
        *ID_CLASSES,
        "timestamp",
        "context.ip",
        "context.userAgent",
        "context.page.url",
        "context.os.name",
        "context.location.country",
        "context.direct",
        "properties.a",
        "properties.a.b",
    ]
)


@st.composite
def events(draw: st.DrawFn, form: VendorForm) -> tuple[CallType, dict[str, JsonValue], str | None]:
    call = draw(st.sampled_from(sorted(form.calls)))
    fields = draw(st.dictionaries(PATHS, VALUES, max_size=10))
    name = draw(st.text(min_size=1, max_size=60)) if call is CallType.TRACK else None
    return call, fields, name


@given(st.data(), st.sampled_from(sorted(VendorName)))
def test_a_payload_is_one_that_the_vendor_takes_or_there_is_none(
    data: st.DataObject, vendor: VendorName
) -> None:
    form = FORMS[vendor]
    call, fields, name = data.draw(events(form))
    event = sanitized(form, call, fields, name=name)
    result = shape(form, event)
    if isinstance(result, ShapeReason):
        return
    written = orjson.dumps(result.payload)
    assert len(written) <= MAX_BYTES[vendor]
    SCHEMAS[vendor].validate(json.loads(written))
    assert result.key in [event.fields.get(path) for path in ("userId", "anonymousId", "context.device.id")]
    again = shape(form, event)
    assert isinstance(again, Shaped)
    assert orjson.dumps(again.payload) == written


@given(st.data(), st.sampled_from(sorted(VendorName)))
def test_a_plain_field_never_costs_the_event_nor_gets_lost(data: st.DataObject, vendor: VendorName) -> None:
    form = FORMS[vendor]
    words = st.text("abcdefgh", min_size=1, max_size=30)
    fields: dict[str, JsonValue] = {
        f"properties.{name}": f"={value}"
        for name, value in data.draw(st.dictionaries(words, words, max_size=10)).items()
    }
    result = shape(form, sanitized(form, CallType.TRACK, fields))
    assert isinstance(result, Shaped)
    written = orjson.dumps(result.payload).decode()
    assert all(f'"{value}"' in written for value in fields.values())
