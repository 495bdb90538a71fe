"""What an output's record batches hold, as Kafka and any consumer would read them."""

from collections.abc import Iterable
from typing import NamedTuple

from aiokafka.record.default_records import DefaultRecordBatch

from service.output.record_batches import EncodedBatch


class WrittenRecord(NamedTuple):
    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def written_records(batches: Iterable[EncodedBatch]) -> list[WrittenRecord]:
    """The records, batch by batch."""
    return [record for batch in batches for record in _records(batch)]


def _records(batch: EncodedBatch) -> Iterable[WrittenRecord]:
    read = DefaultRecordBatch(batch.of_producer(7, 1, 100))
    assert read.validate_crc()
    assert (read.producer_id, read.producer_epoch, read.base_sequence) == (7, 1, 100)
    assert read.is_transactional
    records = list(read)
    assert [record.offset for record in records] == list(range(batch.records))
    return [
        WrittenRecord(batch.topic, batch.partition, each.key, each.value, tuple(each.headers))
        for each in records
    ]
