"""The lanes of one worker: each batch to its partition's lane, and an end to lanes that are out of date."""

import asyncio

import structlog
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CoordinatorLoadInProgressError, ProducerFenced

from service.observability import metrics
from service.sanitize.outcomes import BatchResult
from service.sanitize.pool import SanitizerPool
from service.settings import Settings
from service.streaming.backlog import Backlog
from service.streaming.lane import Lane
from service.streaming.output import OutputRules
from service.streaming.record_batch import RecordBatch
from service.streaming.transaction import TransactionalProducer

log = structlog.get_logger(__name__)


class Lanes:
    """Every lane of this worker.

    Attributes:
        failed: Done, with the error, once a lane has failed for good; the worker must end then.
    """

    def __init__(self, settings: Settings, pool: SanitizerPool, rules: OutputRules, backlog: Backlog) -> None:
        self.rules = rules
        self.patience = settings.transaction_timeout
        self._settings = settings
        self._pool = pool
        self._backlog = backlog
        self._lanes: dict[TopicPartition, Lane] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._admin: AIOKafkaAdminClient | None = None
        self._admin_lock = asyncio.Lock()
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
        if self._admin is not None:
            await self._admin.close()
            self._admin = None

    def new_producer(self, source: TopicPartition) -> TransactionalProducer:
        """See LaneContext."""
        return TransactionalProducer(
            bootstrap=self._settings.kafka_bootstrap,
            transactional_id=f"{self._settings.group_id}/{source.topic}/{source.partition}",
            group=self._settings.group_id,
            transaction_timeout=self._settings.transaction_timeout,
            batch_bytes=self.rules.largest,
        )

    async def sanitize(self, values: tuple[bytes | None, ...]) -> BatchResult:
        """See LaneContext."""
        return await self._pool.sanitize(values)

    async def committed(self, source: TopicPartition) -> int | None:
        """See LaneContext. Asked after the producer's start, when no older transaction can change it."""
        async with self._admin_lock:
            if self._admin is None:
                self._admin = await _started_admin(self._settings.kafka_bootstrap)
        try:
            offsets = await self._admin.list_consumer_group_offsets(
                self._settings.group_id, partitions=[source]
            )
            offset = offsets[source].offset
        except (KeyError, AttributeError):
            # aiokafka overlooks an error that is the whole group's: such an answer has no partitions.
            raise CoordinatorLoadInProgressError from None
        return None if offset < 0 else int(offset)

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
        """See how a lane ends: closed, fenced, or failed, which is the worker's end."""
        await asyncio.wait([lane.task])
        if lane.task.cancelled():
            return
        error = lane.task.exception()
        if isinstance(error, ProducerFenced):
            metrics.FENCED_LANES.inc()
            log.info("lane_fenced", **lane.coordinates)
            await asyncio.sleep(self._settings.session_timeout)
            if self._lanes.get(lane.source) is not lane:
                return  # the rebalance that explains it has come
        if error is not None and not self.failed.done():
            self.failed.set_exception(error)


async def _started_admin(bootstrap: str) -> AIOKafkaAdminClient:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
    except BaseException:
        await admin.close()
        raise
    return admin
