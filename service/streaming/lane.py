"""A lane: one source partition's ordered, transactional way through this worker.

Batches of a lane are sanitized at once and committed one after the other. The lane of one assignment is
never used for the next: what comes after a rebalance gets a new lane, a new producer and a fresh look at the
committed offset.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, NamedTuple, Protocol, TypeVar

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced
from kafka.errors import KafkaError as ClientError

from service.errors import BrokerError
from service.observability import metrics
from service.output.encoding import Output
from service.output.rules import OutputTerms
from service.streaming.breakers import Breakers
from service.streaming.counts import count
from service.streaming.record_batch import RecordBatch
from service.streaming.refusals import refusal
from service.streaming.transaction import TransactionalProducer

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

#: Seconds between tries while Kafka fails: doubled from the first to the last.
FIRST_PAUSE: Final = 0.1
LAST_PAUSE: Final = 5.0
#: Seconds until a lane that still runs is cancelled again: where a cancellation meets the result that Python
#: 3.11's `asyncio.wait_for` waits for, it is lost, and aiokafka waits so for every answer.
CANCEL_AGAIN: Final = 1.0


class LaneContext(Protocol):
    """What a lane needs of its surroundings."""

    breakers: Breakers
    group: str
    #: By what batches are encoded now.
    terms: OutputTerms
    #: Seconds that Kafka may fail or be away before the worker gives up.
    patience: float

    def new_producer(self, source: TopicPartition) -> TransactionalProducer:
        """A producer with the partition's transactional id, not started."""

    async def sanitize(self, batch: RecordBatch, terms: OutputTerms) -> Output:
        """What a batch comes to."""

    async def look(self, producer: TransactionalProducer) -> None:
        """Take up in `terms` what a producer knows of the output topics."""

    async def committed(self, source: TopicPartition) -> int | None:
        """The group's committed offset, None where there is none yet."""

    async def owns(self, source: TopicPartition) -> bool:
        """Whether the group has given the partition to this worker, and is at rest."""

    def done(self, batch: RecordBatch) -> None:
        """A batch has left the lane, committed or not."""


class _Work(NamedTuple):
    """A batch, by what it is encoded, and the task that has it done."""

    batch: RecordBatch
    terms: OutputTerms
    task: asyncio.Task[Output]


class _NotYetError(Exception):
    """Kafka answers, but not so that the lane could go on; `str` of it says what is the matter."""


