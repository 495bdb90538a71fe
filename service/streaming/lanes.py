"""The lanes of one worker: each batch to its partition's lane, and an end to lanes that are out of date."""

import asyncio
from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog
from aiokafka import TopicPartition

from service.errors import BrokerError
from service.kafka_access import KafkaAccess
from service.observability import metrics
from service.output.encoding import Encoding, Output
from service.output.rules import OutputTerms
from service.processes.pool import SanitizerPool
from service.settings import Settings
from service.streaming.backlog import Backlog
from service.streaming.breakers import Breakers
from service.streaming.group import Group
from service.streaming.lane import Lane
from service.streaming.record_batch import RecordBatch
from service.streaming.transaction import TransactionalProducer, transactional_ids

log = structlog.get_logger(__name__)

#: The type of array that is sent to a process as one piece; as it is to Kafka, of 64 bits.
_INTEGERS: Final = "q"


class Lanes:
    """Every lane of this worker.

    Attributes:
        failed: Done, with the error, once a lane has failed for good; the worker must end then.
    """

    def __init__(
        self,
        settings: Settings,
        pool: SanitizerPool,
        terms: OutputTerms,
        breakers: Breakers,
        backlog: Backlog,
        *,
        member: Callable[[], str | None],
    ) -> None:
        """Begin without a lane. `member` gives the id by which the group knows this worker."""
        self.terms = terms
        self.breakers = breakers
        self.group = settings.group_id
        self.patience = settings.transaction_timeout
        self._settings = settings
        self._pool = pool
        self._backlog = backlog
        self._lanes: dict[TopicPartition, Lane] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._access = KafkaAccess.of(settings)
        self._group = Group(settings.group_id, self._access)
        self._member = member
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def accept(self, batch: RecordBatch) -> None:
        """Give a batch to its lane, or throw it away where a later assignment has begun."""
        lane = self._lanes.get(batch.source)
        if lane is not None and lane.assignment > batch.assignment:
            self._backlog.done(batch)
            return
        if lane is None or lane.assignment < batch.assignment:
            if lane is not None:
                await lane.close()
            lane = self._new_lane(batch)
        lane.put(batch)

    def all(self) -> list[Lane]:
        """Every lane, at this moment."""
        return list(self._lanes.values())

    def find(self, source: TopicPartition) -> Lane | None:
        """The partition's lane; None before its first batch."""
        return self._lanes.get(source)

    async def drain(self, seconds: float) -> bool:
        """Wait until everything taken in was committed, at most `seconds`; tell whether it was."""
        waiting = [asyncio.create_task(lane.drained()) for lane in self._lanes.values()]
        if not waiting:
            return True
        done, pending = await asyncio.wait(waiting, timeout=seconds)
        for task in pending:
            task.cancel()
        return not pending and all(task.result() for task in done)

    async def release(self) -> None:
        """End every lane at once; what is not committed is left to the partitions' next owners."""
        lanes = list(self._lanes.values())
        self._lanes.clear()
        metrics.LANES.set(0)
        await asyncio.gather(*(lane.close() for lane in lanes))

    async def close(self) -> None:
        """Release every lane, and end for good."""
        await self.release()
        for watcher in self._watchers:
            watcher.cancel()
        await self._group.close()

    def new_producer(self, source: TopicPartition) -> TransactionalProducer:
        """See LaneContext."""
        return TransactionalProducer(
            access=self._access,
            transactional_id=f"{transactional_ids(self._settings.group_id, source.topic)}{source.partition}",
            group=self._settings.group_id,
            transaction_timeout=self._settings.transaction_timeout,
        )

    async def sanitize(self, batch: RecordBatch, terms: OutputTerms) -> Output:
        """See LaneContext."""
        offsets, timestamps = array(_INTEGERS, batch.offsets), array(_INTEGERS, batch.timestamps)
        return await self._pool.encode(
            batch.values, Encoding(terms, tuple(batch.source), offsets, timestamps)
        )

    async def look(self, producer: TransactionalProducer) -> None:
        """See LaneContext."""
        before = self.terms.partitions
        partitions = await producer.partitions(before)
        if any(partitions[topic] < count for topic, count in before.items()):
            partitions = await producer.partitions(before, fresh=True)  # another lane's has heard more
        if partitions != before:
            self.terms = replace(self.terms, partitions=partitions)

    async def committed(self, source: TopicPartition) -> int | None:
        """See LaneContext. Asked after the producer's start, when no older transaction can change it."""
        return await self._group.committed(source)

    async def owns(self, source: TopicPartition) -> bool:
        """See LaneContext."""
        member = self._member()
        return member is not None and await self._group.owns(member, source)

    def done(self, batch: RecordBatch) -> None:
        """See LaneContext."""
        self._backlog.done(batch)

    def _new_lane(self, batch: RecordBatch) -> Lane:
        lane = Lane(batch.source, batch.assignment, self)
        self._lanes[batch.source] = lane
        metrics.LANES.set(len(self._lanes))
        watcher = asyncio.create_task(self._watch(lane))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return lane

    async def _watch(self, lane: Lane) -> None:
        """See how a lane ends: closed, or failed, which is the worker's end."""
        await asyncio.wait([lane.task])
        error: BaseException | None
        if lane.task.cancelled():
            if lane.closing:
                return
            error = BrokerError(f"the lane of {lane.source.topic}/{lane.source.partition} was cancelled")
        else:
            error = lane.task.exception()
        if error is not None and not self.failed.done():
            self.failed.set_exception(error)
