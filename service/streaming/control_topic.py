"""The control topic: the breakers' states, for all workers and the operator. Compacted; one partition.

The key of a record is a vendor's name, its value the state; the last record of a vendor counts. A worker that
opens a breaker writes it in the transaction of the batch that did so, the operator by `weir breaker`. Replays
keep their jobs there as well.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from service.errors import BrokerError
from service.kafka_access import KafkaAccess
from service.policy.vendor_names import VendorName
from service.streaming.breakers import BreakerRecord, Breakers, read_record
from service.streaming.connection import ANSWER_TIMEOUT

log = structlog.get_logger(__name__)

#: Milliseconds that the topic is waited for before breakers are looked at whose time may have come.
TICK_MS: Final = 1000
#: What the keys of replays' jobs begin with.
REPLAY_KEYS: Final = b"replay/"


class ControlTopic:
    """A reader of the topic, without a group: every worker reads all of it."""

    def __init__(self, access: KafkaAccess, topic: str) -> None:
        """Not connected yet."""
        self._partition = TopicPartition(topic, 0)
        self._consumer = AIOKafkaConsumer(
            **access.for_aiokafka(),
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=TICK_MS,
            group_id=None,
            isolation_level="read_committed",
        )

    async def read(self) -> dict[VendorName, BreakerRecord]:
        """Connect and read what there is; the last state of each vendor that has one.

        Raises:
            BrokerError: Kafka does not answer in time, or refuses.
        """
        states: dict[VendorName, BreakerRecord] = {}
        with _failures(f"the control topic {self._partition.topic} can't be read"):
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await self._consumer.start()
                self._consumer.assign([self._partition])
                await self._consumer.seek_to_beginning()
                end = (await self._consumer.end_offsets([self._partition]))[self._partition]
                while await self._consumer.position(self._partition) < end:
                    states |= await self._next()
        return states

    async def follow(self, breakers: Breakers) -> None:
        """Give every further state to the breakers, and close those whose time has come, for ever.

        Raises:
            BrokerError: Kafka refuses.
        """
        with _failures(f"the control topic {self._partition.topic} can't be read any more"):
            while True:
                for vendor, record in (await self._next()).items():
                    breakers.learn(vendor, record)
                breakers.expire()

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def _next(self) -> dict[VendorName, BreakerRecord]:
        """What comes within a tick, the last state of each vendor."""
        fetched: dict[TopicPartition, list[Any]] = await self._consumer.getmany(timeout_ms=TICK_MS)
        states = {}
        for record in fetched.get(self._partition, ()):
            if (record.key or b"").startswith(REPLAY_KEYS):
                continue
            found = read_record(record.key, record.value, record.timestamp)
            if found is None:
                log.warning("control_record_ignored", offset=record.offset)
            else:
                states[found[0]] = found[1]
        return states


def read_breakers(access: KafkaAccess, topic: str) -> dict[VendorName, BreakerRecord]:
    """The last state of each breaker that ever was opened.

    Raises:
        BrokerError: Kafka does not answer in time, or refuses.
    """

    async def read() -> dict[VendorName, BreakerRecord]:
        control = ControlTopic(access, topic)
        try:
            return await control.read()
        finally:
            await control.stop()

    return asyncio.run(read())


def write_breaker(access: KafkaAccess, topic: str, vendor: VendorName, record: BreakerRecord) -> None:
    """Set a breaker's state for all workers.

    Raises:
        BrokerError: Kafka does not answer in time, or refuses.
    """

    async def write() -> None:
        async with AIOKafkaProducer(**access.for_aiokafka(), acks="all", enable_idempotence=True) as producer:
            await producer.send_and_wait(topic, key=vendor.encode(), value=record.encode(), partition=0)

    with _failures(f"the control topic {topic} can't be written"):
        asyncio.run(asyncio.wait_for(write(), ANSWER_TIMEOUT))


@contextmanager
def _failures(what: str) -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerError(f"{what}: {type(error).__name__}") from None
