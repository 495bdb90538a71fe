"""A run of a job: read, sanitize, write, until every range is at its end or something must stop it."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from service.errors import BrokerError, ReplayError
from service.output.rules import OutputRules
from service.policy.vendor_names import VendorName
from service.processes.batch_size import BatchSize
from service.processes.pool import PoolLimits, SanitizerPool
from service.replay.client import let_go
from service.replay.definition import group_of
from service.replay.differences import Differences
from service.replay.in_thread import GRACE, in_thread
from service.replay.output import ReplayRecord, ReplayRules
from service.replay.pacing import LOOK, LagBound, LiveLag, Rate
from service.replay.plan import Plan, read_letters
from service.replay.progress import Progress
from service.replay.raw_batch import RawBatch
from service.replay.reader import Reader, named
from service.replay.session import JobSession, is_fenced, job_consumer
from service.replay.tally import Tally
from service.replay.targets import Mark, Target
from service.sanitize.config import SanitizerConfig
from service.sanitize.outcomes import BatchResult, Sent
from service.streaming.breakers import Window, gate_counts
from service.streaming.needed_rights import transactions_right
from service.streaming.refusals import refusal

log = structlog.get_logger(__name__)

#: Raw records of a transaction, at most, beyond a batch.
_MOST_RECORDS: Final = 5_000
#: Batches in the pool or waiting for their turn, for each of its processes.
_PIECES: Final = 3
#: Seconds after which also partitions without progress are committed: Kafka forgets offsets that are not for
#: offsets.retention.minutes, a week unless set otherwise.
_ALL_MARKS: Final = 3600.0
#: Seconds between tries while Kafka fails: doubled from the first to the last.
_FIRST_PAUSE: Final = 0.5
_LAST_PAUSE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How a run treats the live stream; None for no bound.

    Attributes:
        records: Raw records a second.
        lag: How far behind the live worker may be while the run goes on.
    """

    records: float | None = None
    lag: LagBound | None = None


class _Results(NamedTuple):
    """What the sanitizer made of a batch; `other` with another policy, where one is compared with."""

    ours: BatchResult
    other: BatchResult | None


class _Piece(NamedTuple):
    """A batch on its way."""

    batch: RawBatch
    work: asyncio.Task[_Results]


