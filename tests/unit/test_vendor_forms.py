"""The rules that all vendors' forms share, and the limits of each."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from service.events.event import CallType
from service.events.json_value import JsonObject, JsonValue
from service.policy import load
from service.policy.action_specs import BrowserFamily, Country, IpPrefix, Pseudonymize, TimeUnit
from service.policy.plan import FieldRule
from service.policy.vendor_names import VendorName
from service.vendors.form import ShapeReason, VendorForm
from service.vendors.ga4 import Ga4Form
from service.vendors.registry import FORMS
from tests.sanitized_events import Shaped, pseudonym, sanitized, shape

POLICY = load(Path(__file__).parents[2] / "config")
MIXPANEL, AMPLITUDE, POSTHOG, SEGMENT, GA4 = FORMS.values()
ALL = pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))


def shaped(form: VendorForm, *arguments: object, **options: object) -> Shaped:
    result = shape(form, sanitized(form, *arguments, **options))  # type: ignore[arg-type]  # passed on as given
    assert isinstance(result, Shaped), result
    return result


def refusal(form: VendorForm, *arguments: object, **options: object) -> ShapeReason:
    result = shape(form, sanitized(form, *arguments, **options))  # type: ignore[arg-type]  # passed on as given
    assert isinstance(result, ShapeReason)
    return result


def google_event(payload: JsonObject) -> dict[str, Any]:
    """The one event of a Measurement Protocol request."""
    events: Any = payload["events"]
    event: dict[str, Any] = events[0]
    return event


def properties_of(form: VendorForm, payload: JsonObject) -> dict[str, Any]:
    """Where a property of a tracked event ends up."""
    if form is GA4:
        found = google_event(payload)["params"]
    else:
        found = payload["event_properties" if form is AMPLITUDE else "properties"]
    assert isinstance(found, dict)
    return found


def test_there_is_a_form_for_every_vendor() -> None:
    assert list(FORMS) == list(VendorName)
    assert all(form.vendor is vendor for vendor, form in FORMS.items())


# Ids, event ids and times


@ALL
def test_the_key_is_the_users_pseudonym_else_the_devices(form: VendorForm) -> None:
    assert shaped(form, CallType.TRACK).key == pseudonym(form, "userId")
    assert shaped(form, CallType.TRACK, without=("userId",)).key == pseudonym(form, "anonymousId")
    device = {"context.device.id": pseudonym(form, "context.device.id")}
    if form is not SEGMENT:  # Segment needs userId or anonymousId
        only_device = shaped(form, CallType.TRACK, device, without=("userId", "anonymousId"))
        assert only_device.key == pseudonym(form, "context.device.id")


@ALL
def test_an_event_of_nobody_is_refused(form: VendorForm) -> None:
    without = ("userId", "anonymousId")
    assert refusal(form, CallType.TRACK, without=without) is ShapeReason.NO_USABLE_ID
    assert refusal(form, CallType.TRACK, {"userId": ""}, without=without[1:]) is ShapeReason.NO_USABLE_ID
    assert refusal(form, CallType.TRACK, {"userId": 42}, without=without[1:]) is ShapeReason.NO_USABLE_ID


@ALL
def test_an_id_that_is_no_pseudonym_is_refused(form: VendorForm) -> None:
    for path in ("userId", "anonymousId"):
        assert refusal(form, CallType.TRACK, {path: "usr_42"}) in {
            ShapeReason.PAYLOAD_INVALID,
            ShapeReason.NO_USABLE_ID,
        }


@ALL
def test_an_event_id_is_needed_where_the_vendor_takes_one(form: VendorForm) -> None:
    result = shape(form, sanitized(form, CallType.TRACK, without=("messageId",)))
    if form is GA4:
        assert isinstance(result, Shaped)
    else:
        assert result is ShapeReason.NO_EVENT_ID


@ALL
@pytest.mark.parametrize(
    "timestamp", [None, 1_772_600_767, "", "yesterday", "2026-03-04T05:06:07", "2026-03-04"]
)
def test_an_event_without_a_time_is_refused(form: VendorForm, timestamp: JsonValue) -> None:
    assert refusal(form, CallType.TRACK, {"timestamp": timestamp}) is ShapeReason.NO_TIMESTAMP
    assert refusal(form, CallType.TRACK, without=("timestamp",)) is ShapeReason.NO_TIMESTAMP


@pytest.mark.parametrize(
    ("form", "first"),
    [(MIXPANEL, "1971-01-01T00:00:00Z"), (AMPLITUDE, "1970-01-01T00:00:00Z"), (GA4, "1970-01-01T00:00:00Z")],
    ids=["mixpanel", "amplitude", "ga4"],
)
def test_the_first_moment_a_vendor_knows(form: VendorForm, first: str) -> None:
    before = {"1970": "1969-12-31T23:59:59Z", "1971": "1970-12-31T23:59:59Z"}[first[:4]]
    shaped(form, CallType.TRACK, {"timestamp": first})
    assert refusal(form, CallType.TRACK, {"timestamp": before}) is ShapeReason.TIMESTAMP_OUT_OF_RANGE


@ALL
@pytest.mark.parametrize(
    ("call", "path"),
    [(CallType.GROUP, "groupId"), (CallType.ALIAS, "previousId"), (CallType.ALIAS, "userId")],
)
def test_group_and_alias_need_their_ids(form: VendorForm, call: CallType, path: str) -> None:
    if call in form.calls:
        shaped(form, call)
        assert refusal(form, call, without=(path,)) is ShapeReason.NO_USABLE_ID


def test_ga4_gets_a_client_id_from_a_users_pseudonym_when_there_is_no_other() -> None:
    with_both = shaped(GA4, CallType.TRACK).payload
    only_user = shaped(GA4, CallType.TRACK, without=("anonymousId",))
    assert with_both["client_id"] == pseudonym(GA4, "anonymousId")
    assert only_user.payload["client_id"] != with_both["client_id"]
    again = shaped(GA4, CallType.TRACK, without=("anonymousId",))
    assert again.payload["client_id"] == only_user.payload["client_id"]


def test_only_the_calls_with_a_form_are_offered() -> None:
    missing = {vendor: frozenset(CallType) - form.calls for vendor, form in FORMS.items()}
    assert missing == {
        VendorName.MIXPANEL: frozenset(),
        VendorName.AMPLITUDE: {CallType.ALIAS},
        VendorName.POSTHOG: frozenset(),
        VendorName.SEGMENT: frozenset(),
        VendorName.GA4: {CallType.IDENTIFY, CallType.GROUP, CallType.ALIAS},
    }


# Every field arrives


def _plausible(form: VendorForm, rule: FieldRule) -> JsonValue:
    """A value that the rule's action could give, other than that of any other field."""
    if isinstance(rule.spec, Pseudonymize):
        encoding = form.encoding(rule.data_class)
        return encoding(rule.dotted.encode().rjust(32)[::-1])
    if isinstance(rule.spec, TimeUnit):
        return "2026-03-04T05:06:07Z"
    if isinstance(rule.spec, Country):
        return "NZ" if rule.dotted.startswith("context") else "PT"
    if isinstance(rule.spec, IpPrefix):
        return "203.0.113.0"
    if isinstance(rule.spec, BrowserFamily):
        return {"browser": "Firefox", "browser_version": "143", "os": "Linux"}
    return f"value of {rule.dotted}"


