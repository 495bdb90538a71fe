"""One source partition's transactional producer: whole batches, all of it or nothing."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from service.kafka_access import KafkaAccess
from service.output.record_batches import EncodedBatch

#: Seconds that a producer may take to go; a broker that is away would hold it for ever.
STOP_TIMEOUT: Final = 3.0


def transactional_ids(group: str, topic: str) -> str:
    """What the transactional ids of a group's lanes on a topic begin with; the partition's number follows."""
    return f"{group}/{topic}/"


class TransactionalProducer:
    """aiokafka's producer for one transactional id.

    `start` fences whoever used the id before: Kafka aborts that one's open transaction and refuses its next.
    """

    def __init__(
        self,
        *,
        access: KafkaAccess,
        transactional_id: str,
        group: str,
        transaction_timeout: float,
    ) -> None:
        self._group = group
        self._producer = AIOKafkaProducer(
            **access.for_aiokafka(),
            client_id=transactional_id,
            transactional_id=transactional_id,
            transaction_timeout_ms=int(transaction_timeout * 1000),
            request_timeout_ms=int(transaction_timeout * 1000),
            acks="all",
        )

    async def start(self) -> None:
        """Fence the predecessor and wait until its transaction is over."""
        await self._producer.start()

    async def stop(self) -> None:
        """Let go, whatever the state; an open transaction is aborted by the next who takes the id."""
        for batches in self._producer._message_accumulator._batches.values():  # noqa: SLF001
            for unsent in batches:
                _see(unsent._drain_waiter)  # noqa: SLF001
        with contextlib.suppress(Exception):  # its errors were reported when they came
            await asyncio.wait_for(self._producer.stop(), STOP_TIMEOUT)

    async def partitions(self, topics: Iterable[str], *, fresh: bool = False) -> dict[str, int]:
        """How many partitions each topic has: as this producer knows, or freshly asked.

        Raises:
            KafkaError: a topic is not there.
        """
        if fresh:
            await self._producer.client.force_metadata_update()
        return {topic: len(await self._producer.partitions_for(topic)) for topic in topics}

    async def commit(self, batches: Iterable[EncodedBatch], source: TopicPartition, offset: int) -> None:
        """Write batches and the group's next offset of the source partition in one transaction.

        Raises:
            ProducerFenced: somebody else has taken the id, or Kafka has ended the transaction for its age.
            KafkaError: anything else; whether the transaction was committed may be unknown.
        """
        try:
            await self._producer.begin_transaction()
            _see(self._producer._txn_manager.wait_for_transaction_end())  # noqa: SLF001
            written = [
                _see(await self._producer.send_batch(_Ready(batch), batch.topic, partition=batch.partition))
                for batch in batches
            ]
            await self._producer.send_offsets_to_transaction({source: offset}, self._group)
            await asyncio.gather(*written)
            await self._producer.commit_transaction()
        except (AssertionError, IllegalOperation) as error:
            # How aiokafka refuses a step after its producer has failed, in the middle of a commit as well.
            raise self._failure() from error

    def _failure(self) -> BaseException:
        """Why the producer can't go on: what ended its transaction, where something has."""
        end: asyncio.Future[None] | None = self._producer._txn_manager.wait_for_transaction_end()  # noqa: SLF001
        cause = end.exception() if end is not None and end.done() and not end.cancelled() else None
        return cause or KafkaError("the producer had failed before")


class _Ready(BatchBuilder):  # type: ignore[misc]  # aiokafka has no types
    """A batch that was encoded elsewhere, as aiokafka's accumulator and sender take it."""

    def __init__(self, batch: EncodedBatch) -> None:
        # Not the base's: that one would begin to encode a batch of its own.
        self._batch = batch
        self._relative_offset = batch.records
        self._buffer: bytearray | None = None
        self._closed = True

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        """Told once, right before the batch is sent for the first time."""
        self._buffer = self._batch.of_producer(producer_id, producer_epoch, base_sequence)

    def _build(self) -> bytearray:
        assert self._buffer is not None, "a batch without a producer"
        return self._buffer

    def size(self) -> int:
        return len(self._batch.data)


def _see(future: asyncio.Future[Any]) -> asyncio.Future[Any]:
    """Have the future's error counted as seen: after a first failure nobody waits for the others."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
