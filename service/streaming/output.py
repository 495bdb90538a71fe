"""What one transaction writes: the records of a batch's outcomes, and what to count once committed."""

import time
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from service.observability import metrics
from service.output.dead_letters import dead_letter
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import (
    BatchResult,
    DeadLettered,
    FailReason,
    Outcome,
    Sent,
    Stage,
    Suppressed,
)
from service.streaming.record_batch import RecordBatch

Headers = tuple[tuple[str, bytes], ...]

#: The vendor label of a dead letter that stands for every vendor.
ALL_VENDORS: Final = "all"
#: Bytes allowed for what Kafka adds around a record in a batch of its own: 61 of the batch, and the record's
#: own lengths and deltas (https://kafka.apache.org/documentation/#messageformat).
FRAMING: Final = 128


class OutputRecord(NamedTuple):
    """One record to write."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


@dataclass(slots=True)
class Output:
    """The records, in order, and the counts: outcomes by vendor, outcome and reason, bytes sent by vendor."""

    records: list[OutputRecord] = field(default_factory=list)
    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    sent_bytes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class OutputRules:
    """What is the same for every batch of a worker.

    Attributes:
        dead_letter_topic: Where dead letters go.
        policy: The policy's fingerprint.
        largest: Bytes of the largest record that every output topic takes.
    """

    dead_letter_topic: str
    policy: str
    largest: int

    def output(
        self, batch: RecordBatch, result: BatchResult, start: int, shut: Container[VendorName]
    ) -> Output:
        """What to write for the records from offset `start` on; those before are committed already.

        Vendors in `shut`, whose circuit breakers are open, get dead letters in place of their events.
        """
        output = Output()
        for position, outcomes in enumerate(result.outcomes):
            if batch.offsets[position] < start:
                continue
            for outcome in outcomes:
                self._add(output, self._final(outcome, shut), batch, position)
        return output

    def _final(self, outcome: Outcome, shut: Container[VendorName]) -> Outcome:
        """The outcome, or a dead letter for it where the vendor may have none, or no topic would take it."""
        if not isinstance(outcome, Sent):
            return outcome
        if outcome.vendor in shut:
            return DeadLettered(outcome.vendor, Stage.GATE, FailReason.BREAKER_OPEN)
        return self.within_limits(outcome)

    def within_limits(self, event: Sent) -> Sent | DeadLettered:
        """The event, or a dead letter for it where it is larger than the topics take."""
        if _size(event) > self.largest:
            return DeadLettered(event.vendor, Stage.DELIVER, FailReason.OUTPUT_TOO_LARGE)
        return event

    def _add(self, output: Output, outcome: Outcome, batch: RecordBatch, position: int) -> None:
        match outcome:
            case Sent(vendor, topic, key, value, headers):
                output.records.append(OutputRecord(topic, key, value, headers))
                output.outcomes[vendor, "sent", ""] += 1
                output.sent_bytes[vendor] += len(key) + len(value)
            case Suppressed(vendor, reason):
                output.outcomes[vendor, "suppressed", reason] += 1
            case DeadLettered(vendor_or_none, _, reason_of_death):
                key, value = dead_letter(
                    outcome,
                    source=batch.source,
                    offset=batch.offsets[position],
                    timestamp=batch.timestamps[position],
                    policy=self.policy,
                )
                output.records.append(OutputRecord(self.dead_letter_topic, key, value, ()))
                output.outcomes[vendor_or_none or ALL_VENDORS, "dead_lettered", reason_of_death] += 1


def count(batch: RecordBatch, result: BatchResult, output: Output, start: int, seconds: float) -> None:
    """Add a batch, committed at this moment, to the metrics."""
    now = time.time()
    committed = [at for offset, at in zip(batch.offsets, batch.timestamps, strict=True) if offset >= start]
    for timestamp in committed:
        metrics.END_TO_END_SECONDS.observe(max(0.0, now - timestamp / 1000))
    metrics.RECORDS_IN.inc(len(committed))
    metrics.RAW_BYTES_IN.inc(batch.size)
    metrics.BATCH_RECORDS.observe(len(batch.offsets))
    metrics.BATCH_SECONDS.observe(seconds)
    metrics.count_outcomes(output.outcomes)
    for vendor, size in output.sent_bytes.items():
        metrics.BYTES_OUT.labels(vendor).inc(size)
    for source, texts in result.texts.items():
        metrics.TEXTS.labels(source).inc(texts)
    remarks: Counter[tuple[str, str]] = Counter()
    for remark, times in result.remarks.items():
        remarks[remark.vendor, remark.entity or "value"] += times
    metrics.count_remarks(remarks)
    metrics.count_gate_hits({(hit.vendor, hit.path, hit.family): n for hit, n in result.gate_hits.items()})


def _size(record: Sent) -> int:
    headers = sum(len(name) + len(value) + 10 for name, value in record.headers)
    return FRAMING + len(record.key) + len(record.value) + headers
