"""What Kafka says of the worker's group, for lanes that must know where they stand."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from aiokafka import TopicPartition
from kafka import KafkaAdminClient, KafkaConsumer
from kafka import TopicPartition as ClientPartition

from service.kafka_access import KafkaAccess

#: Milliseconds that Kafka may take for one answer.
MILLISECONDS: Final = 10_000

Answer = TypeVar("Answer")


class Group:
    """The group, through clients that never join it.

    kafka-python and not aiokafka, because its `read_committed` consumer asks for a stable offset (KIP-447):
    one that no transaction in its last steps can still change. Its calls block, so they have a thread.
    """

    def __init__(self, group: str, access: KafkaAccess) -> None:
        self._group = group
        self._access = access
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="group")
        self._consumer: KafkaConsumer | None = None
        self._admin: KafkaAdminClient | None = None

    async def committed(self, source: TopicPartition) -> int | None:
        """The group's committed offset in the partition, None where there is none yet.

        Raises:
            kafka.errors.KafkaError: Kafka doesn't answer in time, or refuses.
        """
        return await self._ask(self._committed, source)

    async def owns(self, member: str, source: TopicPartition) -> bool:
        """Whether the group is at rest and has given the partition to the member with this id.

        Raises:
            kafka.errors.KafkaError: Kafka doesn't answer in time, or refuses.
        """
        return await self._ask(self._owns, member, source)

    async def close(self) -> None:
        """Close the connections; a call under way ends first, which takes an answer's time at most."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    async def _ask(self, question: Callable[..., Answer], *arguments: Any) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, *arguments)

    def _committed(self, source: TopicPartition) -> int | None:
        if self._consumer is None:
            self._consumer = KafkaConsumer(
                **self._access.for_kafka_python(),
                group_id=self._group,
                isolation_level="read_committed",
                enable_auto_commit=False,
                request_timeout_ms=MILLISECONDS,
                allow_auto_create_topics=False,
            )
        partition = ClientPartition(source.topic, source.partition)
        committed: int | None = self._consumer.committed(partition, timeout_ms=MILLISECONDS)
        return committed

    def _owns(self, member: str, source: TopicPartition) -> bool:
        if self._admin is None:
            self._admin = KafkaAdminClient(
                **self._access.for_kafka_python(),
                request_timeout_ms=MILLISECONDS,
            )
        group = self._admin.describe_groups([self._group])[self._group]
        return group["group_state"] == "Stable" and any(
            each["member_id"] == member and source.partition in _partitions(each, source.topic)
            for each in group["members"]
        )

    def _disconnect(self) -> None:
        for client in (self._consumer, self._admin):
            if client is not None:
                client.close()
        self._consumer = self._admin = None


def _partitions(member: dict[str, Any], topic: str) -> set[int]:
    assigned = (member["member_assignment"] or {}).get("assigned_partitions", ())
    return {number for each in assigned if each["topic"] == topic for number in each["partitions"]}
