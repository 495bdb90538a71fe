"""Kafka's record batches, ready up to what only their producer knows.

They are made in the process that has made the records: the worker's main process, through which everything
must go, handles batches alone and no record. aiokafka's encoder is compiled.
"""

import struct
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from service.output.partitioning import key_hash

#: Headers as aiokafka's encoder takes them.
HeaderList: TypeAlias = list[tuple[str, bytes]]

_FORMAT: Final = 2
_NOBODY: Final = -1
# Where the parts stand in a batch (https://kafka.apache.org/documentation/#recordbatch).
_CRC: Final = 17
_ATTRIBUTES: Final = 21  # the checksum is of everything from here on
_PRODUCER: Final = 43
_CRC_FORM: Final = struct.Struct(">I")
_PRODUCER_FORM: Final = struct.Struct(">qhi")  # id, epoch, sequence of the first record


class Compression(StrEnum):
    """How the records of a batch are compressed; in the order of their numbers in Kafka's format."""

    NONE = "none"
    GZIP = "gzip"
    SNAPPY = "snappy"
    LZ4 = "lz4"
    ZSTD = "zstd"


#: The number of each in a batch's attributes.
_CODECS: Final = {each: number for number, each in enumerate(Compression)}


def batch_builder(compression: Compression, most_bytes: int) -> DefaultRecordBatchBuilder:
    """Aiokafka's encoder for a batch of a transaction, of no producer yet, of so many bytes uncompressed."""
    return DefaultRecordBatchBuilder(
        _FORMAT,
        _CODECS[compression],
        is_transactional=1,
        producer_id=_NOBODY,
        producer_epoch=_NOBODY,
        base_sequence=_NOBODY,
        batch_size=most_bytes,
    )


class EncodedBatch(NamedTuple):
    """Records of a transaction for one partition, as they go to Kafka.

    Attributes:
        records: How many.
        data: The batch, of no producer yet.
    """

    topic: str
    partition: int
    records: int
    data: bytes

    def of_producer(self, producer_id: int, epoch: int, sequence: int) -> bytearray:
        """The batch as a producer's, with the sequence number of its first record."""
        batch = bytearray(self.data)
        _PRODUCER_FORM.pack_into(batch, _PRODUCER, producer_id, epoch, sequence)
        _CRC_FORM.pack_into(batch, _CRC, calc_crc32c(memoryview(batch)[_ATTRIBUTES:]))
        return batch


class TopicBatches:
    """Records for a topic, put into batches by the partition of their key."""

    def __init__(
        self, topic: str, partitions: int, *, most_bytes: int, compression: Compression, timestamp: int
    ) -> None:
        """Begin without a record.

        Args:
            topic: Its name.
            partitions: How many it has.
            most_bytes: Of a batch before it is compressed; a record that is larger gets one of its own.
            compression: Of every batch; one that would grow by it is left as it is.
            timestamp: Of every record, milliseconds since 1970.
        """
        self._topic = topic
        self._most_bytes = most_bytes
        self._compression = compression
        self._timestamp = timestamp
        self._full: list[EncodedBatch] = []
        self._open: list[_OpenBatch | None] = [None] * partitions

    def add(self, key: bytes, value: bytes, headers: HeaderList) -> None:
        """Put a record behind those of its partition."""
        partition = key_hash(key) % len(self._open)
        batch = self._open[partition]
        if batch is None or not batch.append(self._timestamp, key, value, headers):
            if batch is not None:
                self._full.append(batch.encoded(self._topic, partition))
            batch = self._open[partition] = _OpenBatch(self._compression, self._most_bytes)
            batch.append(self._timestamp, key, value, headers)  # a first record always fits

    def encoded(self) -> Iterator[EncodedBatch]:
        """Every batch, those of a partition in their order. Ends the collection."""
        yield from self._full
        for partition, batch in enumerate(self._open):
            if batch is not None:
                yield batch.encoded(self._topic, partition)


class _OpenBatch:
    """A batch that takes records."""

    __slots__ = ("_builder", "_records")

    def __init__(self, compression: Compression, most_bytes: int) -> None:
        self._records = 0
        self._builder = batch_builder(compression, most_bytes)

    def append(self, timestamp: int, key: bytes, value: bytes, headers: HeaderList) -> bool:
        if self._builder.append(self._records, timestamp, key, value, headers) is None:
            return False
        self._records += 1
        return True

    def encoded(self, topic: str, partition: int) -> EncodedBatch:
        return EncodedBatch(topic, partition, self._records, bytes(self._builder.build()))