def _strings(value: JsonValue) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


@ALL
def test_every_field_that_the_reference_policy_lets_through_arrives(form: VendorForm) -> None:
    plan = next(plan for plan in POLICY.vendors if plan.vendor is form.vendor)
    events: list[tuple[CallType, str | None, tuple[FieldRule, ...]]] = [
        (CallType.TRACK, name, rules) for name, rules in plan.tracked.items()
    ]
    events += [(call, None, rules) for call, rules in plan.calls.items()]
    assert len(events) > 10
    for call, name, rules in events:
        fields = {rule.dotted: _plausible(form, rule) for rule in rules}
        result = shape(form, sanitized(form, call, fields, name=name))
        assert isinstance(result, Shaped), (call, name, result)
        arrived = _strings(result.payload)
        for path, value in fields.items():
            if path != "timestamp":
                assert set(_strings(value)) <= set(arrived), (call, name, path)


# Limits and reserved names


@ALL
def test_long_strings_are_cut_and_whole_characters_stay(form: VendorForm) -> None:
    text = "a\U0001f30a" * form.max_string
    for value, path in ((text, "comment"), ([text], "models")):
        result = shaped(form, CallType.TRACK, {f"properties.{path}": value})
        assert _strings(properties_of(form, result.payload)[path]) == [text[: form.max_string]]


