"""A run of raw records of one partition, as a replay reads them."""

from dataclasses import dataclass

from kafka import TopicPartition


@dataclass(frozen=True, slots=True, repr=False)
class RawBatch:
    """Raw records in offset order; none where only the position moves.

    Attributes:
        source: The partition they are of.
        offsets: One for each record.
        timestamps: Record timestamps, milliseconds since 1970.
        values: The raw bytes; None is a tombstone.
        next: The offset that the partition is read from once this batch is done.
        skipped: Records before `next` that the job does not ask for.
        gone: Offsets before `next` that retention has removed since the job began.
    """

    source: TopicPartition
    offsets: tuple[int, ...]
    timestamps: tuple[int, ...]
    values: tuple[bytes | None, ...]
    next: int
    skipped: int = 0
    gone: int = 0
