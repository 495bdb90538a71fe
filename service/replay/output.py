"""What a job writes for a batch: events for the vendors asked for, and dead letters for what can't go out."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kafka import TopicPartition

from service.output.dead_letters import dead_letter
from service.output.rules import Headers, OutputRules
from service.policy.vendor_names import VendorName
from service.replay.letters import Due, Letters
from service.replay.raw_batch import RawBatch
from service.replay.tally import ALL_VENDORS, Counted, Kind, Tally
from service.sanitize.outcomes import (
    BatchResult,
    DeadLettered,
    Outcome,
    Sent,
    Stage,
    Suppressed,
    SuppressReason,
)
from service.vendors.form import ShapeReason
from service.vendors.registry import FORMS

_KEY_HEADER: Final = "weir-key"


class ReplayRecord(NamedTuple):
    """One record to write.

    Attributes:
        vendor: Whose event it is; None for a dead letter.
        source: The partition of the raw record.
        offset: Its offset there.
    """

    topic: str
    key: bytes
    value: bytes
    headers: Headers
    vendor: VendorName | None
    source: TopicPartition
    offset: int


@dataclass(slots=True)
class Output:
    """The records, in order, and what became of the batch."""

    records: list[ReplayRecord] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True)
class ReplayRules:
    """What is the same for every batch of a job.

    Attributes:
        live: The live worker's rules: what no topic takes is dead-lettered.
        begun: When the job began, seconds since the epoch.
        marked: Whether events get the vendors' marks for old ones.
        refused_if_old: Whether a vendor gets no event that it would give a wrong time.
        to_topic: The topic that gets everything; None for the vendors' own.
        with_letters: Whether dead letters are written.
        letters: The letters of the records that the job is for; None where it is for all.
        vendors: The vendors that a letter for every vendor would be too much for; none where they are all.
    """

    live: OutputRules
    begun: int
    marked: bool
    refused_if_old: bool
    to_topic: str | None
    with_letters: bool
    letters: Letters | None
    vendors: tuple[VendorName, ...]

    def output(self, batch: RawBatch, result: BatchResult) -> Output:
        """What to write for a batch."""
        output = Output(tally=Tally(len(batch.offsets), batch.skipped, batch.gone))
        for position, outcomes in enumerate(result.outcomes):
            due = None if self.letters is None else self.letters.due(batch.source, batch.offsets[position])
            vendors = self.vendors if due is None else tuple(sorted({each.vendor for each in due}))
            for outcome in outcomes:
                for each in _of_vendors(outcome, vendors):
                    final = self._backfilled(each) if isinstance(each, Sent) else each
                    self._add(output, final, batch, position, due or ())
        for hit, times in result.gate_hits.items():
            output.tally.gate_hits[hit.vendor] += times
        return output

    def _backfilled(self, event: Sent) -> Outcome:
        """The event as the vendor is to get it now, or why it is not."""
        if self.marked or self.refused_if_old:
            value = FORMS[event.vendor].backfill(event.value, self.begun)
            if isinstance(value, ShapeReason):
                return DeadLettered(event.vendor, Stage.SHAPE, value)
            if value is None:
                if self.refused_if_old:
                    return Suppressed(event.vendor, SuppressReason.TOO_OLD_FOR_VENDOR)
            elif self.marked:
                event = event._replace(value=value)
        return self.live.within_limits(event)

    def _add(
        self,
        output: Output,
        outcome: Outcome,
        batch: RawBatch,
        position: int,
        due: Collection[Due],
    ) -> None:
        offset = batch.offsets[position]
        match outcome:
            case Sent(vendor, topic, key, value, headers):
                output.records.append(
                    ReplayRecord(self.to_topic or topic, key, value, headers, vendor, batch.source, offset)
                )
                output.tally.outcomes[Counted(vendor, Kind.SENT)] += 1
                for name, text in headers:
                    if name == _KEY_HEADER:
                        output.tally.keys[text.decode()] += 1
            case DeadLettered(vendor_or_none, _, reason):
                output.tally.outcomes[Counted(vendor_or_none or ALL_VENDORS, Kind.DEAD_LETTERED, reason)] += 1
                if self.with_letters and not any(each == (vendor_or_none, reason) for each in due):
                    key, value = dead_letter(
                        outcome,
                        source=batch.source,
                        offset=offset,
                        timestamp=batch.timestamps[position],
                        policy=self.live.policy,
                    )
                    output.records.append(
                        ReplayRecord(self.live.dead_letter_topic, key, value, (), None, batch.source, offset)
                    )
            case Suppressed(vendor, reason_to_suppress):
                output.tally.outcomes[Counted(vendor, Kind.SUPPRESSED, reason_to_suppress)] += 1


def _of_vendors(outcome: Outcome, vendors: tuple[VendorName, ...]) -> Iterable[Outcome]:
    """An outcome as far as it concerns some vendors, one for each; as it is where none are named."""
    if not vendors:
        return (outcome,)
    if isinstance(outcome, DeadLettered) and outcome.vendor is None:
        return tuple(outcome._replace(vendor=vendor) for vendor in vendors)
    return (outcome,) if outcome.vendor in vendors else ()
