"""Circuit breakers: when they open, what they hold back, when they close, and who is told."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.output.encoding import Encoding, Output
from service.output.rules import OutputRules, OutputTerms
from service.policy.plan import BreakerRule, CompiledPolicy, ConsentRule, VendorPlan
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import (
    BatchResult,
    GateHit,
    RecordOutcomes,
    Sent,
    Suppressed,
    SuppressReason,
)
from service.streaming.breakers import BreakerRecord, Breakers, Cause, State, Window, gate_counts, read_record
from tests.written_records import written_records

GA4, MIXPANEL = VendorName.GA4, VendorName.MIXPANEL
FINGERPRINT = "5f" * 32
START = 1_772_431_200_000
HOUR = 3_600_000
RULE = BreakerRule(gate_hits=3, per_events=10, close_after=3600)


class Clock:
    """Milliseconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> int:
        return self.moment


def plan(vendor: VendorName, rule: BreakerRule) -> VendorPlan:
    return VendorPlan(vendor, "t", "i", ConsentRule("c", "deny"), frozenset(), {}, {}, {}, rule)


def breakers(clock: Clock | None = None, rule: BreakerRule = RULE) -> Breakers:
    policy = CompiledPolicy(tuple(plan(vendor, rule) for vendor in VendorName), (), FINGERPRINT)
    return Breakers(policy, "control", clock or Clock())


def result(events: int, hits: int = 0, vendor: VendorName = GA4) -> BatchResult:
    """A batch whose events go to GA4 and Mixpanel, with hits for one of them."""
    outcomes: list[RecordOutcomes] = [
        tuple(Sent(each, f"{each}.events", b"k", b"v%d" % number, ()) for each in (MIXPANEL, GA4))
        for number in range(events)
    ]
    found = BatchResult(outcomes)
    if hits:
        found.gate_hits[GateHit(vendor, "properties.note", "EMAIL_ADDRESS")] = hits
    return found


def observe(some: Breakers, found: BatchResult) -> None:
    some.observe(*gate_counts(found))


BATCH = st.tuples(st.integers(0, 5), st.integers(0, 20))


@given(st.lists(BATCH, max_size=40), st.integers(1, 30))
def test_a_window_is_the_fewest_last_batches_that_hold_so_many_events(
    batches: list[tuple[int, int]], per_events: int
) -> None:
    window = Window(per_events)
    for number, (hits, events) in enumerate(batches, start=1):
        window.add(hits, events)
        hits_expected = events_expected = 0
        for old_hits, old_events in reversed(batches[:number]):
            if events_expected >= per_events:
                break
            hits_expected += old_hits
            events_expected += old_events
        assert (window.hits, window.events) == (hits_expected, events_expected)


@given(st.lists(st.tuples(st.just(0), st.integers(0, 1)), max_size=300))
def test_a_window_is_bounded(batches: list[tuple[int, int]]) -> None:
    window = Window(10)
    for batch in batches:
        window.add(*batch)
    assert len(window._batches) <= 10


def test_hits_below_the_rate_change_nothing() -> None:
    some = breakers()
    for _ in range(100):
        observe(some, result(5, hits=1))  # 2 in 10
    assert some.open == {}
    assert some.unwritten() == ()


def test_the_batch_that_has_too_many_hits_is_held_back_itself() -> None:
    some = breakers()
    observe(some, result(4, hits=2))
    observe(some, result(4, hits=1))
    assert some.open.keys() == {GA4}
    record = some.open[GA4]
    assert record == BreakerRecord(
        state=State.OPEN,
        since=START,
        until=START + HOUR,
        by=Cause.POLICY,
        hits=3,
        events=8,
        policy=FINGERPRINT,
    )


def test_an_open_breaker_is_a_note_for_people() -> None:
    some = breakers()
    assert some.notes() == []
    observe(some, result(1, hits=3))
    some.learn(MIXPANEL, BreakerRecord(state=State.OPEN, since=START, by=Cause.OPERATOR))
    assert [str(note) for note in some.notes()] == [
        "ok  breaker ga4: open since 2026-03-02T06:00:00Z, closes 2026-03-02T07:00:00Z",
        "ok  breaker mixpanel: open since 2026-03-02T06:00:00Z, closes by an operator",
    ]


def test_hits_are_counted_by_vendor() -> None:
    some = breakers()
    observe(some, result(4, hits=2))
    observe(some, result(4, hits=2, vendor=MIXPANEL))
    assert some.open == {}
    observe(some, result(1, hits=1, vendor=MIXPANEL))
    assert some.open.keys() == {MIXPANEL}


def test_an_opening_is_to_be_written_until_it_was() -> None:
    some = breakers()
    observe(some, result(1, hits=3))
    (opening,) = some.unwritten()
    assert written_records([opening.encoded()]) == [("control", 0, b"ga4", opening.value, ())]
    assert orjson.loads(opening.value) == {
        "state": "open",
        "since": START,
        "until": START + HOUR,
        "by": "policy",
        "hits": 3,
        "events": 1,
        "policy": FINGERPRINT,
    }
    assert read_record(opening.key, opening.value, 0) == (GA4, some.open[GA4])
    observe(some, result(5, hits=9))
    observe(some, result(1, hits=3, vendor=MIXPANEL))
    assert some.unwritten()[0] == opening
    some.written((opening,))
    assert [each.key for each in some.unwritten()] == [b"mixpanel"]


