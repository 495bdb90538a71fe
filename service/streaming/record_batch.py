"""A run of raw records of one partition: one message for Faust, one transaction for Kafka."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aiokafka import TopicPartition


@dataclass(frozen=True, slots=True, repr=False)
class RecordBatch:
    """Raw records in offset order, without keys and headers, which Weir has no use for.

    Attributes:
        source: The partition they are of.
        assignment: Counts this worker's assignments; a batch of an earlier one is out of date.
        previous: The offset before this batch in the same assignment, None for the first batch of it.
            Offsets may leave gaps (transaction markers); this one tells a gap from a lost batch.
        offsets: One for each record.
        timestamps: Record timestamps, milliseconds since 1970.
        values: The raw bytes; None is a tombstone.
        fetched_at: Seconds of the monotonic clock.
        size: Bytes of all values.
    """

    source: TopicPartition
    assignment: int
    previous: int | None
    offsets: tuple[int, ...]
    timestamps: tuple[int, ...]
    values: tuple[bytes | None, ...]
    fetched_at: float
    size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sum(map(len, filter(None, self.values))))

    def since(self, offset: int) -> "RecordBatch":
        """The records from an offset on."""
        begin = bisect_left(self.offsets, offset)
        if not begin:
            return self
        return replace(
            self,
            offsets=self.offsets[begin:],
            timestamps=self.timestamps[begin:],
            values=self.values[begin:],
        )


def split(records: Sequence[Any], most_records: int, most_bytes: int) -> Iterator[Sequence[Any]]:
    """Cut aiokafka's records of one partition into runs within both limits, of one record at least."""
    start = size = 0
    for position, record in enumerate(records):
        length = len(record.value or b"")
        if position > start and (position - start == most_records or size + length > most_bytes):
            yield records[start:position]
            start, size = position, 0
        size += length
    if records:
        yield records[start:]
