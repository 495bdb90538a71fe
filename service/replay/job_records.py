"""The jobs' records in the control topic: what each job is, from its first start on."""

import itertools
import time
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from pydantic import ValidationError

from service.errors import BrokerError, ReplayError
from service.kafka_access import KafkaAccess
from service.policy.vendor_names import VendorName
from service.replay.client import ANSWER_MS, consumer, let_go
from service.replay.definition import Definition
from service.streaming.breakers import BreakerRecord, read_record
from service.streaming.control_topic import REPLAY_KEYS

_POLL_MS: Final = 200


class JobRecords:
    """A reader of the control topic that knows the last record of each job's shard and vendor's breaker.

    Attributes:
        jobs: By job and shard.
        breakers: By vendor.
    """

    def __init__(self, access: KafkaAccess, topic: str, client_id: str) -> None:
        """Connect.

        Raises:
            KafkaError: Kafka does not answer.
        """
        self.jobs: dict[tuple[str, int], Definition] = {}
        self.breakers: dict[VendorName, BreakerRecord] = {}
        self._unreadable: set[str] = set()
        self._partition = TopicPartition(topic, 0)
        self._consumer: KafkaConsumer = consumer(access, client_id)
        self._consumer.assign([self._partition])
        self._consumer.seek_to_beginning(self._partition)
        self._looking_ahead: KafkaConsumer = consumer(access, client_id, isolation_level="read_uncommitted")

    def read(self, patience: float) -> None:
        """Read to the end, also what open transactions hold back: one of them may be a job's beginning.

        Raises:
            BrokerError: a transaction was open for longer than `patience` seconds.
            KafkaError: Kafka does not answer.
        """
        end = self._looking_ahead.end_offsets([self._partition])[self._partition]
        deadline = time.monotonic() + patience
        while self._consumer.position(self._partition, timeout_ms=ANSWER_MS) < end:
            if time.monotonic() > deadline:
                raise BrokerError(
                    f"the control topic {self._partition.topic} could not be read to its end for "
                    f"{patience:.0f} s: a transaction is open"
                )
            self._take(self._consumer.poll(timeout_ms=_POLL_MS))

    def follow(self) -> None:
        """Take in what has come since, without waiting."""
        self._take(self._consumer.poll(timeout_ms=0))

    def shards(self, job: str) -> list[Definition]:
        """What is known of a job, by shard.

        Raises:
            ReplayError: its record can't be read.
        """
        if job in self._unreadable:
            raise ReplayError(
                f"the record of job {job} in the control topic can't be read; a newer Weir may have written "
                "it. Give another --job"
            )
        return [each for (name, _), each in sorted(self.jobs.items()) if name == job]

    def close(self) -> None:
        """Disconnect."""
        let_go(self._consumer)
        let_go(self._looking_ahead)

    def _take(self, fetched: dict[TopicPartition, list[Any]]) -> None:
        for record in itertools.chain.from_iterable(fetched.values()):
            key = record.key or b""
            if key.startswith(REPLAY_KEYS):
                self._take_job(key, record.value)
                continue
            found = read_record(record.key, record.value, record.timestamp)
            if found is not None:
                self.breakers[found[0]] = found[1]

    def _take_job(self, key: bytes, value: bytes | None) -> None:
        """A record about a job. One that can't be read matters only to whoever asks for that job."""
        job, _, shard = key.removeprefix(REPLAY_KEYS).decode(errors="replace").rpartition("/")
        place = (job, int(shard) if shard.isdecimal() else 0)
        self.jobs.pop(place, None)
        self._unreadable.discard(job)
        if value is None:
            return
        try:
            definition = Definition.decode(value)
        except ValidationError:
            self._unreadable.add(job)
            return
        if definition.key == key:
            self.jobs[place] = definition
