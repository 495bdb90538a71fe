"""Faust's Kafka transport, moving batches of records in place of single ones.

Plain Faust costs 60 to 150 microseconds a record before any work is done. Here the consumer hands on
one Faust message for each run of records of one partition; everything else is Faust's own.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from service.errors import BrokerError
from service.observability import metrics
from service.observability.logs import FAUST_LOGGER
from service.processes.batch_size import BatchSize
from service.streaming.backlog import Backlog
from service.streaming.record_batch import RecordBatch, split

log = structlog.get_logger(__name__)

#: Seconds until a partition that is held back, while others are not, is looked at again.
PAUSE: Final = 0.01
#: Seconds for which nothing new is waited for at a time: after so long at most, what a rebalance has brought
#: is seen where Faust waits for records of the partitions it had before. By Faust's own choice a second.
WAIT: Final = 0.25
#: Milliseconds that a broker may hold a request for records of idle partitions. Until it answers, aiokafka
#: asks it for no others: a busy partition that was held back would wait as well. By Faust's choice 1500.
HELD_BY_BROKER: Final = 250


class Standing(NamedTuple):
    """How far a partition is read, and how far it could be: both are offsets that come next."""

    position: int
    end: int


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that polls Kafka: fetches records and makes batches of them."""

    logger = FAUST_LOGGER
    consumer: "BatchConsumer"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._seen_assignment: object = None
        self._assignment = 0
        self._last_offsets: dict[TopicPartition, int] = {}
        #: Set when a batch has left the backlog.
        self._freed = asyncio.Event()
        self.consumer.transport.backlog.on_done = self._free

    def _free(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing is fetched any more
            self.thread_loop.call_soon_threadsafe(self._freed.set)

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust asks for this only together with its own transactions. Read at start, which comes later.
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        consumer._fetch_max_wait_ms = HELD_BY_BROKER  # noqa: SLF001
        return consumer

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109  (Faust's signature)
        max_records: int | None = None,  # noqa: ARG002
    ) -> Mapping[TopicPartition, list[RecordBatch]]:
        """Fetch from the partitions that the backlog leaves open."""
        self._note_assignment(consumer)
        self._freed.clear()
        wanted = self.consumer.transport.backlog.open(active_partitions)
        if not wanted:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WAIT):
                    await self._freed.wait()
            return {}
        timeout = PAUSE if len(wanted) < len(active_partitions) else WAIT
        try:
            fetched = await super()._fetch_records(
                consumer, wanted, timeout, self.consumer.transport.batch_size.records
            )
        except NoOffsetForPartitionError as error:
            (source,) = error.args
            await self._go_to_start(consumer, source, None)
            return {}
        except OffsetOutOfRangeError as error:
            ((source, offset),) = error.args[0].items()
            await self._go_to_start(consumer, source, offset)
            return {}
        # Nothing is awaited from here on: records and the assignment they came under belong together.
        self._note_assignment(consumer)
        return {source: list(self._batches(source, records)) for source, records in fetched.items()}

    async def standings(self) -> dict[TopicPartition, Standing]:
        """See BatchConsumer."""
        consumer = self._ensure_consumer()
        states = {
            each: consumer._subscription.subscription.assignment.state_value(each)  # noqa: SLF001
            for each in consumer.assignment()
        }
        positions = {each: state.position for each, state in states.items() if state.has_valid_position}
        if not positions:
            return {}
        ends = await consumer.end_offsets(list(positions))
        return {each: Standing(position, ends[each]) for each, position in positions.items()}

    async def _go_to_start(
        self, consumer: AIOKafkaConsumer, source: TopicPartition, wanted: int | None
    ) -> None:
        """Go on from the log's start: nothing was committed yet, or retention has removed what was wanted.

        Raises:
            BrokerError: the wanted offset is beyond the log's end. Everything below it counts as done, but
                other records have these offsets now.
        """
        assignment = self._seen_assignment
        start = (await consumer.beginning_offsets([source]))[source]
        self._note_assignment(consumer)
        if self._seen_assignment is not assignment:
            return  # a rebalance came between; whoever has the partition now asks anew
        if wanted is not None and wanted > start:
            raise BrokerError(
                f"group {self.app.conf.id} has come to offset {wanted} of {source.topic}/{source.partition}, "
                "which is beyond the end of the log: the topic was truncated or created anew; set the "
                "group's offset to where to go on (kafka-consumer-groups --reset-offsets), then start again"
            )
        if wanted is not None:
            metrics.RECORDS_GONE.labels(source.partition).inc(start - wanted)
            log.warning(
                "records_gone",
                topic=source.topic,
                partition=source.partition,
                wanted=wanted,
                start=start,
                records=start - wanted,
            )
        consumer.seek(source, start)

    def _note_assignment(self, consumer: AIOKafkaConsumer) -> None:
        """Count up when a rebalance has given this worker its partitions: aiokafka makes a new object."""
        assignment = consumer._subscription.subscription.assignment  # noqa: SLF001
        if assignment is not self._seen_assignment:
            self._seen_assignment = assignment
            self._assignment += 1
            self._last_offsets.clear()
            self.consumer.transport.backlog.begin(self._assignment)

    def _batches(self, source: TopicPartition, records: list[Any]) -> Iterable[RecordBatch]:
        transport = self.consumer.transport
        for run in split(records, transport.batch_size.records, transport.batch_bytes):
            batch = RecordBatch(
                source=source,
                assignment=self._assignment,
                previous=self._last_offsets.get(source),
                offsets=tuple(record.offset for record in run),
                timestamps=tuple(record.timestamp for record in run),
                values=tuple(record.value for record in run),
                fetched_at=time.monotonic(),
            )
            self._last_offsets[source] = batch.offsets[-1]
            transport.backlog.add(batch)
            yield batch


