"""One source partition's transactional producer: whole batches, all of it or nothing."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from service.kafka_access import KafkaAccess
from service.output.partitioning import key_hash
from service.streaming.output import OutputRecord

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
        batch_bytes: int,
    ) -> None:
        self._group = group
        self._producer = AIOKafkaProducer(
            **access.for_aiokafka(),
            client_id=transactional_id,
            transactional_id=transactional_id,
            transaction_timeout_ms=int(transaction_timeout * 1000),
            request_timeout_ms=int(transaction_timeout * 1000),
            max_batch_size=batch_bytes,
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

    async def commit(self, records: Iterable[OutputRecord], source: TopicPartition, offset: int) -> None:
        """Write the records and the group's next offset of the source partition in one transaction.

        Raises:
            ProducerFenced: somebody else has taken the id, or Kafka has ended the transaction for its age.
            KafkaError: anything else; whether the transaction was committed may be unknown.
        """
        batches = await self._build(records)
        try:
            await self._producer.begin_transaction()
            _see(self._producer._txn_manager.wait_for_transaction_end())  # noqa: SLF001
            written = [
                _see(await self._producer.send_batch(builder, topic, partition=partition))
                for (topic, partition), builders in batches.items()
                for builder in builders
            ]
            await self._producer.send_offsets_to_transaction({source: offset}, self._group)
            await asyncio.gather(*written)
            await self._producer.commit_transaction()
        except AssertionError as error:  # how aiokafka refuses a step after its producer has failed
            raise KafkaError("the producer had failed before") from error

    async def _build(self, records: Iterable[OutputRecord]) -> dict[tuple[str, int], list[Any]]:
        """The records in Kafka's batches, by topic and partition, in their order."""
        builders: dict[tuple[str, int], list[Any]] = {}
        partitions: dict[str, list[int]] = {}
        for record in records:
            if record.topic not in partitions:
                partitions[record.topic] = sorted(await self._producer.partitions_for(record.topic))
            partition = partitions[record.topic][key_hash(record.key) % len(partitions[record.topic])]
            batches = builders.setdefault((record.topic, partition), [])
            if not batches or not _append(batches[-1], record):
                batches.append(self._producer.create_batch())
                fitted = _append(batches[-1], record)
                assert fitted, "a record larger than a batch was not stopped before"
        for batches in builders.values():
            for batch in batches:
                batch.close()
        return builders


def _see(future: asyncio.Future[Any]) -> asyncio.Future[Any]:
    """Have the future's error counted as seen: after a first failure nobody waits for the others."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


def _append(batch: Any, record: OutputRecord) -> bool:
    appended = batch.append(key=record.key, value=record.value, timestamp=None, headers=list(record.headers))
    return appended is not None