# Google's size can't be reached with 25 parameters of 100 characters.
@pytest.mark.parametrize("form", [MIXPANEL, AMPLITUDE, POSTHOG, SEGMENT], ids=list(FORMS)[:4])
def test_a_payload_beyond_the_vendors_size_is_refused(form: VendorForm) -> None:
    fields = {f"properties.p{number}": ["x" * 4000] * 250 for number in range(20)}
    assert refusal(form, CallType.TRACK, fields) is ShapeReason.PAYLOAD_TOO_LARGE


def test_two_long_texts_in_the_longest_letters_are_more_than_segment_takes() -> None:
    text = "\U0001f30a" * 4096
    shaped(SEGMENT, CallType.TRACK, {"properties.body": text})
    both: dict[str, JsonValue] = {"properties.body": text, "properties.subject": text}
    assert refusal(SEGMENT, CallType.TRACK, both) is ShapeReason.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize(("form", "most"), [(MIXPANEL, 254), (GA4, 25)], ids=["mixpanel", "ga4"])
def test_too_many_properties_are_refused(form: VendorForm, most: int) -> None:
    room = most - len(properties_of(form, shaped(form, CallType.TRACK).payload))
    fields: dict[str, JsonValue] = {f"properties.p{number}": number for number in range(room)}
    assert len(properties_of(form, shaped(form, CallType.TRACK, fields).payload)) == most
    assert refusal(form, CallType.TRACK, fields | {"properties.last": 1}) is ShapeReason.PAYLOAD_INVALID


@ALL
@pytest.mark.parametrize("value", [[{"a": 1}], [["a"]], "\ud800", 2**64, float("nan")])
def test_values_that_a_vendor_cannot_hold_never_raise(form: VendorForm, value: JsonValue) -> None:
    result = shape(form, sanitized(form, CallType.TRACK, {"properties.value": value}))
    assert isinstance(result, Shaped | ShapeReason)


@ALL
def test_null_says_nothing(form: VendorForm) -> None:
    with_null = shaped(form, CallType.TRACK, {"properties.value": None})
    assert with_null.payload == shaped(form, CallType.TRACK).payload


@pytest.mark.parametrize("form", [MIXPANEL, POSTHOG], ids=["mixpanel", "posthog"])
@pytest.mark.parametrize("name", ["$insert_id", "$ip", "$set", "distinct_id", "token", "$device_id", "$os"])
def test_a_property_cannot_take_a_reserved_name(form: VendorForm, name: str) -> None:
    plain = properties_of(form, shaped(form, CallType.TRACK).payload)
    result = properties_of(form, shaped(form, CallType.TRACK, {f"properties.{name}": "mine"}).payload)
    assert result == plain | {f"properties.{name}": "mine"}


def test_mixpanels_own_properties_cannot_be_overwritten() -> None:
    fields: dict[str, JsonValue] = {f"properties.{name}": "mine" for name in ("time", "ip", "distinct_id")}
    result = properties_of(MIXPANEL, shaped(MIXPANEL, CallType.TRACK, fields).payload)
    assert result["ip"] == 0
    assert result["time"] == 1_772_600_767
    assert result["properties.time"] == result["properties.ip"] == "mine"


