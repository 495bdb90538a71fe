"""Looks at the parts of a running worker every second and tells its health."""

import asyncio
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from service.observability import metrics
from service.processes.pool import SanitizerPool
from service.settings import Settings
from service.streaming.backlog import Backlog
from service.streaming.health import Health, Vital
from service.streaming.lanes import Lanes
from service.streaming.transport import BatchConsumer, Standing

log = structlog.get_logger(__name__)

#: Seconds between looks.
TICK: Final = 1.0
#: Seconds between questions to Kafka where the partitions end, and that it may take for an answer.
ENDS_INTERVAL: Final = 5.0
ENDS_TIMEOUT: Final = 30.0

#: Seconds for which nothing may be seen of a sanitizer process that has work.
QUIET: Final = 30.0


class _Standstill(NamedTuple):
    """A partition that has something to do, where it stands, and since when it has stood there."""

    standing: tuple[int, int | None]
    since: float


class Observer:
    """Everything a worker's health is read from."""

    def __init__(
        self,
        health: Health,
        settings: Settings,
        *,
        consumer: BatchConsumer,
        lanes: Lanes,
        pool: SanitizerPool,
        backlog: Backlog,
    ) -> None:
        self._health = health
        self._settings = settings
        self._consumer = consumer
        self._lanes = lanes
        self._pool = pool
        self._backlog = backlog
        self._started_at = self._out_of_group_since = time.monotonic()
        self._answered_at = self._started_at
        self._in_group = False
        self._assignments = 0
        self._standstills: dict[TopicPartition, _Standstill] = {}
        #: Replaced as a whole, never changed: the probes' thread reads it.
        self._lags: metrics.Series = {}
        metrics.LAG.read_from(lambda: self._lags)
        self._idle_pool_since: float | None = None

    def joined(self) -> None:
        """The group has given this worker its partitions, be they none."""
        self._in_group = self._health.joined = True
        self._health.observe(self._vitals())

    def left(self) -> None:
        """The group is about to give the partitions anew."""
        if self._in_group:
            self._in_group = False
            self._out_of_group_since = time.monotonic()
        self._assignments += 1
        self._forget_partitions()
        self._health.observe(self._vitals())

    async def watch(self) -> None:
        """Tell health how everything is, for ever."""
        while True:
            self._health.observe(self._vitals())
            await asyncio.sleep(TICK)

    async def follow_ends(self) -> None:
        """Ask Kafka where the assigned partitions end, for ever: what aiokafka fetches might stand still."""
        while True:
            asked_under = self._assignments
            try:
                async with asyncio.timeout(ENDS_TIMEOUT):
                    standings = await self._consumer.standings() if self._in_group else {}
                if self._assignments == asked_under:  # else some partitions are another worker's by now
                    self._note(standings)
            except (KafkaError, TimeoutError) as error:
                self._forget_partitions()  # what stood still may have moved since, and the lag is unknown
                log.warning("lag_unknown", error=type(error).__name__)
            await asyncio.sleep(ENDS_INTERVAL)

    def _vitals(self) -> Iterator[Vital]:
        now = time.monotonic()
        yield Vital(
            "group",
            "joined" if self._in_group else "not joined",
            since=None if self._in_group else self._out_of_group_since,
        )
        yield self._broker(now)
        yield self._workers(now)
        yield self._partitions()

    def _broker(self, now: float) -> Vital:
        """A connected consumer hears from a broker with every heartbeat, ten in a session."""
        self._answered_at = max(self._answered_at, self._consumer.answered_at() or 0.0)
        silent = now - self._answered_at > self._settings.session_timeout
        return Vital(
            "broker",
            "does not answer" if silent else "answers",
            since=self._answered_at if silent else None,
        )

    def _workers(self, now: float) -> Vital:
        """Work that does not go on in its process, batches that no process takes up, or no process at all."""
        alive, busy = self._pool.alive, self._pool.oldest_work
        waited_for = any(lane.sanitizing for lane in self._lanes.all())
        if busy or (alive and not waited_for):
            self._idle_pool_since = None
        elif self._idle_pool_since is None:
            self._idle_pool_since = now
        quiet = busy > QUIET
        return Vital(
            "pool",
            f"has {alive} of {self._pool.processes} processes"
            + (", and work that stands still" if quiet else ""),
            since=now - busy if quiet else self._idle_pool_since,
        )

    def _partitions(self) -> Vital:
        """The partition that has stood still for longest while it has something to do."""
        if not self._standstills:
            return Vital("partitions", "go on")
        source, worst = min(self._standstills.items(), key=lambda each: each[1].since)
        position, committed = worst.standing
        return Vital(
            "partitions",
            f"{source.topic}/{source.partition} is read to {position} and committed to "
            f"{'nowhere' if committed is None else committed}",
            since=worst.since,
        )

    def _note(self, standings: dict[TopicPartition, Standing]) -> None:
        now = time.monotonic()
        standstills = {}
        lags: dict[tuple[str, ...], float] = {}
        for source, (position, end) in standings.items():
            lane = self._lanes.find(source)
            committed = lane.committed if lane else None
            uncommitted = self._backlog.holds(source)
            # Of what was committed to what was read, there may be markers of transactions and no record.
            reached = committed if uncommitted and committed is not None else position
            lags[str(source.partition),] = max(0, end - reached)
            excused = (lane is not None and lane.sanitizing) or self._backlog.waits_for_others(source)
            if excused or not (uncommitted or position < end):
                continue  # nothing to do, or the pool has it, which is looked at by itself
            standing = (position, committed)
            known = self._standstills.get(source)
            if known is None or known.standing != standing:
                known = _Standstill(standing, now)
            standstills[source] = known
        self._standstills, self._lags = standstills, lags

    def _forget_partitions(self) -> None:
        self._standstills, self._lags = {}, {}
