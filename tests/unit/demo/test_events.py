"""The sample: repeatable, believable, and honest about what it holds."""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import unquote

import orjson
import pytest

from service.demo.events import START, Mix, generate, population
from service.demo.malformed import malformed
from service.demo.people import LANGUAGES
from service.demo.planted import Kind, Place, SampleEvent
from service.events.decode import decode
from service.events.event import CallType, Event, Rejection, RejectReason
from service.events.json_value import JsonValue
from service.events.paths import MISSING, lookup
from service.policy.action_specs import Scrub
from service.policy.plan import CompiledPolicy


@pytest.fixture(scope="module")
def sample() -> list[SampleEvent]:
    return generate(5000, seed=1)


@pytest.mark.parametrize(
    ("mix", "digest"),
    [
        (Mix.REALISTIC, "ff6b539ca70d24afb6899cebf7b969489109b8453bb2af98cca6a6dfbcd35348"),
        (Mix.STRUCTURED, "b35f04ba4e8eaba8e32ea116bb869a93ca6e3ad9ef89e020ec16df4a0e47a1e5"),
        (Mix.TEXT, "44dbc3b1f46e75d6d69fbcee2dac7afc718263d86f6add6971c78e48d65085ff"),
    ],
)
def test_a_seed_gives_the_same_bytes_everywhere(mix: Mix, digest: str) -> None:
    written = sha256()
    for event in generate(400, seed=7, mix=mix):
        written.update(event.key + b"\t" + (event.raw or b"") + b"\n")
        for planted in event.planted:
            written.update(f"{planted.place} {planted.kind} {planted.value}\n".encode())
    assert written.hexdigest() == digest


def test_another_seed_gives_other_events() -> None:
    assert {event.raw for event in generate(50, seed=1)}.isdisjoint(
        event.raw for event in generate(50, seed=2)
    )


def test_every_event_is_valid_and_has_a_second_of_its_own(sample: list[SampleEvent]) -> None:
    moments = []
    for event in sample:
        decoded = decode(event.raw)
        assert isinstance(decoded, Event)
        assert decoded.body == event.body
        moments.append(decoded.timestamp)
    assert moments == [event.timestamp for event in sample]
    assert moments == sorted(set(moments))


def test_every_planted_value_is_in_the_raw_event(sample: list[SampleEvent]) -> None:
    for event in sample:
        texts = list(_texts(orjson.loads(event.raw or b"")))
        texts += [unquote(text) for text in texts]
        whole = "\n".join(texts).casefold()
        for planted in event.planted:
            assert planted.value.casefold() in whole, planted.kind


def test_every_kind_is_planted_where_people_put_it(sample: list[SampleEvent]) -> None:
    planted = {(planted.kind, planted.place) for event in sample for planted in event.planted}
    in_words = {kind for kind, place in planted if place is Place.FREE_TEXT}
    structured = {kind for kind, place in planted if place is Place.STRUCTURED}
    assert structured | in_words == set(Kind)
    assert in_words >= {Kind.NAME, Kind.EMAIL, Kind.PHONE, Kind.STREET, Kind.CARD, Kind.TOKEN, Kind.IP}


def test_the_mix_covers_the_tracking_plan(sample: list[SampleEvent], policy: CompiledPolicy) -> None:
    planned = {name for plan in policy.vendors for name in plan.events}
    names = {event.body.get("event") for event in sample} - {None}
    assert names == planned | {"Legacy Button Clicked"}
    assert {event.body["type"] for event in sample} == set(CallType)
    assert {event.language for event in sample} == set(LANGUAGES)


def test_consent_and_switches_come_in_every_form(sample: list[SampleEvent]) -> None:
    consents = Counter(
        repr(lookup(event.body, ("context", "consent", "categoryPreferences", "analytics")))
        for event in sample
    )
    assert consents.keys() == {"True", "False", "MISSING"}
    switched = Counter(repr(event.body.get("integrations")) for event in sample)
    assert len(switched) == 4
    assert switched["None"] > len(sample) / 2


def test_one_event_of_ten_carries_words(sample: list[SampleEvent], policy: CompiledPolicy) -> None:
    with_words = sum(_has_words(event, policy) for event in sample)
    assert 0.08 < with_words / len(sample) < 0.12


def test_the_structured_mix_carries_none(policy: CompiledPolicy) -> None:
    assert not any(_has_words(event, policy) for event in generate(2000, seed=3, mix=Mix.STRUCTURED))


def test_the_text_mix_carries_long_words_in_every_event(policy: CompiledPolicy) -> None:
    sample = generate(500, seed=3, mix=Mix.TEXT)
    assert all(_has_words(event, policy) for event in sample)
    texts = [
        str(event.body["properties"].get("comment") or event.body["properties"].get("body"))
        for event in sample
        if isinstance(event.body["properties"], dict)
    ]
    assert len(texts) == len(sample)
    assert sum(map(len, texts)) / len(texts) > 200


def test_few_users_are_busy_and_most_are_not(sample: list[SampleEvent]) -> None:
    events = sorted(Counter(event.body["anonymousId"] for event in sample).values())
    assert events[-1] > 10 * events[len(events) // 2]


def test_every_malformed_record_is_rejected_for_its_reason() -> None:
    broken = malformed(11)
    assert broken.keys() == set(RejectReason)
    for reason, event in broken.items():
        assert decode(event.raw) == Rejection(reason)
        assert event.planted
    assert [event.raw for event in malformed(11).values()] == [event.raw for event in broken.values()]


def _has_words(event: SampleEvent, policy: CompiledPolicy) -> bool:
    decoded = decode(event.raw)
    assert isinstance(decoded, Event)
    return any(
        isinstance(rule.spec, Scrub) and lookup(event.body, rule.path) is not MISSING
        for plan in policy.vendors
        for rule in plan.rules(decoded.call, decoded.name) or ()
    )


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str) and value.startswith("{"):
        yield from _texts(orjson.loads(value))
    else:
        yield str(value)


def test_a_population_has_all_its_users_and_stays_within_its_days() -> None:
    visits = population(40, 3, seed=5)
    events = [decode(visit.raw) for visit in visits]
    assert all(isinstance(event, Event) for event in events)
    times = [event.timestamp for event in events if isinstance(event, Event)]
    assert times == sorted(times)
    assert times[0] >= START
    assert times[-1] < START + 3 * 86_400 + 25 * 90, "a session may go on past midnight"
    assert len({visit.user for visit in visits}) == 40
    assert visits == population(40, 3, seed=5)
    assert visits != population(40, 3, seed=6)