@ALL
def test_two_fields_of_one_place_both_arrive(form: VendorForm) -> None:
    fields = {
        "context.os.name": "macOS",
        "context.userAgent": {"browser": "Safari", "os": "Mac OS X"},
        "context.campaign.source": "newsletter",
        "properties.utm_source": "typed",
        "properties.source": "own",
    }
    arrived = _strings(shaped(form, CallType.TRACK, fields).payload)
    assert {"macOS", "Mac OS X", "newsletter", "typed", "own"} <= set(arrived)


@ALL
def test_a_page_call_says_its_page_where_other_events_do(form: VendorForm) -> None:
    if form is SEGMENT:
        return
    url = "https://console.example.org/projects/:id"
    page = properties_of(form, shaped(form, CallType.PAGE, {"properties.url": url}).payload)
    track = properties_of(form, shaped(form, CallType.TRACK, {"context.page.url": url}).payload)
    assert page == track
    both = {"properties.url": url, "context.page.url": url + "/keys"}
    arrived = properties_of(form, shaped(form, CallType.PAGE, both).payload)
    assert {url, url + "/keys"} <= set(_strings(arrived))


@pytest.mark.parametrize(
    ("form", "one", "other"),
    [
        (MIXPANEL, "traits.properties.$a", "properties.$a"),
        (AMPLITUDE, "traits.context.traits.$a", "context.traits.$a"),
        (POSTHOG, "traits.properties.$a", "properties.$a"),
    ],
    ids=["mixpanel", "amplitude", "posthog"],
)
def test_two_fields_that_leave_each_other_no_place_are_refused(
    form: VendorForm, one: str, other: str
) -> None:
    shaped(form, CallType.TRACK, {one: 1})
    shaped(form, CallType.TRACK, {one: 1, other: 1})
    assert refusal(form, CallType.TRACK, {one: 1, other: 2}) is ShapeReason.PAYLOAD_INVALID


# What would leak by default


def test_mixpanel_locates_nobody() -> None:
    for call in CallType:
        assert properties_of(MIXPANEL, shaped(MIXPANEL, call).payload)["ip"] == 0


def test_posthog_makes_no_profile_and_locates_nobody() -> None:
    for call in CallType:
        properties = properties_of(POSTHOG, shaped(POSTHOG, call, {"context.ip": "203.0.113.0/24"}).payload)
        assert properties["$geoip_disable"] is True
        assert properties["$process_person_profile"] is False
        assert "$ip" not in properties


def test_amplitude_gets_no_ip() -> None:
    for call in AMPLITUDE.calls:
        payload = shaped(AMPLITUDE, call, {"context.ip": "203.0.113.0/24"}).payload
        assert "ip" not in payload


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"context.ip": "203.0.113.0/24"}, None),
        ({"context.ip": "203.0.113.0"}, None),
        ({"context.ip": "2001:db8:77::/48"}, None),
        ({"context.ip": "203.0.113.7"}, ShapeReason.PAYLOAD_INVALID),
        ({"context.ip": "2001:db8:77::1"}, ShapeReason.PAYLOAD_INVALID),
        ({"context.direct": True}, ShapeReason.PAYLOAD_INVALID),
        ({"context.userAgent": "Mozilla/5.0"}, ShapeReason.PAYLOAD_INVALID),
        ({"unknown.place": "x"}, ShapeReason.PAYLOAD_INVALID),
        ({"properties.a": [1], "properties.a.b": 1}, ShapeReason.PAYLOAD_INVALID),
    ],
)
def test_segment_gets_only_what_the_spec_has_a_place_for(
    fields: dict[str, JsonValue], reason: ShapeReason | None
) -> None:
    result = shape(SEGMENT, sanitized(SEGMENT, CallType.TRACK, fields))
    if reason is not None:
        assert result is reason
    else:
        assert isinstance(result, Shaped)


@pytest.mark.parametrize("name", ["$identify", "$create_alias", "$groupidentify", "$set"])
def test_posthog_would_drop_these_events_so_they_are_refused(name: str) -> None:
    assert refusal(POSTHOG, CallType.TRACK, name=name) is ShapeReason.PAYLOAD_INVALID