class Replay:
    """A run.

    Attributes:
        definition: The job as it is done: as an earlier run has begun it, where one has.
        differences: What another policy would change.
    """

    def __init__(
        self,
        plan: Plan,
        progress: Progress,
        pace: Pace,
        *,
        review: Target | None = None,
        other_policy_dir: Path | None = None,
    ) -> None:
        """Begin nothing yet.

        Args:
            plan: What is to be done.
            progress: Told of every step.
            pace: How fast, at most.
            review: Where everything goes in place of topics; None for topics.
            other_policy_dir: The folder of a policy to compare with.
        """
        self._plan = plan
        self._batch_size = size = BatchSize(plan.settings.batch_records)
        self._pool = _pool(plan, plan.settings.config_dir, size)
        self._other_pool = None if other_policy_dir is None else _pool(plan, other_policy_dir, size)
        self._progress = progress
        self._review = review
        self._restart = plan.restart
        self._letters = plan.letters
        self.definition = plan.definition
        self._marks: dict[TopicPartition, Mark] = {
            each.source: Mark(each.start, Tally()) for each in plan.definition.ranges
        }
        self._rate = None if pace.records is None else Rate(pace.records)
        self._pace = pace
        self._works: set[asyncio.Task[_Results]] = set()
        self.differences = Differences(plan.definition.vendors)
        self._windows: dict[VendorName, Window] = {}
        self._patience = plan.settings.transaction_timeout
        self._all_committed = time.monotonic()
        self._lag = (
            None
            if pace.lag is None
            else LiveLag(plan.access, plan.settings.group_id, pace.lag.topic, plan.client_id)
        )

    @property
    def again(self) -> str:
        """What whoever started it can do once it was stopped."""
        return "the same command goes on where the job is" if self._review is None else "begin it anew"

    async def run(self) -> None:
        """Do it.

        Raises:
            ConfigurationError: the policy to compare with is wrong.
            ReplayError: something stopped it.
            BrokerError: Kafka refused, or failed for longer than WEIR_TRANSACTION_TIMEOUT.
            SanitizerError: the sanitizer's processes can't be kept alive.
        """
        async with contextlib.AsyncExitStack() as stack:
            for pool in filter(None, (self._pool, self._other_pool)):
                stack.push_async_callback(pool.stop)
                await pool.start()
                self._refuse_other_keys(pool)
            await self._while_kafka_fails()

    async def _while_kafka_fails(self) -> None:
        """Do it, again from where it was while Kafka fails."""
        failing_since, pause = -math.inf, _FIRST_PAUSE
        while True:
            try:
                return await self._until_done()
            except (KafkaError, OSError) as error:
                self._refuse(error)
                if self._progress.moved > failing_since:
                    failing_since, pause = time.monotonic(), _FIRST_PAUSE
                if time.monotonic() - failing_since > self._patience:
                    raise BrokerError(
                        f"Kafka failed for {self._patience:.0f} s, at last: {type(error).__name__}; "
                        f"{self.again}"
                    ) from None
                log.warning("replay_waits_for_kafka", error=type(error).__name__)
            self._progress.waits_for = "Kafka"
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE)

    def _refuse(self, error: Exception) -> None:
        """Raise what no further try can change.

        Raises:
            ReplayError: another run has the job now.
            BrokerError: Kafka refuses.
        """
        if is_fenced(error):
            raise ReplayError(
                f"another run of job {self.definition.job} has taken over, or it was cancelled, or a "
                "transaction of this one was open for too long; `weir replay status` tells how it stands"
            ) from None
        settings, topic = self._plan.settings, self.definition.arguments.topics[0]
        group = group_of(settings.group_id, self.definition.job)
        refused = refusal(error, group=group, raw_topic=topic, transactions=transactions_right(settings))
        if refused is not None:
            raise refused from None

    async def _until_done(self) -> None:
        """Do it as long as Kafka does not fail."""
        async with contextlib.AsyncExitStack() as stack:
            client = await in_thread(job_consumer, self._plan, seconds=self._patience)
            stack.push_async_callback(_closed, partial(let_go, client))
            if self._review is None:
                opening = partial(JobSession, self._plan, client, restart=self._restart)
                session = await in_thread(opening, seconds=2 * self._patience)
                stack.push_async_callback(_closed, session.close)
                await self._adopt(session)
                await self._flow(client, session.target, session)
            else:
                await self._flow(client, self._review, None)
                self._review.finish()

    async def _adopt(self, session: JobSession) -> None:
        """Go on with the job as an earlier run began it, perhaps one that began at the same moment."""
        self._restart = False
        if session.definition != self.definition:
            reading = partial(read_letters, self._plan.settings, session.definition)
            self._letters = await in_thread(reading, seconds=None)
        self.definition, self._marks = session.definition, session.marks

    async def _flow(self, client: KafkaConsumer, target: Target, session: JobSession | None) -> None:
        """Read, sanitize and write, all at the same time, in the order of each partition."""
        settings = self._plan.settings
        reader = Reader(
            client,
            self.definition.ranges,
            {source: mark.offset for source, mark in self._marks.items()},
            letters=self._letters,
            selects=named(frozenset(self.definition.arguments.events)),
            most_records=self._batch_records,
            most_bytes=settings.batch_bytes,
            allow_gaps=self._plan.allow_gaps,
            patience=self._patience,
        )
        rules = self._rules()
        self._windows = {each.vendor: Window(each.breaker.per_events) for each in self._plan.policy.vendors}
        self._progress.begin(self.definition.ranges, self._marks)
        line: asyncio.Queue[_Piece | None] = asyncio.Queue()
        room = asyncio.Semaphore(_PIECES * self._pool.processes)
        feeding = asyncio.create_task(self._feed(reader, line, room))
        try:
            async for pieces in _in_groups(line):
                if session is not None:
                    await in_thread(session.check, seconds=self._patience)
                    for _, work in pieces:
                        await self._see_hits(work.result().ours, session)
                await self._write(target, rules, pieces)
                for _ in pieces:
                    room.release()
            await feeding
        finally:
            feeding.cancel()
            for work in self._works:
                work.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    async def _feed(
        self, reader: Reader, line: asyncio.Queue[_Piece | None], room: asyncio.Semaphore
    ) -> None:
        """Read, as far as there is room and the pace allows; in the end, whatever it is, None."""
        looked = -math.inf
        try:
            while not reader.ended:
                if self._lag is not None and time.monotonic() - looked > LOOK:
                    await self._until_live_is_near(self._lag)
                    looked = time.monotonic()
                    reader.rest()
                for batch in await in_thread(reader.next, seconds=self._patience):
                    if self._rate is not None:
                        await self._rate.take(len(batch.offsets) + batch.skipped)
                    await room.acquire()
                    work = asyncio.create_task(self._sanitize(batch))
                    self._works.add(work)
                    work.add_done_callback(self._works.discard)
                    line.put_nowait(_Piece(batch, work))
                    reader.rest()
        finally:
            line.put_nowait(None)

    async def _sanitize(self, batch: RawBatch) -> _Results:
        if not batch.values:
            return _Results(BatchResult([]), None)
        if self._other_pool is None:
            return _Results(await self._pool.sanitize(batch.values), None)
        return _Results(
            *await asyncio.gather(self._pool.sanitize(batch.values), self._other_pool.sanitize(batch.values))
        )

    async def _write(self, target: Target, rules: ReplayRules, pieces: Sequence[_Piece]) -> None:
        """Commit finished batches and how far the job is with them."""
        records: list[ReplayRecord] = []
        marks: dict[TopicPartition, Mark] = {}
        tally = Tally()
        for batch, work in pieces:
            ours, other = work.result()
            self._refuse_other_policy(ours)
            if other is not None:
                self.differences.add(ours, other)
            output = rules.output(batch, ours)
            records += output.records
            tally.add(output.tally)
            mark = marks.get(batch.source) or self._marks[batch.source].copy()
            mark.tally.add(output.tally)
            marks[batch.source] = mark._replace(offset=batch.next)
        if time.monotonic() - self._all_committed > _ALL_MARKS:
            marks = self._marks | marks
            self._all_committed = time.monotonic()
        await in_thread(target.commit, records, marks, seconds=self._patience)
        self._marks |= marks
        self._progress.advance({source: mark.offset for source, mark in marks.items()}, tally)

    def _refuse_other_keys(self, pool: SanitizerPool) -> None:
        """See that the sanitizers have loaded the keys that were checked: the file may have changed since.

        Raises:
            ReplayError: they have others.
        """
        if pool.keyring.checks != self._plan.keys:
            raise ReplayError(
                f"{self._plan.keyring_file} has changed while the job began; nothing of it was sent. "
                f"{self.again}"
            )

    def _refuse_other_policy(self, result: BatchResult) -> None:
        """See that the sanitizers have loaded the policy that was checked: the files may have changed since.

        Raises:
            ReplayError: they have another one.
        """
        events = (each for outcomes in result.outcomes for each in outcomes if isinstance(each, Sent))
        first = next(events, None)
        if first is not None and dict(first.headers)["weir-policy"] != self.definition.policy.encode():
            raise ReplayError(
                f"the policy in {self._plan.settings.config_dir} has changed while the job began; "
                f"nothing of it was sent. {self.again}, with the policy that it began with"
            )

    async def _see_hits(self, result: BatchResult, session: JobSession) -> None:
        """Open the breaker of a vendor for which the gate has found too much, before anything goes there.

        Raises:
            ReplayError: it has found too much.
        """
        if self.definition.arguments.to_topic is not None:
            return
        hits, sent = gate_counts(result)
        for plan in self._plan.policy.vendors:
            window = self._windows[plan.vendor]
            window.add(hits[plan.vendor], sent[plan.vendor])
            if window.hits >= plan.breaker.gate_hits:
                opening = partial(session.open_breaker, plan.vendor, window)
                await in_thread(opening, seconds=self._patience)

    async def _until_live_is_near(self, lag: LiveLag) -> None:
        """Wait while the live worker is further behind than it may be."""
        assert self._pace.lag is not None
        bound = self._pace.lag.records
        while (records := await in_thread(lag.records, seconds=self._patience)) > bound:
            if self._progress.waits_for is None:
                log.info("replay_waits_for_live", lag=records, bound=bound)
            self._progress.waits_for = f"the live worker, {records:,} records behind"
            await asyncio.sleep(LOOK)
        self._progress.waits_for = None

    def _batch_records(self) -> int:
        """Small batches where the rate is bounded, so that they come evenly."""
        most = self._batch_size.records
        return most if self._pace.records is None else max(1, min(most, int(self._pace.records / 4)))

    def _rules(self) -> ReplayRules:
        arguments, settings = self.definition.arguments, self._plan.settings
        to_vendors = self._review is None and arguments.to_topic is None
        return ReplayRules(
            live=OutputRules(settings.dead_letter_topic, self._plan.policy.fingerprint, self._plan.largest),
            begun=self.definition.begun // 1000,
            marked=not arguments.as_live,
            refused_if_old=to_vendors or not arguments.as_live,
            to_topic=arguments.to_topic,
            with_letters=to_vendors,
            letters=self._letters,
            vendors=() if self._plan.for_every_vendor else self.definition.vendors,
        )