class Lane:
    """One partition's lane for one assignment."""

    def __init__(self, source: TopicPartition, assignment: int, context: LaneContext) -> None:
        self.source = source
        self.assignment = assignment
        self._context = context
        self._batches: asyncio.Queue[_Work] = asyncio.Queue()
        self._producer: TransactionalProducer | None = None
        self._opened = False
        self.closing = False
        #: Whether the batch whose turn it is has not come back from the pool yet.
        self.sanitizing = False
        #: The next offset to commit from; known once the lane is open.
        self._next = 0
        self.task = asyncio.create_task(self._run(), name=f"lane {source.topic}/{source.partition}")

    def put(self, batch: RecordBatch) -> None:
        """Take a batch in: sanitized from now on, committed in its turn. A lane that has ended takes none."""
        if self.task.done():
            self._context.done(batch)
            return
        self._batches.put_nowait(self._begin(batch))

    @property
    def committed(self) -> int | None:
        """The next offset to commit from; None until the lane has opened."""
        return self._next if self._opened else None

    async def drained(self) -> bool:
        """Wait until every batch taken in was committed, or the lane has ended; whether nothing is left."""
        joined = asyncio.create_task(self._batches.join())
        await asyncio.wait([joined, self.task], return_when=asyncio.FIRST_COMPLETED)
        return not joined.cancel()

    async def close(self) -> None:
        """Stop at once; batches that are not committed are thrown away."""
        self.closing = True
        while not self.task.done():
            self.task.cancel()
            await asyncio.wait([self.task], timeout=CANCEL_AGAIN)
        while not self._batches.empty():
            work = self._batches.get_nowait()
            work.task.cancel()
            self._leave(work.batch)
        await self._stop_producer()
        log.debug("lane_closed", **self.coordinates)

    async def _run(self) -> None:
        """Commit the batches in their order, until closed or failed."""
        await self._until_it_works(self._open)
        while True:
            work = await self._batches.get()
            try:
                await self._deliver(work)
            finally:
                work.task.cancel()
                self._leave(work.batch)

    def _begin(self, batch: RecordBatch) -> _Work:
        """Have a batch sanitized, and encoded as things stand."""
        terms = replace(self._context.terms, shut=frozenset(self._context.breakers.open))
        return _Work(batch, terms, asyncio.create_task(self._context.sanitize(batch, terms)))

    async def _output(self, work: _Work) -> Output:
        self.sanitizing = True
        output = await work.task
        self.sanitizing = False
        return output

    def _leave(self, batch: RecordBatch) -> None:
        self._context.done(batch)
        self._batches.task_done()

    async def _open(self) -> None:
        """Fence the partition's former owner, then see how far it came.

        A lane that opens again asks first whether the partition is still its own: what failed may have been
        the rightful owner's fencing, and that one is not to be fenced in turn.
        """
        if self._opened and not await self._context.owns(self.source):
            raise _NotYetError("the group has not given the partition to this worker any more")
        await self._stop_producer()
        self._producer = self._context.new_producer(self.source)
        await self._producer.start()
        self._next = await self._context.committed(self.source) or 0
        self._opened = True
        log.debug("lane_opened", **self.coordinates, committed=self._next)

    async def _deliver(self, work: _Work) -> None:
        """Commit a batch whose turn it is.

        The first look at its hits may open a breaker, and much may have happened since it was encoded: where
        it would be encoded otherwise now, or some of it is committed already, it is done once more.
        """
        whole, output = work.batch, await self._output(work)
        breakers = self._context.breakers
        if whole.offsets[-1] >= self._next:
            breakers.observe(output.hits, output.passed)
        tried: tuple[RecordBatch, Output] | None = None

        async def commit() -> _Work | None:
            """Commit; or the work that must be done before."""
            nonlocal tried
            if self._producer is None:  # the last try failed: what became of it is seen by opening anew
                await self._open()
            self._refuse_lost_batch(whole)
            if whole.offsets[-1] < self._next:
                return None
            assert self._producer is not None
            await self._context.look(self._producer)
            if work.batch.offsets[0] < self._next or not self._is_current(work.terms):
                return self._begin(whole.since(self._next))
            openings = breakers.unwritten()
            batches = [*output.batches, *(opening.encoded() for opening in openings)]
            tried, next_offset = (work.batch, output), whole.offsets[-1] + 1
            with metrics.STAGE_SECONDS.labels("commit").time():
                await self._producer.commit(batches, self.source, next_offset)
            self._next = next_offset
            breakers.written(openings)
            return None

        while (again := await self._until_it_works(commit)) is not None:
            work = again
            try:
                output = await self._output(work)
            finally:
                work.task.cancel()
        if tried is not None:
            count(*tried, time.monotonic() - whole.fetched_at)

    def _is_current(self, terms: OutputTerms) -> bool:
        """Whether a batch would be encoded by the same terms now."""
        return terms == replace(self._context.terms, shut=frozenset(self._context.breakers.open))

    def _refuse_lost_batch(self, batch: RecordBatch) -> None:
        """A batch that was fetched before this one and never came here must not be jumped over.

        Raises:
            BrokerError: one is missing; the worker's next life starts from the committed offset.
        """
        if batch.offsets[0] > self._next and batch.previous is not None and batch.previous >= self._next:
            raise BrokerError(
                f"a batch of {self.source.topic}/{self.source.partition} is missing between offsets "
                f"{self._next} and {batch.offsets[0]}"
            )

    async def _until_it_works(self, step: Callable[[], Awaitable[Answer]]) -> Answer:
        """Try, again with growing pauses while Kafka fails.

        Raises:
            BrokerError: Kafka refuses for good, or failed for longer than the worker's patience, or another
                worker has the partition and no rebalance has closed this lane.
        """
        deadline = time.monotonic() + self._context.patience
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    return await step()
            except (KafkaError, ClientError, OSError, TimeoutError, _NotYetError) as error:
                refused = refusal(error, group=self._context.group, raw_topic=self.source.topic)
                if refused is not None:
                    raise refused from None
                self._report(error)
                await self._stop_producer()
                if time.monotonic() + pause >= deadline:
                    last = str(error) if isinstance(error, _NotYetError) else type(error).__name__
                    raise BrokerError(
                        f"no way on for {self._context.patience:.0f} s on "
                        f"{self.source.topic}/{self.source.partition}, at last: {last}; "
                        "`weir topics check` tells whether Kafka answers and has every topic"
                    ) from None
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE)

    def _report(self, error: Exception) -> None:
        if isinstance(error, ProducerFenced):
            metrics.FENCED_LANES.inc()
            log.info("lane_fenced", **self.coordinates)
        elif isinstance(error, _NotYetError):
            log.warning("lane_waits", **self.coordinates, reason=str(error))
        else:
            metrics.TRANSACTION_ABORTS.inc()
            log.warning("transaction_failed", **self.coordinates, error=type(error).__name__)

    async def _stop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    @property
    def coordinates(self) -> dict[str, object]:
        """Which lane this is, for log lines."""
        return {"topic": self.source.topic, "partition": self.source.partition, "assignment": self.assignment}
