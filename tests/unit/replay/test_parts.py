"""The parts of a replay that need no Kafka: its counts, its pace, what it reads, what it compares."""

import orjson
import pytest
from kafka import TopicPartition

from service.events.event import RejectReason
from service.output.dead_letters import DeadLetter
from service.policy.vendor_names import VendorName
from service.replay import pacing
from service.replay.differences import Differences
from service.replay.letters import Due, Letters
from service.replay.pacing import Rate
from service.replay.reader import named
from service.replay.report import differences_as_json
from service.replay.tally import ALL_VENDORS, Counted, Kind, Tally
from service.replay.targets import Mark
from service.sanitize.outcomes import (
    BatchResult,
    FailReason,
    Outcome,
    Sent,
    Stage,
    Suppressed,
    SuppressReason,
)
from service.vendors.form import ShapeReason
from service.vendors.registry import FORMS

#: Bytes of an offset's metadata that a broker takes, unless it is set otherwise.
MOST_METADATA = 4096
MANY = 10**12


def fullest() -> Tally:
    """Everything that can happen, often, with many long key versions."""
    tally = Tally(MANY, MANY, MANY)
    for vendor in VendorName:
        tally.gate_hits[vendor] = tally.outcomes[Counted(vendor, Kind.SENT)] = MANY
        for why in SuppressReason:
            tally.outcomes[Counted(vendor, Kind.SUPPRESSED, why)] = MANY
        for reason in (*ShapeReason, FailReason.NO_KEY_FOR_TIME, FailReason.OUTPUT_TOO_LARGE):
            tally.outcomes[Counted(vendor, Kind.DEAD_LETTERED, reason)] = MANY
    for reason in (*RejectReason, FailReason.WORKER_CRASHED, FailReason.TIMEOUT):
        tally.outcomes[Counted(ALL_VENDORS, Kind.DEAD_LETTERED, reason)] = MANY
    tally.keys.update({f"{number:032}": MANY for number in range(100)})
    return tally


def test_the_fullest_tally_fits_beside_an_offset() -> None:
    committed = Mark(MANY, fullest()).encode()
    assert len(committed.metadata.encode()) < MOST_METADATA
    again = Mark.of(committed).tally
    assert again.outcomes == fullest().outcomes
    assert again.keys.total() == fullest().keys.total()
    assert Tally.decode(again.encode()).keys.total() == fullest().keys.total()


@pytest.mark.parametrize(
    "text", ["", "null", "{}", "[1,2,3]", "[0,0,0,{},{},{},0]", '[0,0,0,{"a":{"x":{"r":1}}},{},{}]']
)
def test_what_is_no_tally(text: str) -> None:
    with pytest.raises(ValueError):
        Tally.decode(text)


