"""Kindness to the live stream: so many records a second at most, and none while its worker is behind."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from kafka import KafkaAdminClient, TopicPartition

from service.kafka_access import KafkaAccess
from service.replay.client import ANSWER_MS, consumer
from service.replay.ranges import partitions_of

#: Seconds between looks at the live group's lag.
LOOK: Final = 5.0


class Rate:
    """Lets so many records through in a second, none in advance."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._free_at = time.monotonic()

    async def take(self, records: int) -> None:
        """Wait until these may go."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now) + records / self._per_second
        await asyncio.sleep(max(0.0, self._free_at - records / self._per_second - now))


@dataclass(frozen=True, slots=True)
class LagBound:
    """How far behind the live group may be on a topic, in records, while a replay goes on."""

    topic: str
    records: int


class LiveLag:
    """How far the live group is behind. Its calls block."""

    def __init__(self, access: KafkaAccess, group: str, topic: str, client_id: str) -> None:
        self._access = access
        self._group = group
        self._topic = topic
        self._client_id = client_id

    def records(self) -> int:
        """Offsets between the group's and the topic's ends; a group that has none is behind by everything.

        Raises:
            BrokerError: there is no such topic.
            KafkaError: Kafka does not answer, or refuses.
        """
        with (
            closing(consumer(self._access, self._client_id)) as reader,
            closing(
                KafkaAdminClient(
                    **self._access.for_kafka_python(), client_id=self._client_id, request_timeout_ms=ANSWER_MS
                )
            ) as admin,
        ):
            partitions = partitions_of(reader, self._topic)
            ends = reader.end_offsets(partitions)
            committed = self._committed(admin, partitions)
            starts = reader.beginning_offsets(partitions)
        return sum(max(0, ends[each] - committed.get(each, starts[each])) for each in partitions)

    def _committed(
        self, admin: KafkaAdminClient, partitions: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        offsets = admin.list_group_offsets({self._group: list(partitions)})[self._group]
        return {each: entry.offset for each, entry in offsets.items() if entry.offset >= 0}