async def _closed(close: Callable[[], None]) -> None:
    """Close a client; one that can't be closed is left to the process's end."""
    with contextlib.suppress(TimeoutError):
        await in_thread(close, seconds=GRACE)


async def _in_groups(line: asyncio.Queue[_Piece | None]) -> AsyncIterator[list[_Piece]]:
    """The pieces in their order, as many together as are finished and go into one transaction."""
    piece = await line.get()
    while piece is not None:
        await piece.work
        group, size, following = [piece], len(piece.batch.offsets), None
        while size < _MOST_RECORDS and not line.empty():
            following = line.get_nowait()
            if following is None:
                yield group
                return
            if not following.work.done():
                break
            group.append(following)
            size += len(following.batch.offsets)
            following = None
        yield group
        piece = following or await line.get()


def _pool(plan: Plan, config_dir: Path, batch_size: BatchSize) -> SanitizerPool:
    settings = plan.settings
    config = SanitizerConfig(
        config_dir,
        plan.keyring_file,
        settings.spacy_model,
        settings.detection_profile,
        frozenset(plan.definition.vendors),
        settings.self_check,
        settings.keyring_kek_file,
    )
    limits = PoolLimits.of(settings)
    return SanitizerPool(config, limits, processes=settings.processes, batch_size=batch_size)