def test_a_breaker_closes_when_its_time_has_come_and_counts_anew() -> None:
    clock = Clock()
    some = breakers(clock)
    observe(some, result(1, hits=3))
    clock.moment += HOUR - 1
    some.expire()
    assert some.open.keys() == {GA4}
    clock.moment += 1
    observe(some, result(1, hits=2))
    assert some.open == {}
    assert some.unwritten() == ()
    observe(some, result(1, hits=1))
    assert some.open.keys() == {GA4}


def test_without_a_time_only_an_operator_closes_it() -> None:
    clock = Clock()
    some = breakers(clock, BreakerRule(3, 10, None))
    observe(some, result(1, hits=3))
    some.written(some.unwritten())
    clock.moment += 10_000 * HOUR
    some.expire()
    assert some.open.keys() == {GA4}
    some.learn(GA4, BreakerRecord(state=State.CLOSED, since=clock.moment, by=Cause.OPERATOR))
    assert some.open == {}


def test_an_operators_close_counts_anew_where_nothing_was_open() -> None:
    some = breakers()
    observe(some, result(1, hits=2))
    some.learn(GA4, BreakerRecord(state=State.CLOSED, since=START, by=Cause.OPERATOR))
    observe(some, result(1, hits=2))
    assert some.open == {}


def test_an_opening_on_its_way_wins_over_an_older_close() -> None:
    some = breakers()
    observe(some, result(1, hits=3))
    some.learn(GA4, BreakerRecord(state=State.CLOSED, since=START, by=Cause.OPERATOR))
    assert some.open.keys() == {GA4}


def test_states_are_taken_over_from_others() -> None:
    clock = Clock()
    some = breakers(clock)
    others = BreakerRecord(state=State.OPEN, since=START, until=START + 5, by=Cause.POLICY, hits=7, events=9)
    over = BreakerRecord(state=State.OPEN, since=START - 9, until=START, by=Cause.POLICY)
    some.restore({GA4: others, MIXPANEL: over})
    assert some.open == {GA4: others}
    assert some.unwritten() == ()
    operators = BreakerRecord(state=State.OPEN, since=START, by=Cause.OPERATOR)
    some.learn(GA4, operators)
    some.learn(VendorName.SEGMENT, operators)
    clock.moment += 5
    some.expire()
    assert some.open == {GA4: operators, VendorName.SEGMENT: operators}


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"closed",
        b"{}",
        b'{"state":"closed"}',
        b'{"state":"ajar","since":1,"by":"operator"}',
        b'{"state":"closed","since":"1","by":"operator"}',
        b'{"state":"closed","since":1,"by":"operator","note":"x"}',
        b'{"state":"closed","since":-1,"by":"operator"}',
        b'{"state":"closed","since":999999999999999999,"by":"operator"}',
        b"\xff",
    ],
)
@pytest.mark.parametrize("timestamp", [START, -1, 2**62])
def test_what_nobody_can_read_opens(value: bytes | None, timestamp: int) -> None:
    found = read_record(b"ga4", value, timestamp)
    assert found is not None
    vendor, record = found
    assert vendor is GA4
    assert record.is_open(2**62)
    assert record.by is Cause.UNREADABLE
    assert record.start.endswith("Z")


@pytest.mark.parametrize("key", [None, b"", b"GA4", b"other", b"\xff"])
def test_a_record_of_no_vendor_says_nothing(key: bytes | None) -> None:
    assert read_record(key, b'{"state":"open","since":1,"by":"operator"}', START) is None


def test_only_the_vendors_own_events_become_dead_letters() -> None:
    found = result(2)
    found.outcomes[1] = (found.outcomes[1][0], Suppressed(GA4, SuppressReason.CONSENT))

    def encoded(shut: frozenset[VendorName]) -> Output:
        rules = OutputRules("dead", FINGERPRINT, 10_000)
        terms = OutputTerms(rules, {"dead": 1, "ga4.events": 1, "mixpanel.events": 1}, shut)
        return Encoding(terms, ("raw", 2), (7, 9), (70, 90)).encode(found)

    as_ever, held_back = encoded(frozenset()), encoded(frozenset({GA4}))
    kept = [each for each in written_records(held_back.batches) if each.topic == "mixpanel.events"]
    assert kept == [each for each in written_records(as_ever.batches) if each.topic == "mixpanel.events"]
    assert len(kept) == 2
    (letter,) = (each for each in written_records(held_back.batches) if each.topic != "mixpanel.events")
    assert (letter.topic, letter.key) == ("dead", b"raw/2/7")
    assert letter.value is not None
    assert orjson.loads(letter.value) == {
        "topic": "raw",
        "partition": 2,
        "offset": 7,
        "timestamp": 70,
        "vendor": "ga4",
        "stage": "gate",
        "reason": "breaker_open",
        "policy": FINGERPRINT,
    }
    assert held_back.outcomes == {
        ("mixpanel", "sent", ""): 2,
        ("ga4", "dead_lettered", "breaker_open"): 1,
        ("ga4", "suppressed", "consent"): 1,
    }
    assert held_back.passed == as_ever.passed == {MIXPANEL: 2, GA4: 1}
