"""Our payloads, held against what the vendors' own clients send for the same event.

For each call the client gets the ids, the time and the properties of a sanitized event. What it posts says
how the vendor spells, types and nests each part; ours must agree wherever both have it. What the client adds
by itself is listed, so that a new version that adds something is noticed.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from amplitude import Amplitude, BaseEvent, Config, EventOptions, Identify
from mixpanel import Consumer, Mixpanel
from posthog import Posthog
from segment.analytics.client import Client as Segment

from service.events.event import CallType
from service.events.json_value import JsonValue
from service.policy.vendor_names import VendorName
from service.vendors.registry import FORMS
from tests.contract.conftest import LOOPBACK, Collector
from tests.sanitized_events import Shaped, pseudonym, sanitized, shape

pytestmark = pytest.mark.allow_hosts([LOOPBACK])

SECONDS = 1_772_600_767
MOMENT = datetime.fromtimestamp(SECONDS, UTC)
PROPERTIES: dict[str, JsonValue] = {"rating": 4, "comment": "Ask <PERSON>", "models": ["o3"], "mfa": True}
TRAITS: dict[str, JsonValue] = {"plan": "team", "employees": "11-50"}


def ours(vendor: VendorName, call: CallType) -> dict[str, Any]:
    """Our payload, as it reads after a round trip through JSON."""
    fields: dict[str, JsonValue] = {}
    if call is CallType.TRACK:
        fields = {f"properties.{name}": value for name, value in PROPERTIES.items()}
    if call in {CallType.IDENTIFY, CallType.GROUP}:
        fields = {f"traits.{name}": value for name, value in TRAITS.items()}
    result = shape(FORMS[vendor], sanitized(FORMS[vendor], call, fields))
    assert isinstance(result, Shaped)
    payload: dict[str, Any] = json.loads(json.dumps(result.payload))
    return payload


def an_id(vendor: VendorName, path: str) -> str:
    return pseudonym(FORMS[vendor], path)


def only_in(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    """Names in the one alone; what both have must agree in value and type."""
    for name in one.keys() & other.keys():
        assert json.dumps(one[name], sort_keys=True) == json.dumps(other[name], sort_keys=True), name
    return one.keys() - other.keys()


# Mixpanel


def test_mixpanels_client_imports_the_same_event(collector: Collector) -> None:
    def id_of(path: str) -> str:
        return an_id(VendorName.MIXPANEL, path)

    client = Mixpanel("a token", consumer=Consumer(import_url=f"{collector.url}/import", retry_limit=0))
    client.import_data(
        "an api key",
        id_of("userId"),
        "Feedback Submitted",
        SECONDS,
        PROPERTIES
        | {
            "$insert_id": id_of("messageId"),
            "$device_id": id_of("anonymousId"),
            "$user_id": id_of("userId"),
        },
    )
    path, posted = collector.only()
    event = ours(VendorName.MIXPANEL, CallType.TRACK)
    assert path == "/import"
    assert posted["event"] == event["event"]
    assert only_in(posted["properties"], event["properties"]) == {"token", "mp_lib", "$lib_version"}
    # The client leaves it to whoever runs the request to send no ip; ours says so in every event.
    assert only_in(event["properties"], posted["properties"]) == {"ip"}


def test_mixpanels_client_makes_event_ids_of_the_kind_that_ours_are(collector: Collector) -> None:
    client = Mixpanel("a token", consumer=Consumer(import_url=f"{collector.url}/import", retry_limit=0))
    client.import_data("an api key", an_id(VendorName.MIXPANEL, "userId"), "Logged In", SECONDS)
    properties = collector.only()[1]["properties"]
    own = ours(VendorName.MIXPANEL, CallType.TRACK)["properties"]
    for made in (properties["$insert_id"], own["$insert_id"]):
        assert isinstance(made, str)
        assert len(made) <= 36
        assert made.isascii()
        assert made.isalnum()
    assert type(properties["time"]) is type(own["time"]) is int


# Amplitude


def _amplitude(collector: Collector) -> Amplitude:
    return Amplitude("an api key", Config(server_url=f"{collector.url}/2/httpapi", flush_max_retries=1))


def _amplitude_options() -> EventOptions:
    return EventOptions(
        user_id=an_id(VendorName.AMPLITUDE, "userId"),
        device_id=an_id(VendorName.AMPLITUDE, "anonymousId"),
        insert_id=an_id(VendorName.AMPLITUDE, "messageId"),
        time=SECONDS * 1000,
    )


def _amplitude_event(client: Amplitude, collector: Collector) -> dict[str, Any]:
    for future in client.flush():
        if future is not None:
            future.result(timeout=30)
    client.shutdown()
    path, posted = collector.only()
    assert path == "/2/httpapi"
    event: dict[str, Any] = posted["events"][0]
    return event


def test_amplitudes_client_posts_the_same_event(collector: Collector) -> None:
    client = _amplitude(collector)
    client.track(
        BaseEvent(
            event_type="Feedback Submitted",
            user_id=an_id(VendorName.AMPLITUDE, "userId"),
            device_id=an_id(VendorName.AMPLITUDE, "anonymousId"),
            insert_id=an_id(VendorName.AMPLITUDE, "messageId"),
            time=SECONDS * 1000,
            event_properties=PROPERTIES,
        )
    )
    posted = _amplitude_event(client, collector)
    event = ours(VendorName.AMPLITUDE, CallType.TRACK)
    assert only_in(posted, event) == {"library"}
    assert only_in(event, posted) == set()


def test_amplitudes_client_posts_the_same_identify_event(collector: Collector) -> None:
    client = _amplitude(collector)
    identify = Identify()
    for name, value in TRAITS.items():
        identify.set(name, value)
    client.identify(identify, _amplitude_options())
    posted = _amplitude_event(client, collector)
    event = ours(VendorName.AMPLITUDE, CallType.IDENTIFY)
    # The API takes plain properties, which are set, as well as the client's operations.
    assert posted.pop("user_properties")["$set"] == event.pop("user_properties")
    assert only_in(posted, event) == {"library"}
    assert only_in(event, posted) == set()


def test_amplitudes_client_posts_the_same_group_event(collector: Collector) -> None:
    client = _amplitude(collector)
    identify = Identify()
    for name, value in TRAITS.items():
        identify.set(name, value)
    client.group_identify("group", an_id(VendorName.AMPLITUDE, "groupId"), identify, _amplitude_options())
    posted = _amplitude_event(client, collector)
    event = ours(VendorName.AMPLITUDE, CallType.GROUP)
    assert posted.pop("group_properties")["$set"] == event.pop("group_properties")
    assert only_in(posted, event) == {"library"}
    assert only_in(event, posted) == set()


# PostHog


def _posthog(collector: Collector) -> Posthog:
    return Posthog("phc_test", host=collector.url, sync_mode=True, max_retries=0)


def _posthog_event(collector: Collector) -> dict[str, Any]:
    path, posted = collector.only()
    assert path == "/batch/"
    event: dict[str, Any] = posted["batch"][0]
    return event


def test_posthogs_client_posts_the_same_event(collector: Collector) -> None:
    client = _posthog(collector)
    client.capture(
        "Feedback Submitted",
        distinct_id=an_id(VendorName.POSTHOG, "userId"),
        properties=PROPERTIES
        | {"$process_person_profile": False, "$device_id": an_id(VendorName.POSTHOG, "anonymousId")},
        timestamp=MOMENT,
        uuid=an_id(VendorName.POSTHOG, "messageId"),
    )
    posted = _posthog_event(collector)
    event = ours(VendorName.POSTHOG, CallType.TRACK)
    assert datetime.fromisoformat(posted.pop("timestamp")) == MOMENT
    assert datetime.fromisoformat(event.pop("timestamp")) == MOMENT
    sent, own = posted.pop("properties"), event.pop("properties")
    assert only_in(posted, event) == set()
    assert only_in(event, posted) == set()
    # The client tells of the machine it runs on; ours says nothing of itself.
    assert {name for name in only_in(sent, own) if not name.startswith("$")} == set()
    assert {"$lib", "$lib_version"} <= only_in(sent, own)
    assert only_in(own, sent) == set()


def test_posthogs_client_keeps_our_event_id_as_a_valid_one(collector: Collector) -> None:
    # It replaces what is no UUID, so that it comes back unchanged shows that a version 8 is one.
    client = _posthog(collector)
    own = an_id(VendorName.POSTHOG, "messageId")
    answer = client.capture("x", distinct_id=an_id(VendorName.POSTHOG, "userId"), uuid=own)
    assert answer == own == _posthog_event(collector)["uuid"]


@pytest.mark.parametrize("call", [CallType.ALIAS, CallType.GROUP, CallType.IDENTIFY])
def test_posthogs_profile_events_are_the_ones_that_ours_avoid(collector: Collector, call: CallType) -> None:
    client = _posthog(collector)
    user = an_id(VendorName.POSTHOG, "userId")
    if call is CallType.ALIAS:
        client.alias(an_id(VendorName.POSTHOG, "previousId"), user)
    elif call is CallType.GROUP:
        client.group_identify("group", an_id(VendorName.POSTHOG, "groupId"), TRAITS)
    else:
        client.set(distinct_id=user, properties=TRAITS)
    posted = _posthog_event(collector)
    event = ours(VendorName.POSTHOG, call)
    # With $process_person_profile false, which every event of ours has, PostHog drops these names.
    assert posted["event"].startswith("$")
    assert event["event"] == call.value
    assert "$set" not in event
    assert "$set" not in event["properties"]


# Segment


def _segment(collector: Collector) -> Segment:
    return Segment("a write key", host=collector.url, sync_mode=True, max_retries=0)


@pytest.mark.parametrize("call", CallType)
def test_segments_client_posts_the_same_call(collector: Collector, call: CallType) -> None:
    def id_of(path: str) -> str:
        return an_id(VendorName.SEGMENT, path)

    client = _segment(collector)
    common: dict[str, Any] = {"timestamp": MOMENT, "message_id": id_of("messageId")}
    if call is not CallType.ALIAS:
        common["anonymous_id"] = id_of("anonymousId")
    user = id_of("userId")
    if call is CallType.TRACK:
        client.track(user, "Feedback Submitted", PROPERTIES, **common)
    elif call is CallType.IDENTIFY:
        client.identify(user, TRAITS, **common)
    elif call is CallType.GROUP:
        client.group(user, id_of("groupId"), TRAITS, **common)
    elif call is CallType.ALIAS:
        client.alias(id_of("previousId"), user, **common)
    elif call is CallType.PAGE:
        client.page(user, **common)
    else:
        client.screen(user, **common)
    path, posted = collector.only()
    # The client writes down what it was not told: no anonymousId, empty properties.
    sent = {name: value for name, value in posted["batch"][0].items() if value not in (None, {})}
    own = ours(VendorName.SEGMENT, call)

    assert path == "/v1/batch"
    assert datetime.fromisoformat(sent.pop("timestamp")) == MOMENT
    assert datetime.fromisoformat(own.pop("timestamp")) == MOMENT
    assert sent.pop("context").keys() == {"library"}  # the client names itself; ours says nothing of itself
    assert only_in(sent, own) == set()
    # The client has no anonymous id for an alias; the spec does.
    assert only_in(own, sent) == ({"anonymousId"} if call is CallType.ALIAS else set())
