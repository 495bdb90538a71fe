"""The vendors' circuit breakers in one worker: what opens them, what closes them, and who must be told.

Too many hits of the gate among a vendor's last events open its breaker; from then on the vendor gets nothing.
The states are shared by all workers through the control topic (service/streaming/control_topic.py).
"""

import itertools
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.events.timestamps import format_timestamp
from service.observability import metrics
from service.observability.probes import Check
from service.output.record_batches import Compression, EncodedBatch, TopicBatches
from service.policy.plan import CompiledPolicy
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import BatchResult, Sent

log = structlog.get_logger(__name__)

#: Milliseconds since 1970 of the last moment that can be written as a date.
LAST_MOMENT: Final = 253_402_300_799_999


def now() -> int:
    """Milliseconds since 1970. A breaker's times are the only ones in Weir that a clock gives."""
    return int(time.time() * 1000)


class State(StrEnum):
    """Whether a vendor gets its events."""

    OPEN = "open"
    CLOSED = "closed"


class Cause(StrEnum):
    """Who or what put a breaker into its state."""

    POLICY = "policy"
    OPERATOR = "operator"
    UNREADABLE = "unreadable"  # a record that nobody could have written in good order


class BreakerRecord(BaseModel):
    """The state of one vendor's breaker, as the control topic has it.

    Attributes:
        since: Milliseconds since 1970.
        until: When it closes by itself, milliseconds since 1970; None where only an operator closes it.
        hits: The hits of the gate that opened it; 0 where an operator did.
        events: The events among which they were counted.
        policy: Fingerprint of the policy that opened it; None where an operator did.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    state: State
    since: int = Field(ge=0, le=LAST_MOMENT)
    until: int | None = Field(default=None, ge=0, le=LAST_MOMENT)
    by: Cause
    hits: int = Field(default=0, ge=0)
    events: int = Field(default=0, ge=0)
    policy: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")

    def is_open(self, moment: int) -> bool:
        """Whether it is open at a moment, in milliseconds since 1970."""
        return self.state is State.OPEN and (self.until is None or moment < self.until)

    @property
    def start(self) -> str:
        """Since when it is so, as a date-time."""
        return format_timestamp(self.since // 1000)

    @property
    def end(self) -> str | None:
        """When it closes by itself, as a date-time."""
        return None if self.until is None else format_timestamp(self.until // 1000)

    def encode(self) -> bytes:
        """The record's value."""
        return self.model_dump_json().encode()


def read_record(
    key: bytes | None, value: bytes | None, timestamp: int
) -> tuple[VendorName, BreakerRecord] | None:
    """The vendor and state of a record of the control topic, written at `timestamp`; None for no vendor's.

    What can't be read opens the breaker: better an operator who closes it than a vendor who gets what it
    should not. A tombstone can't be read either: Weir writes none.
    """
    try:
        vendor = VendorName((key or b"").decode())
    except ValueError:
        return None
    try:
        return vendor, BreakerRecord.model_validate_json(value or b"")
    except ValidationError:
        since = min(max(0, timestamp), LAST_MOMENT)
        return vendor, BreakerRecord(state=State.OPEN, since=since, by=Cause.UNREADABLE)


class Opening(NamedTuple):
    """A record for the control topic that says that a breaker is open since a moment."""

    topic: str
    key: bytes
    value: bytes
    since: int

    def encoded(self) -> EncodedBatch:
        """It alone; the control topic has one partition."""
        batches = TopicBatches(
            self.topic,
            1,
            most_bytes=len(self.value),
            compression=Compression.NONE,
            timestamp=self.since,
        )
        batches.add(self.key, self.value, [])
        (batch,) = batches.encoded()
        return batch


class Window:
    """The hits among a vendor's last events: as few of its last batches as hold `per_events` events.

    A batch counts as a whole, so a window may hold more events than that, never less once they have been.
    """

    def __init__(self, per_events: int) -> None:
        self._per_events = per_events
        self._batches: deque[tuple[int, int]] = deque()
        self.hits = 0
        self.events = 0

    def add(self, hits: int, events: int) -> None:
        """Count one more batch."""
        if not hits and not events:
            return
        self._batches.append((hits, events))
        self.hits += hits
        self.events += events
        while self.events - self._batches[0][1] >= self._per_events:
            gone_hits, gone_events = self._batches.popleft()
            self.hits -= gone_hits
            self.events -= gone_events


def gate_counts(result: BatchResult) -> tuple[Counter[VendorName], Counter[VendorName]]:
    """A batch's hits of the gate, and the events that would go out, by vendor."""
    hits: Counter[VendorName] = Counter()
    for hit, times in result.gate_hits.items():
        hits[hit.vendor] += times
    outcomes = itertools.chain.from_iterable(result.outcomes)
    return hits, Counter(outcome.vendor for outcome in outcomes if isinstance(outcome, Sent))