def test_no_client_id_is_made_from_an_id_in_the_clear() -> None:
    clear: dict[str, JsonValue] = {"userId": "usr_42"}
    assert refusal(GA4, CallType.TRACK, clear, without=("anonymousId",)) is ShapeReason.NO_USABLE_ID


# Google's names


def test_every_event_of_the_reference_policy_has_a_name_in_googles_alphabet() -> None:
    plan = next(plan for plan in POLICY.vendors if plan.vendor is VendorName.GA4)
    names = {
        name: google_event(shaped(GA4, CallType.TRACK, name=name).payload)["name"] for name in plan.tracked
    }
    assert names["Signed Up"] == "signed_up"
    assert names["API Key Created"] == "api_key_created"
    assert len(set(names.values())) == len(names)
    assert google_event(shaped(GA4, CallType.PAGE).payload)["name"] == "page_view"
    assert google_event(shaped(GA4, CallType.SCREEN).payload)["name"] == "screen_view"


@pytest.mark.parametrize(
    "name", ["Error", "session_start", "First Visit", "google_x", "GA 4", "Firebase Test"]
)
def test_googles_own_event_names_are_refused(name: str) -> None:
    assert refusal(GA4, CallType.TRACK, name=name) is ShapeReason.PAYLOAD_INVALID


def test_names_are_spelled_for_google() -> None:
    fields: dict[str, JsonValue] = {
        "properties.billing_address.country": "PT",
        "properties.2fa": True,
        "properties.ga_x": 1,
        "properties.naïve name": 2,
        "properties." + "n" * 50: 3,
        "context.traits.plan": "team",
        "context.traits.user_id": "x" * 40,
    }
    payload = shaped(GA4, CallType.TRACK, fields).payload
    assert properties_of(GA4, payload) == {
        "billing_address_country": "PT",
        "x_2fa": "true",
        "properties_ga_x": 1,
        "na_ve_name": 2,
        "n" * 40: 3,
    }
    assert payload["user_properties"] == {
        "plan": {"value": "team"},
        "context_traits_user_id": {"value": "x" * 36},
    }


def test_two_names_that_google_could_not_tell_apart_are_refused() -> None:
    fields: dict[str, JsonValue] = {"properties.a b": 1, "properties.a-b": 2, "properties.a_b": 3}
    assert refusal(GA4, CallType.TRACK, fields) is ShapeReason.PAYLOAD_INVALID


def test_a_country_that_is_no_code_is_refused_by_google() -> None:
    fields: dict[str, JsonValue] = {"context.location.country": "Portugal"}
    assert refusal(Ga4Form(), CallType.TRACK, fields) is ShapeReason.PAYLOAD_INVALID


# The schemas


@ALL
def test_the_schemas_are_well_formed_and_closed(form: VendorForm) -> None:
    path = Path(__file__).parents[2] / "schemas" / "vendors" / f"{form.vendor}.v1.schema.json"
    schema = json.loads(path.read_text())
    assert schema["$id"] == path.name
    assert schema["additionalProperties"] is False


@ALL
def test_every_place_is_documented(form: VendorForm) -> None:
    module = import_module(type(form).__module__)
    text = (Path(__file__).parents[2] / "docs" / "vendors.md").read_text()
    titles = {"mixpanel": "Mixpanel", "amplitude": "Amplitude", "posthog": "PostHog", "segment": "Segment"}
    section = text.split(f"## {titles.get(form.vendor, 'Google Analytics 4')}\n")[1].split("\n## ")[0]
    table = {} if form is SEGMENT else module._PARAMS._table if form is GA4 else module._PLACES._table
    names = [
        *(name for names in table.values() for name in names),
        *getattr(module, "_EVENT_NAMES", {}).values(),
        *getattr(module, "_TOP_LEVEL", {}).values(),
    ]
    assert [name for name in names if f"`{name}`" not in section] == []
