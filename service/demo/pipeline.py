"""A run of the real thing: topics, raw records, a worker process, and what came out at the other end."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from service.errors import BrokerError, WeirError
from service.policy.plan import CompiledPolicy
from service.settings import Settings

PARTITIONS: Final = 4
#: Seconds without a committed batch after which a run is given up; the worker loads its models in them too.
PATIENCE: Final = 180.0
_POLL_SECONDS: Final = 0.05
_LOG_TAIL_LINES: Final = 20
#: Room for the sample's record that is too large for Weir; compressed it fits any broker.
_MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024


class Coordinates(NamedTuple):
    """Where a record stands in the raw topic."""

    partition: int
    offset: int


class Delivery(NamedTuple):
    """A record that came out."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


#: Told how many records of how many are done.
Progress = Callable[[int, int], None]


class Pipeline:
    """One run on topics of its own.

    Args:
        settings: The settings that the worker gets, with the broker, group and key ring of this run.
        policy: The policy that the worker will load, for the vendors' topics.
    """

    def __init__(self, settings: Settings, policy: CompiledPolicy) -> None:
        self._settings = settings
        self.outputs = (*(plan.topic for plan in policy.vendors), settings.dead_letter_topic)
        self._topics = (settings.raw_topic, *self.outputs)

    @contextmanager
    def topics(self, *, keep: bool) -> Iterator[None]:
        """The run's topics, deleted in the end unless they are to be kept.

        Raises:
            BrokerError: if one of them is there already: invented events must not mix with real ones.
        """
        with self._admin() as admin:
            taken = sorted(set(admin.list_topics()) & set(self._topics))
            if taken:
                raise BrokerError(
                    f"the broker has topics already that this run would fill with invented events: "
                    f"{', '.join(taken)}; name a broker without them, or none to start one"
                )
            options = {"num_partitions": PARTITIONS, "replication_factor": -1, "configs": {}}
            admin.create_topics(dict.fromkeys(self._topics, options), wait_for_metadata=True)
        try:
            yield
        finally:
            if not keep:
                with self._admin() as admin:
                    admin.delete_topics(list(self._topics))

    def produce(self, records: Iterable[tuple[bytes | None, bytes | None]]) -> list[Coordinates]:
        """Write (key, value) records to the raw topic; where each of them stands, in order."""
        producer = KafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap,
            compression_type="gzip",
            linger_ms=20,
            batch_size=262_144,
            max_request_size=_MAX_REQUEST_BYTES,
        )
        try:
            sent = [producer.send(self._settings.raw_topic, key=key, value=value) for key, value in records]
            producer.flush()
            found = [future.get(timeout=PATIENCE) for future in sent]
        except KafkaError as error:
            raise BrokerError(f"the sample events cannot be produced: {type(error).__name__}") from None
        finally:
            producer.close()
        return [Coordinates(metadata.partition, metadata.offset) for metadata in found]

    @contextmanager
    def worker(self) -> Iterator["Worker"]:
        """A worker process, ended with SIGTERM."""
        with tempfile.NamedTemporaryFile(prefix="weir-worker-", suffix=".log") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "service", "worker"],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for this process, which then ends the worker
            )
            try:
                yield Worker(process, Path(log.name))
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(self._settings.shutdown_grace + 10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def wait(self, worker: "Worker", progress: Progress) -> None:
        """Wait until the group has committed every raw record: its outcomes came in the same transaction.

        Raises:
            WeirError: if the worker ends, or commits nothing for PATIENCE seconds.
        """
        partitions = self._partitions([self._settings.raw_topic])
        group = self._settings.group_id
        done, since = 0, time.monotonic()
        with self._admin() as admin, self._consumer() as consumer:
            ends = consumer.end_offsets(partitions)
            total = sum(ends.values())
            progress(0, total)
            while done < total:
                worker.check()
                committed = admin.list_group_offsets({group: partitions})[group]
                now = sum(max(offset.offset, 0) for offset in committed.values())
                if now > done:
                    done, since = now, time.monotonic()
                    progress(done, total)
                elif time.monotonic() - since > PATIENCE:
                    raise WeirError(f"the worker committed nothing for {PATIENCE:.0f} s; {worker.tail()}")
                else:
                    time.sleep(_POLL_SECONDS)

    def read(self) -> list[Delivery]:
        """Everything in the output topics that a read_committed reader gets."""
        partitions = self._partitions(self.outputs)
        deliveries: list[Delivery] = []
        with self._consumer() as consumer:
            consumer.assign(partitions)
            consumer.seek_to_beginning()
            ends = consumer.end_offsets(partitions)
            while any(consumer.position(partition) < end for partition, end in ends.items()):
                for records in consumer.poll(timeout_ms=200).values():
                    deliveries += (
                        Delivery(record.topic, record.key, record.value, tuple(record.headers))
                        for record in records
                    )
        return deliveries

    def _partitions(self, topics: Sequence[str]) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]

    @contextmanager
    def _admin(self) -> Iterator[KafkaAdminClient]:
        try:
            admin = KafkaAdminClient(bootstrap_servers=self._settings.kafka_bootstrap)
            try:
                yield admin
            finally:
                admin.close()
        except KafkaError as error:
            raise BrokerError(f"Kafka refuses: {type(error).__name__}") from None

    @contextmanager
    def _consumer(self) -> Iterator[KafkaConsumer]:
        try:
            consumer = KafkaConsumer(
                bootstrap_servers=self._settings.kafka_bootstrap,
                isolation_level="read_committed",
                enable_auto_commit=False,
                max_poll_records=5000,
            )
            try:
                yield consumer
            finally:
                consumer.close()
        except KafkaError as error:
            raise BrokerError(f"Kafka cannot be read: {type(error).__name__}") from None

    def _environment(self) -> dict[str, str]:
        settings = self._settings
        return {
            **os.environ,
            "WEIR_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "WEIR_GROUP_ID": settings.group_id,
            "WEIR_KEYRING_FILE": str(settings.keyring_file),
            "WEIR_PROBE_PORT": "0",
            "WEIR_LOG_FORMAT": "json",
        }


class Worker:
    """A running worker process and its log."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    def check(self) -> None:
        """Raise WeirError if the worker has ended."""
        code = self._process.poll()
        if code is not None:
            raise WeirError(f"the worker ended with code {code}; {self.tail()}")

    def tail(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return "\n".join(["the end of its log:", *lines])
