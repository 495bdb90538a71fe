"""What the observer tells of consumer, lanes, pool and backlog; real ones are in test_stalls.py."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from service.observability import metrics
from service.settings import Settings
from service.streaming import observer as module
from service.streaming.backlog import BATCHES_IN_ALL, Backlog
from service.streaming.health import Health, Vital
from service.streaming.observer import QUIET, Observer
from service.streaming.record_batch import RecordBatch
from service.streaming.transport import Standing

BUSY, OTHER = TopicPartition("raw", 0), TopicPartition("raw", 1)
BATCH_BYTES = 1000


@dataclass
class LaneState:
    committed: int | None = None
    sanitizing: bool = False


@dataclass
class State:
    """What the observer sees of the worker."""

    lanes: dict[TopicPartition, LaneState] = field(default_factory=dict)
    answered: float | None = None
    processes: int = 2
    alive: int = 2
    oldest_work: float = 0.0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    #: What Kafka answers to the one question, once it does.
    answer: asyncio.Future[dict[TopicPartition, Standing]] | None = None

    async def standings(self) -> dict[TopicPartition, Standing]:
        self.asked.set()
        if self.answer is None:
            raise KafkaTimeoutError
        return await self.answer

    def answered_at(self) -> float | None:
        return self.answered

    def all(self) -> list[LaneState]:
        return list(self.lanes.values())

    def find(self, source: TopicPartition) -> LaneState | None:
        return self.lanes.get(source)


class Clock:
    def __init__(self) -> None:
        self.now = time.monotonic()

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def backlog() -> Backlog:
    backlog = Backlog(BATCH_BYTES)
    backlog.begin(1)
    return backlog


@pytest.fixture
def observer(state: State, backlog: Backlog, clock: Clock) -> Iterator[Observer]:
    seen: Any = state
    yield Observer(Health(60), Settings(), consumer=seen, lanes=seen, pool=seen, backlog=backlog)
    metrics.LAG.read_from(dict)


def batch(source: TopicPartition, first: int = 0, size: int = 1) -> RecordBatch:
    return RecordBatch(source, 1, None, (first,), (0,), (b"x" * size,), 0.0)


def seen(observer: Observer, name: str) -> Vital:
    (vital,) = (each for each in observer._vitals() if each.name == name)
    return vital


def lag(source: TopicPartition) -> float | None:
    labels = {"partition": str(source.partition)}
    return next((s.value for m in metrics.LAG.collect() for s in m.samples if s.labels == labels), None)


def test_group(observer: Observer, clock: Clock) -> None:
    start = clock.now
    clock.now += 5
    assert seen(observer, "group").since == start
    observer.joined()
    assert seen(observer, "group").since is None
    clock.now += 5
    observer.left()
    observer.left()
    clock.now += 5
    assert seen(observer, "group").since == start + 10


def test_broker_is_silent_for_longer_than_a_session(observer: Observer, state: State, clock: Clock) -> None:
    state.answered = clock.now
    clock.now += 29
    assert seen(observer, "broker").since is None
    clock.now += 2
    assert seen(observer, "broker").since == state.answered
    before, state.answered = state.answered, None  # its connections are gone
    assert seen(observer, "broker").since == before
    state.answered = clock.now
    assert seen(observer, "broker").since is None


def test_pool(observer: Observer, state: State, clock: Clock) -> None:
    assert seen(observer, "pool").since is None
    state.lanes[BUSY] = LaneState(sanitizing=True)
    state.oldest_work = QUIET - 1
    assert seen(observer, "pool").since is None
    state.oldest_work = QUIET + 1
    assert seen(observer, "pool") == Vital(
        "pool", "has 2 of 2 processes, and work that stands still", clock.now - QUIET - 1
    )


@pytest.mark.parametrize("cause", ["no process", "work that nobody takes"])
def test_pool_that_does_nothing(observer: Observer, state: State, clock: Clock, cause: str) -> None:
    if cause == "no process":
        state.alive = 0
    else:
        state.lanes[BUSY] = LaneState(sanitizing=True)
    since = clock.now
    assert seen(observer, "pool").since == since
    clock.now += 5
    assert seen(observer, "pool").since == since
    state.oldest_work = 0.1
    assert seen(observer, "pool").since is None
    state.oldest_work = 0.0
    clock.now += 5
    assert seen(observer, "pool").since == clock.now


def test_partition_that_is_not_fetched(observer: Observer, clock: Clock) -> None:
    observer._note({BUSY: Standing(5, 5)})
    assert seen(observer, "partitions").since is None
    assert lag(BUSY) == 0
    observer._note({BUSY: Standing(5, 9)})
    since = clock.now
    clock.now += 5
    observer._note({BUSY: Standing(5, 12)})
    assert seen(observer, "partitions").since == since
    assert "raw/0 is read to 5 and committed to nowhere" in seen(observer, "partitions").state
    assert lag(BUSY) == 7
    observer._note({BUSY: Standing(6, 12)})
    assert seen(observer, "partitions").since == clock.now


def test_partition_that_is_not_committed(
    observer: Observer, state: State, backlog: Backlog, clock: Clock
) -> None:
    state.lanes[BUSY] = lane = LaneState(committed=3, sanitizing=True)
    backlog.add(batch(BUSY, 3))
    observer._note({BUSY: Standing(9, 9)})
    assert lag(BUSY) == 6
    assert seen(observer, "partitions").since is None  # the pool has it
    lane.sanitizing = False
    observer._note({BUSY: Standing(9, 9)})
    since = clock.now
    clock.now += 5
    observer._note({BUSY: Standing(9, 9), OTHER: Standing(0, 1)})
    assert seen(observer, "partitions").since == since
    backlog.done(batch(BUSY, 3))
    observer._note({BUSY: Standing(9, 9)})  # markers of transactions stand between 4 and 9
    assert lag(BUSY) == 0
    assert seen(observer, "partitions").since is None


def test_batches_that_no_lane_takes(observer: Observer, backlog: Backlog, clock: Clock) -> None:
    backlog.add(batch(BUSY))
    observer._note({BUSY: Standing(1, 1)})
    assert seen(observer, "partitions").since == clock.now


def test_partition_that_waits_for_others(observer: Observer, backlog: Backlog) -> None:
    backlog.add(batch(OTHER, size=BATCHES_IN_ALL * BATCH_BYTES))
    observer._note({BUSY: Standing(0, 9)})
    assert seen(observer, "partitions").since is None


async def test_what_kafka_does_not_tell_stands_still_for_nobody(observer: Observer) -> None:
    observer.joined()
    observer._note({BUSY: Standing(0, 9)})
    asking = asyncio.create_task(observer.follow_ends())
    await asyncio.sleep(0)
    assert seen(observer, "partitions").since is None
    assert not asking.done()
    assert lag(BUSY) is None
    asking.cancel()


@pytest.mark.parametrize("joins", [False, True], ids=["left", "joined anew"])
async def test_an_answer_from_before_a_rebalance_brings_no_partition_back(
    observer: Observer, state: State, joins: bool
) -> None:
    state.answer = asyncio.get_running_loop().create_future()
    observer.joined()
    asking = asyncio.create_task(observer.follow_ends())
    await state.asked.wait()
    observer.left()
    if joins:
        observer.joined()
    state.answer.set_result({BUSY: Standing(0, 9)})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert lag(BUSY) is None
    assert seen(observer, "partitions").since is None
    assert not asking.done()
    asking.cancel()


async def test_an_answer_under_the_same_assignment_counts(observer: Observer, state: State) -> None:
    state.answer = asyncio.get_running_loop().create_future()
    observer.joined()
    asking = asyncio.create_task(observer.follow_ends())
    await state.asked.wait()
    state.answer.set_result({BUSY: Standing(0, 9)})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert lag(BUSY) == 9
    asking.cancel()


def test_a_partition_that_is_gone_has_no_lag(observer: Observer) -> None:
    observer._note({BUSY: Standing(0, 9), OTHER: Standing(0, 1)})
    observer._note({OTHER: Standing(0, 1)})
    assert (lag(BUSY), lag(OTHER)) == (None, 1)


def test_a_rebalance_forgets_partitions(observer: Observer) -> None:
    observer._note({BUSY: Standing(0, 9)})
    observer.left()
    assert seen(observer, "partitions").since is None
    assert lag(BUSY) is None