class Breakers:
    """The breakers of all vendors, as this worker knows them. Only `open` is for other threads as well."""

    def __init__(self, policy: CompiledPolicy, topic: str, clock: Callable[[], int] = now) -> None:
        """All closed. `topic` is the control topic; `clock` gives milliseconds since 1970."""
        self._policy = policy.fingerprint
        self._rules = {plan.vendor: plan.breaker for plan in policy.vendors}
        self._topic = topic
        self._clock = clock
        self._windows = {vendor: Window(rule.per_events) for vendor, rule in self._rules.items()}
        self._unwritten: dict[VendorName, Opening] = {}
        #: Replaced as a whole, never changed: the probes' thread reads it.
        self.open: Mapping[VendorName, BreakerRecord] = {}
        for vendor in self._rules:
            metrics.BREAKER_OPEN.labels(vendor).set(0)

    def restore(self, records: Mapping[VendorName, BreakerRecord]) -> None:
        """Begin with the states that the control topic holds."""
        for vendor, record in records.items():
            if record.is_open(self._clock()):
                self._keep_open(vendor, record)
                log.warning("breaker_is_open", **_facts(vendor, record))

    def learn(self, vendor: VendorName, record: BreakerRecord) -> None:
        """Take over a state from the control topic, where the last one counts."""
        if vendor in self._unwritten:  # its own opening will follow there
            return
        if not record.is_open(self._clock()):
            self._close(vendor, record.by)
        elif record != self.open.get(vendor):
            self._open(vendor, record)

    def observe(self, hits: Mapping[VendorName, int], events: Mapping[VendorName, int]) -> None:
        """Count a batch's hits of the gate, and its events, before anything of it goes out.

        Opens the breakers of vendors with too many.
        """
        self.expire()
        for vendor, window in self._windows.items():
            if vendor not in self.open:
                window.add(hits.get(vendor, 0), events.get(vendor, 0))
                if window.hits >= self._rules[vendor].gate_hits:
                    self._trip(vendor, window)

    def notes(self) -> list[Check]:
        """A line of `/readyz` for each open breaker: a worker with one is ready all the same."""
        return [
            Check(
                f"breaker {vendor}",
                good=True,
                state=f"open since {record.start}, closes {record.end or 'by an operator'}",
            )
            for vendor, record in self.open.items()
        ]

    def unwritten(self) -> tuple[Opening, ...]:
        """What must go to the control topic with the next transaction: openings that it does not hold yet."""
        return tuple(self._unwritten.values())

    def written(self, records: tuple[Opening, ...]) -> None:
        """These have been committed."""
        self._unwritten = {key: each for key, each in self._unwritten.items() if each not in records}

    def expire(self) -> None:
        """Close what closes by itself, where its time has come."""
        moment = self._clock()
        for vendor, record in self.open.items():
            if not record.is_open(moment):
                self._unwritten.pop(vendor, None)
                self._close(vendor, Cause.POLICY)

    def _trip(self, vendor: VendorName, window: Window) -> None:
        since, rule = self._clock(), self._rules[vendor]
        record = BreakerRecord(
            state=State.OPEN,
            since=since,
            until=None if rule.close_after is None else since + 1000 * rule.close_after,
            by=Cause.POLICY,
            hits=window.hits,
            events=window.events,
            policy=self._policy,
        )
        self._unwritten[vendor] = Opening(self._topic, vendor.encode(), record.encode(), since)
        self._open(vendor, record)

    def _open(self, vendor: VendorName, record: BreakerRecord) -> None:
        self._keep_open(vendor, record)
        metrics.BREAKER_OPENED.labels(vendor, record.by).inc()
        log.warning("breaker_opened", **_facts(vendor, record))

    def _keep_open(self, vendor: VendorName, record: BreakerRecord) -> None:
        self.open = {**self.open, vendor: record}
        metrics.BREAKER_OPEN.labels(vendor).set(1)

    def _close(self, vendor: VendorName, by: Cause) -> None:
        """Close, and begin to count anew."""
        self._windows[vendor] = Window(self._rules[vendor].per_events)
        if vendor in self.open:
            self.open = {name: record for name, record in self.open.items() if name != vendor}
            metrics.BREAKER_OPEN.labels(vendor).set(0)
            log.info("breaker_closed", vendor=vendor.value, by=by.value)


def _facts(vendor: VendorName, record: BreakerRecord) -> dict[str, object]:
    return {
        "vendor": vendor.value,
        "by": record.by.value,
        "hits": record.hits,
        "events": record.events,
        "until": record.end,
    }