class BatchConsumer(driver.Consumer):
    """Faust's consumer with batches for records."""

    logger = FAUST_LOGGER
    transport: "BatchTransport"
    _thread: BatchConsumerThread

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def group_error(self) -> BaseException | None:
        """What keeps aiokafka's coordinator from taking part in the group.

        It waits for somebody to ask, without joining or sending heartbeats; Faust never does.
        """
        coordinator = getattr(self._thread._consumer, "_coordinator", None)  # noqa: SLF001
        if coordinator is None:
            return None
        task: asyncio.Task[None] = coordinator._coordination_task  # noqa: SLF001
        if task.done():
            return None if task.cancelled() else task.exception()
        error: BaseException | None = coordinator._pending_exception  # noqa: SLF001
        return error

    def fetch_error(self) -> BaseException | None:
        """What ended aiokafka's fetching, after which records would be waited for without an end."""
        fetcher = getattr(self._thread._consumer, "_fetcher", None)  # noqa: SLF001
        if fetcher is None or not fetcher.error_future.done() or fetcher.error_future.cancelled():
            return None
        error: BaseException | None = fetcher.error_future.exception()
        return error

    @property
    def thread_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that fetches and stays in the group, on a thread of its own."""
        loop: asyncio.AbstractEventLoop = self._thread.thread_loop
        return loop

    def answered_at(self) -> float | None:
        """When a broker last answered, in seconds of the monotonic clock; None while none has."""
        client = getattr(self._thread._consumer, "_client", None)  # noqa: SLF001
        connections = list(client._conns.values()) if client else []  # noqa: SLF001
        return max((each._last_action for each in connections), default=None)  # noqa: SLF001

    async def standings(self) -> dict[TopicPartition, Standing]:
        """How far each assigned partition is read, and its end for a `read_committed` reader, freshly asked.

        Raises:
            KafkaError: no answer within the request's timeout, or a refusal.
        """
        asked = asyncio.run_coroutine_threadsafe(self._thread.standings(), self.thread_loop)
        return await asyncio.wrap_future(asked)

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109  (Faust's signature)
        """Faust's own, but without its sleep of a second where there is no partition to fetch from."""
        while self.flow_active and not self.should_stop and not self._get_active_partitions():
            await self.sleep(WAIT)
        return await super()._wait_next_records(timeout)

    @property
    def member_id(self) -> str | None:
        """The id by which the group knows this worker, None where it knows it not."""
        coordinator = getattr(self._thread._consumer, "_coordinator", None)  # noqa: SLF001
        return getattr(coordinator, "member_id", None) or None

    def _to_message(self, tp: TP, batch: RecordBatch) -> ConsumerMessage:
        """The batch as Faust's message; its offset is the last record's."""
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=batch.offsets[-1],
            timestamp=batch.timestamps[-1] / 1000.0,
            timestamp_type=0,
            headers=None,
            key=None,
            value=batch,  # type: ignore[arg-type]  # the raw codec hands it through untouched
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=batch.size,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )


class BatchTransport(driver.Transport):
    """The transport with the consumer above."""

    Consumer = BatchConsumer

    def __init__(
        self, url: Any, app: Any, *, backlog: Backlog, batch_size: BatchSize, batch_bytes: int
    ) -> None:
        super().__init__(url, app)
        self.backlog = backlog
        self.batch_size = batch_size
        self.batch_bytes = batch_bytes