class Clock:
    """Time that passes only as it is slept away."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_the_rate_holds_and_nothing_is_saved_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(pacing, "time", clock)
    monkeypatch.setattr(pacing, "asyncio", clock)
    rate = Rate(50)
    for _ in range(20):
        await rate.take(10)
    assert clock.now == pytest.approx(100 + 19 * 10 / 50)
    await clock.sleep(1000)  # nothing came for a while: that is not made up for
    before = clock.now
    for _ in range(6):
        await rate.take(25)
    assert clock.now - before == pytest.approx(5 * 25 / 50)


def letter(offset: int, vendor: VendorName | None, topic: str = "events.raw") -> DeadLetter:
    return DeadLetter(
        topic=topic,
        partition=1,
        offset=offset,
        timestamp=0,
        vendor=vendor,
        stage=Stage.SANITIZE,
        reason=FailReason.TIMEOUT,
        policy="ab" * 32,
    )


def test_letters_select_records_and_their_vendors() -> None:
    letters = Letters([VendorName.GA4, VendorName.SEGMENT], ["events.raw"])
    for each in (
        letter(7, None),
        letter(3, VendorName.GA4),
        letter(3, VendorName.GA4),
        letter(4, VendorName.MIXPANEL),
        letter(5, None, "other"),
    ):
        letters.add(each)
    source = TopicPartition("events.raw", 1)
    assert (letters.sources, letters.offsets(source)) == ([source], [3, 7])
    assert letters.due(source, 3) == {Due(VendorName.GA4, FailReason.TIMEOUT)}
    assert {each.vendor for each in letters.due(source, 7)} == {VendorName.GA4, VendorName.SEGMENT}


def test_events_are_selected_by_name_or_call() -> None:
    selects = named(frozenset({"Signed Up", "page"}))
    assert selects is not None
    chosen = [{"type": "track", "event": "Signed Up"}, {"type": "page"}, {"type": "page", "event": "x"}]
    others = [{"type": "track"}, {"type": "identify"}, {}, [], "page"]
    assert all(selects(orjson.dumps(each)) for each in chosen)
    assert not any(selects(orjson.dumps(each)) for each in others)
    assert not any(selects(each) for each in (None, b"", b"no JSON", b"\xff"))
    assert named(frozenset()) is None


def sent(value: bytes, key: bytes = b"k") -> Outcome:
    return Sent(VendorName.SEGMENT, "t", key, value, ())


def test_differences_tell_fields_and_never_values() -> None:
    secret = "Harriet Whitlock"
    nothing = Suppressed(VendorName.SEGMENT, SuppressReason.CONSENT)
    other = Suppressed(VendorName.SEGMENT, SuppressReason.EVENT_NOT_ALLOWED)
    pairs = [
        (sent(b'{"a":1}'), sent(b'{"a":1}')),
        (sent(orjson.dumps({"a": {"b": secret}, "c": [1, secret]})), sent(b'{"a":{"b":"x"},"d":1,"c":[1]}')),
        (sent(b'{"a":1}'), sent(b'{"a":true}', key=secret.encode())),
        (nothing, sent(b"{}")),
        (sent(b"{}"), nothing),
        (nothing, other),
        (nothing, nothing),
    ]
    differences = Differences((VendorName.SEGMENT,))
    ours, theirs = (BatchResult([(pair[side],) for pair in pairs]) for side in (0, 1))
    differences.add(ours, theirs)
    (found,) = differences_as_json(differences).values()
    assert isinstance(found, dict)
    assert found.pop("fields") == {
        "a": {"changed": 1},
        "a.b": {"changed": 1},
        "c[]": {"changed": 1},
        "d": {"added": 1},
        "record key": {"changed": 1},
    }
    assert found == {"same": 1, "changed": 2, "added": 1, "removed": 1, "other_reason": 1}
    assert secret not in repr(found)
    assert differences.any


def test_a_mark_makes_a_payload_too_large_at_the_vendors_limit() -> None:
    for vendor in (VendorName.AMPLITUDE, VendorName.POSTHOG):
        form = FORMS[vendor]
        room = form.max_bytes - len(form.backfill_mark) - len(b'{,"x":""}')
        fits, over = (orjson.dumps({"x": "y" * length}) for length in (room, room + 1))
        marked = form.backfill(fits, 0)
        assert isinstance(marked, bytes)
        assert len(marked) == form.max_bytes
        assert orjson.loads(marked).keys() == {*orjson.loads(b"{" + form.backfill_mark + b"}"), "x"}
        assert form.backfill(over, 0) is ShapeReason.PAYLOAD_TOO_LARGE


def test_google_takes_what_is_72_hours_old_and_no_older() -> None:
    begun, form = 1_800_000_000, FORMS[VendorName.GA4]
    at = orjson.dumps({"timestamp_micros": (begun - 72 * 3600) * 1_000_000})
    before = orjson.dumps({"timestamp_micros": (begun - 72 * 3600 - 1) * 1_000_000})
    assert form.backfill(at, begun) == at
    assert form.backfill(before, begun) is None
