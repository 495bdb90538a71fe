"""Whole record batches for kafka-python's producer.

Its `send` costs more than all the rest of a replay's main process: it encodes in Python, and gives every
record a future that nobody here waits for. aiokafka's encoder, which the live worker uses too, is compiled.
"""

from collections.abc import Iterable
from typing import Final

from kafka import KafkaProducer, TopicPartition
from kafka.future import Future
from kafka.producer.future import FutureRecordMetadata
from kafka.producer.producer_batch import ProducerBatch
from kafka.record.memory_records import MemoryRecordsBuilder

from service.output.record_batches import Compression, batch_builder

_FORMAT: Final = 2
_UNCOMPRESSED: Final = 0
_NOBODY: Final = -1


class RecordBatch(MemoryRecordsBuilder):  # type: ignore[misc]  # kafka-python has no types
    """A batch of a transaction, as kafka-python's sender takes it, in aiokafka's encoding."""

    def __init__(self, most_bytes: int, compression: Compression) -> None:
        """Begin an empty one. A record that is larger than `most_bytes` makes a batch of its own."""
        super().__init__(_FORMAT, _UNCOMPRESSED, most_bytes)  # what it does itself, which is nothing
        self._builder = batch_builder(compression, most_bytes)

    def set_producer_state(
        self,
        producer_id: int,
        producer_epoch: int,
        base_sequence: int,
        is_transactional: bool,  # noqa: FBT001  (kafka-python's signature)
    ) -> None:
        """Told by the sender, right before it sends the batch."""
        assert is_transactional
        self._builder.set_producer_state(producer_id, producer_epoch, base_sequence)


def enqueue(
    producer: KafkaProducer, partition: TopicPartition, batches: Iterable[RecordBatch]
) -> list[Future]:
    """Have them sent in the producer's open transaction, in their order; what tells of each that it is.

    Raises:
        KafkaError: the transaction has failed already.
    """
    producer._transaction_manager.maybe_add_partition_to_transaction(partition)  # noqa: SLF001
    accumulator = producer._accumulator  # noqa: SLF001
    written: list[Future] = []
    with accumulator._tp_lock(partition):  # noqa: SLF001
        for records in batches:
            batch = ProducerBatch(partition, records)
            # A batch's own future is a success whatever became of it; this one knows the error.
            written.append(FutureRecordMetadata(batch.produce_future, 0, _NOBODY, None, *3 * (_NOBODY,)))
            accumulator._batches[partition].append(batch)  # noqa: SLF001
            accumulator._incomplete.add(batch)  # noqa: SLF001
    producer._sender.wakeup()  # noqa: SLF001
    return written
