"""A lane's end, whatever it is waiting for."""

import asyncio
import contextlib

import pytest
from aiokafka import TopicPartition

from service.output.encoding import Output
from service.output.rules import OutputRules, OutputTerms
from service.policy.plan import CompiledPolicy
from service.streaming import lane
from service.streaming.breakers import Breakers
from service.streaming.lane import Lane
from service.streaming.record_batch import RecordBatch
from service.streaming.transaction import TransactionalProducer


class Producer:
    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass


class Surroundings:
    """Kafka answers in the moment of the cancellation."""

    terms = OutputTerms(OutputRules("dead-letters", "fingerprint", 1000), {})
    breakers = Breakers(CompiledPolicy((), (), ""), "control")
    group = "group"
    patience = 60.0

    def __init__(self) -> None:
        self.left: list[RecordBatch] = []

    def new_producer(self, source: TopicPartition) -> TransactionalProducer:
        return Producer()  # type: ignore[return-value]

    async def sanitize(self, batch: RecordBatch, terms: OutputTerms) -> Output:
        return await asyncio.Future[Output]()

    async def look(self, producer: TransactionalProducer) -> None:
        pass

    async def committed(self, source: TopicPartition) -> int | None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Future[None]()
        return None

    async def owns(self, source: TopicPartition) -> bool:
        return True

    def done(self, batch: RecordBatch) -> None:
        self.left.append(batch)


async def test_close_ends_a_lane_that_lost_its_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "CANCEL_AGAIN", 0.05)
    surroundings = Surroundings()
    source = TopicPartition("raw", 0)
    closing = Lane(source, 1, surroundings)
    batch = RecordBatch(source, 1, None, (0,), (0,), (b"",), 0.0)
    closing.put(batch)
    await asyncio.sleep(0.01)
    await asyncio.wait_for(closing.close(), 5)
    assert closing.task.cancelled()
    assert surroundings.left == [batch]
