"""The pure function: same bytes whatever the batch, one outcome a vendor, nothing personal from structure."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.demo.events import generate
from service.demo.malformed import malformed
from service.demo.planted import Place, SampleEvent
from service.detection.detector import Detector
from service.policy.plan import CompiledPolicy
from service.policy.vendor_names import VendorName
from service.pseudonyms.keyring import KeyRing
from service.sanitize.outcomes import DeadLettered, RecordOutcomes, Sent, Stage
from service.sanitize.sanitizer import Sanitizer

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def events() -> list[SampleEvent]:
    return generate(300, seed=11)


@pytest.fixture(scope="module")
def outcomes(sanitizer: Sanitizer, events: list[SampleEvent]) -> list[RecordOutcomes]:
    return sanitizer.sanitize([event.raw for event in events]).outcomes


def assert_accounted_for(outcomes: RecordOutcomes) -> None:
    """One outcome for each vendor in the policy's order, or one dead letter for all."""
    if len(outcomes) == 1:
        (only,) = outcomes
        assert isinstance(only, DeadLettered)
        assert only.vendor is None
    else:
        assert [outcome.vendor for outcome in outcomes] == list(VendorName)


def test_the_batch_makes_no_difference(
    policy: CompiledPolicy, keyring_file: Path, events: list[SampleEvent], outcomes: list[RecordOutcomes]
) -> None:
    """Alone or together, in another order, with a cold cache: the same bytes."""
    cold = Sanitizer(policy, KeyRing.load(keyring_file), Detector(spacy_model="en_core_web_md"))
    backwards = [event.raw for event in reversed(events)]
    in_pieces: list[RecordOutcomes] = []
    size = 1
    while backwards:
        in_pieces += cold.sanitize(backwards[:size]).outcomes
        del backwards[:size]
        size = size * 3 % 64 + 1
    assert in_pieces[::-1] == outcomes


def test_every_event_has_one_outcome_for_each_vendor(outcomes: list[RecordOutcomes]) -> None:
    for each in outcomes:
        assert_accounted_for(each)
    assert sum(isinstance(outcome, Sent) for each in outcomes for outcome in each) > 3 * len(outcomes)


def test_no_structured_identity_value_comes_through(
    events: list[SampleEvent], outcomes: list[RecordOutcomes]
) -> None:
    for event, each in zip(events, outcomes, strict=True):
        elsewhere = {p.value.casefold() for p in event.planted if p.place is Place.FREE_TEXT}
        for outcome in each:
            if isinstance(outcome, Sent):
                shown = b" ".join((outcome.value, outcome.key, *(value for _, value in outcome.headers)))
                text = json.dumps(json.loads(outcome.value), ensure_ascii=False).casefold()
                for planted in event.planted:
                    value = planted.value.casefold()
                    if planted.place is Place.STRUCTURED and value not in elsewhere and len(value) > 4:
                        assert value not in text, planted.kind
                        assert planted.value.encode() not in shown, planted.kind


def test_every_way_of_being_no_event_is_dead_lettered_for_its_reason(sanitizer: Sanitizer) -> None:
    spoiled = malformed(3)
    result = sanitizer.sanitize([event.raw for event in spoiled.values()])
    for reason, each in zip(spoiled, result.outcomes, strict=True):
        assert each == (DeadLettered(None, Stage.DECODE, reason),)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    records=st.lists(st.none() | st.binary(max_size=60) | st.text(max_size=60).map(str.encode), max_size=5)
)
def test_any_bytes_get_an_outcome(sanitizer: Sanitizer, records: list[bytes | None]) -> None:
    result = sanitizer.sanitize(records)
    assert len(result.outcomes) == len(records)
    for each in result.outcomes:
        assert_accounted_for(each)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_field_of_any_kind_gets_an_outcome(
    sanitizer: Sanitizer, policy: CompiledPolicy, events: list[SampleEvent], data: st.DataObject
) -> None:
    """Whatever stands where a classified field should stand, nothing breaks and nothing is lost."""
    body = json.loads(data.draw(st.sampled_from(events)).raw or b"{}")
    rules = policy.vendors[0].rules(body["type"], body.get("event")) or ()
    for rule in data.draw(st.lists(st.sampled_from(rules), max_size=4)) if rules else ():
        node = body
        for key in rule.path[:-1]:
            if not isinstance(node.get(key), dict):
                node[key] = {}
            node = node[key]
        node[rule.path[-1]] = data.draw(json_values)
    result = sanitizer.sanitize([json.dumps(body).encode()])
    assert_accounted_for(result.outcomes[0])


def test_a_person_called_like_a_word_of_the_plan_changes_nothing(sanitizer: Sanitizer) -> None:
    """`[Amplitude] <IDENTITY> Viewed` would tell that somebody is called Page."""

    def payloads(name: str, user: str) -> list[str]:
        call = {
            "messageId": "m-1",
            "timestamp": "2026-11-03T12:34:56Z",
            "userId": user,
            "anonymousId": "a-55021",
            "context": {
                "traits": {"name": name},
                "location": {"region": "Georgia", "country": "US"},
                "page": {"url": "https://console.example.org/docs"},
            },
        }
        run = {"type": "track", "event": "Playground Run", "properties": {"model": "claude-opus"}}
        records = [json.dumps(call | {"type": "page"}).encode(), json.dumps(call | run).encode()]
        outcomes = sanitizer.sanitize(records).outcomes
        return [outcome.value.decode() for each in outcomes for outcome in each if isinstance(outcome, Sent)]

    plain = payloads("Ottilie Brandner", "usr-77120")
    assert len(plain) == 2 * len(VendorName)
    for name in ("Claude Page", "Georgia Opus", "Playground Url"):
        assert payloads(name, "usr-77120") == plain
    for user in ("distinct_id", "event_type", "insert_id", "messageId"):
        assert not any("<" in payload for payload in payloads("Ottilie Brandner", user))
