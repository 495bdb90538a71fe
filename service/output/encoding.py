"""From the outcomes of a batch to what one transaction writes, and what to count once it is committed."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.output.dead_letters import dead_letter
from service.output.record_batches import EncodedBatch, TopicBatches
from service.output.rules import FRAMING, OutputTerms, measured
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import (
    BatchResult,
    DeadLettered,
    FailReason,
    GateHit,
    Remark,
    Sent,
    Stage,
    Suppressed,
)

#: The vendor label of a dead letter that stands for every vendor.
ALL_VENDORS: Final = "all"


@dataclass(slots=True)
class Output:
    """What a batch came to.

    Attributes:
        batches: The records to write, those of a partition in their order.
        outcomes: By vendor, outcome and reason.
        sent_bytes: Of keys and values, by vendor.
        passed: Events that the sanitizer lets out, by vendor; a breaker or a limit may yet hold them back.
        remarks: What was done to fields.
        gate_hits: What only the gate found.
        texts: Texts searched, by where the result came from.
        failed_self_checks: Payloads that only the whole schema refused.
        seconds: What encoding took.
    """

    batches: list[EncodedBatch]
    outcomes: Counter[tuple[str, str, str]]
    sent_bytes: Counter[VendorName]
    passed: Counter[VendorName]
    remarks: Counter[Remark]
    gate_hits: Counter[GateHit]
    texts: Counter[str]
    failed_self_checks: int
    seconds: float

    @property
    def hits(self) -> Counter[VendorName]:
        """The gate's hits by vendor."""
        hits: Counter[VendorName] = Counter()
        for hit, times in self.gate_hits.items():
            hits[hit.vendor] += times
        return hits


@dataclass(frozen=True, slots=True, repr=False)
class Encoding:
    """How a batch is to be encoded. Travels to the process that does it, before the records.

    Attributes:
        terms: By what.
        source: The raw records' topic and partition.
        offsets: One for each record.
        timestamps: The same, milliseconds since 1970.
    """

    terms: OutputTerms
    source: tuple[str, int]
    offsets: Sequence[int]
    timestamps: Sequence[int]

    def encode(self, result: BatchResult) -> Output:
        """Encode the outcomes of the batch's records."""
        begun = time.perf_counter()
        rules, shut = self.terms.rules, self.terms.shut
        largest = rules.largest - FRAMING
        moment = int(time.time() * 1000)
        topics = {
            name: TopicBatches(
                name,
                partitions,
                most_bytes=rules.largest,
                compression=rules.compression,
                timestamp=moment,
            )
            for name, partitions in self.terms.partitions.items()
        }
        sent: Counter[VendorName] = Counter()
        sent_bytes: Counter[VendorName] = Counter()
        withheld: Counter[VendorName] = Counter()
        outcomes: Counter[tuple[str, str, str]] = Counter()
        for position, of_record in enumerate(result.outcomes):
            for outcome in of_record:
                if isinstance(outcome, Sent):
                    vendor, topic, key, value, headers = outcome
                    as_list, size = measured(headers)
                    length = len(key) + len(value)
                    if vendor in shut:
                        letter = DeadLettered(vendor, Stage.GATE, FailReason.BREAKER_OPEN)
                    elif length + size > largest:
                        letter = DeadLettered(vendor, Stage.DELIVER, FailReason.OUTPUT_TOO_LARGE)
                    else:
                        topics[topic].add(key, value, as_list)
                        sent[vendor] += 1
                        sent_bytes[vendor] += length
                        continue
                    withheld[vendor] += 1
                elif isinstance(outcome, Suppressed):
                    outcomes[outcome.vendor, "suppressed", outcome.reason] += 1
                    continue
                else:
                    letter = outcome
                topics[rules.dead_letter_topic].add(*self._letter(letter, position), [])
                outcomes[letter.vendor or ALL_VENDORS, "dead_lettered", letter.reason] += 1
        for vendor, events in sent.items():
            outcomes[vendor, "sent", ""] = events
        return Output(
            batches=[batch for each in topics.values() for batch in each.encoded()],
            outcomes=outcomes,
            sent_bytes=sent_bytes,
            passed=sent + withheld,
            remarks=result.remarks,
            gate_hits=result.gate_hits,
            texts=result.texts,
            failed_self_checks=result.failed_self_checks,
            seconds=time.perf_counter() - begun,
        )

    def _letter(self, letter: DeadLettered, position: int) -> tuple[bytes, bytes]:
        return dead_letter(
            letter,
            source=self.source,
            offset=self.offsets[position],
            timestamp=self.timestamps[position],
            policy=self.terms.rules.policy,
        )
