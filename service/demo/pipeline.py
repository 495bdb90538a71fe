"""A run of the real thing: topics, raw records, a worker process, and what came out at the other end."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

import orjson
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from service.errors import BrokerError, WeirError
from service.events.json_value import JsonObject
from service.kafka_access import KafkaAccess
from service.policy.plan import CompiledPolicy
from service.pseudonyms.key_life import generate
from service.pseudonyms.key_storage import storage_of
from service.settings import PREFIX, Settings
from service.streaming.topics import NeededTopic, Topics, needed_topics

PARTITIONS: Final = 4
#: Seconds without a committed batch after which a run is given up; the worker loads its models in them too.
PATIENCE: Final = 180.0
_POLL_SECONDS: Final = 0.05
_LOG_TAIL_LINES: Final = 20
#: Seconds that a process gets to end itself.
_STOP_SECONDS: Final = 30.0
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


class Stopwatch:
    """Takes the times of a run from its progress, and passes the progress on.

    The models' loading is not the pipeline's speed: the rate is that between the first committed batch and
    the last, over the records committed in between.

    Attributes:
        start_seconds: From the beginning to the first committed batch.
        seconds: From the first committed batch to the last.
        records: How many records were committed in these seconds.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._begun = time.monotonic()
        self._first: tuple[float, int] | None = None
        self.start_seconds = 0.0
        self.seconds = 0.0
        self.records = 0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._first is None and done:
            self._first = (now, done)
            self.start_seconds = now - self._begun
        if self._first is not None:
            self.seconds = now - self._first[0]
            self.records = done - self._first[1]
        self._progress(done, total)

    @property
    def rate(self) -> float:
        """Records per second."""
        return self.records / self.seconds if self.seconds else 0.0


@contextmanager
def own_settings(settings: Settings, bootstrap: str, **changes: object) -> Iterator[Settings]:
    """Settings for a run of its own: a new group, and a key ring that lives as long as the block."""
    with tempfile.TemporaryDirectory(prefix="weir-keys-") as folder:
        keys = Path(folder) / "keyring.json"
        generate(keys, storage_of(settings.keyring_kek_file))
        own = {"kafka_bootstrap": bootstrap, "group_id": f"weir-{uuid4()}", "keyring_file": keys}
        yield settings.model_copy(update=own | changes)


class Pipeline:
    """One run on topics of its own.

    Args:
        settings: The settings that the worker gets, with the broker, group and key ring of this run.
        policy: The policy that the worker will load, for the vendors' topics.
        others: Topics that the run needs besides.
        partitions: How many each topic has.
    """

    def __init__(
        self,
        settings: Settings,
        policy: CompiledPolicy,
        others: Sequence[NeededTopic] = (),
        *,
        partitions: int = PARTITIONS,
    ) -> None:
        self._settings = settings
        self._partitions = partitions
        self._access = KafkaAccess.of(settings)
        self._topics = [*needed_topics(settings, policy), *others]
        self._outputs = [topic.name for topic in needed_topics(settings, policy) if topic.role.is_output]

    @contextmanager
    def topics(self, *, keep: bool) -> Iterator[None]:
        """The run's topics, deleted in the end unless they are to be kept.

        Raises:
            BrokerError: if one of them is there already: invented events must not mix with real ones.
        """
        with Topics.of(self._access) as topics:
            taken = [state.topic.name for state in topics.look(self._topics) if not state.missing]
            if taken:
                raise BrokerError(
                    f"the broker has topics already that this run would fill with invented events: "
                    f"{', '.join(taken)}; name a broker without them, or none to start one"
                )
            topics.create(self._topics, partitions=self._partitions, replication=None)
        try:
            yield
        finally:
            if not keep:
                self._delete([topic.name for topic in self._topics])

    def _delete(self, topics: Sequence[str]) -> None:
        """Delete topics and wait until the broker has forgotten them: the next run's may have their names."""
        with self.admin() as admin:
            admin.delete_topics(topics)
            deadline = time.monotonic() + PATIENCE
            while set(admin.list_topics()) & set(topics):
                if time.monotonic() > deadline:
                    raise BrokerError(f"the broker has not deleted the topics within {PATIENCE:.0f} s")
                time.sleep(_POLL_SECONDS)

    def produce(self, records: Iterable[tuple[bytes | None, bytes | None]]) -> list[Coordinates]:
        """Write (key, value) records to the raw topic; where each of them stands, in order."""
        producer = KafkaProducer(
            **self._access.for_kafka_python(),
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

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a process that shares this run's settings."""
        own = self._settings.model_copy(update={"probe_port": 0, "log_format": "json"})
        return {
            f"{PREFIX}{name.upper()}": str(value) for name, value in own.model_dump(exclude_none=True).items()
        }

    @contextmanager
    def worker(self) -> Iterator["RunningProcess"]:
        """A worker process, ended with SIGTERM."""
        with running("the worker", ("service", "worker"), self.environment) as process:
            yield process

    def wait(self, worker: "RunningProcess", progress: Progress, group: str | None = None) -> None:
        """Wait until a group, the worker's if none is named, has committed every raw record.

        What it made of a record came in the same transaction.

        Raises:
            WeirError: if the worker ends, or commits nothing for PATIENCE seconds.
        """
        partitions = partitions_of([self._settings.raw_topic], self._partitions)
        with self.admin() as admin, self.consumer() as consumer:
            total = sum(consumer.end_offsets(partitions).values())
            watch(worker, lambda: self.committed(admin, group), total, progress)

    def read(self) -> Iterator[Delivery]:
        """Everything in the output topics that a read_committed reader gets."""
        partitions = partitions_of(self._outputs, self._partitions)
        with self.consumer() as consumer:
            consumer.assign(partitions)
            consumer.seek_to_beginning()
            ends = consumer.end_offsets(partitions)
            while any(consumer.position(partition) < end for partition, end in ends.items()):
                for records in consumer.poll(timeout_ms=200).values():
                    for record in records:
                        yield Delivery(record.topic, record.key, record.value, tuple(record.headers))

    def committed(self, admin: KafkaAdminClient, group: str | None = None) -> int:
        """How many raw records a group, the worker's if none is named, is done with.

        0 while Kafka sets its group coordinator up.
        """
        group = group or self._settings.group_id
        partitions = partitions_of([self._settings.raw_topic], self._partitions)
        try:
            offsets = admin.list_group_offsets({group: partitions})[group]
        except KafkaError as error:
            if not error.retriable:
                raise
            return 0
        return sum(max(entry.offset, 0) for entry in offsets.values())

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        try:
            admin = KafkaAdminClient(**self._access.for_kafka_python())
            try:
                yield admin
            finally:
                admin.close()
        except KafkaError as error:
            raise BrokerError(f"Kafka refuses: {type(error).__name__}") from None

    @contextmanager
    def consumer(self) -> Iterator[KafkaConsumer]:
        try:
            consumer = KafkaConsumer(
                **self._access.for_kafka_python(),
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


class RunningProcess:
    """A process and its log."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self._name = name
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def logged(self, event: str) -> JsonObject | None:
        """The first JSON line of its log with this `event`."""
        for line in self._log.read_bytes().splitlines():
            try:
                entry = orjson.loads(line)
            except orjson.JSONDecodeError:  # not ours, or not all of it written yet
                continue
            if isinstance(entry, dict) and entry.get("event") == event:
                return entry
        return None

    def wait_for(self, event: str) -> JsonObject:
        """Wait for a line in its log.

        Raises:
            WeirError: if it ends before, or says nothing of the kind for PATIENCE seconds.
        """
        since = time.monotonic()
        while (entry := self.logged(event)) is None:
            self.check(since)
            time.sleep(_POLL_SECONDS)
        return entry

    def check(self, silent_since: float) -> None:
        """Raise WeirError if it has ended, or has got no further since a monotonic time PATIENCE ago."""
        if self.ended(silent_since):
            raise WeirError(f"{self._name} ended too early; {self._tail()}")

    def ended(self, silent_since: float) -> bool:
        """Whether it has ended well.

        Raises:
            WeirError: if it has ended otherwise, or has got no further since a monotonic time PATIENCE ago.
        """
        code = self._process.poll()
        if code:
            raise WeirError(f"{self._name} ended with code {code}; {self._tail()}")
        if code is None and time.monotonic() - silent_since > PATIENCE:
            raise WeirError(f"{self._name} got no further for {PATIENCE:.0f} s; {self._tail()}")
        return code == 0

    def _tail(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return "\n".join(["the end of its log:", *lines])


@contextmanager
def running(name: str, module: Sequence[str], environment: Mapping[str, str]) -> Iterator[RunningProcess]:
    """`python -m` with a module and its arguments; ended with SIGTERM, killed where that does not help."""
    with tempfile.NamedTemporaryFile(prefix="weir-", suffix=".log") as log:
        process = subprocess.Popen(  # noqa: S603  (modules of ours, no shell)
            [sys.executable, "-m", *module],
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for this process, which then ends the other
        )
        try:
            yield RunningProcess(name, process, Path(log.name))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def watch(process: RunningProcess, done: Callable[[], int], total: int, progress: Progress) -> None:
    """Ask how many records are done until all are.

    Raises:
        WeirError: if the process ends before, or gets no further for PATIENCE seconds.
    """
    before, since = 0, time.monotonic()
    progress(0, total)
    while before < total:
        process.check(since)
        now = done()
        if now > before:
            before, since = now, time.monotonic()
            progress(now, total)
        if now < total:
            time.sleep(_POLL_SECONDS)  # to ask without a pause would take time from who is asked about


def partitions_of(topics: Iterable[str], partitions: int = PARTITIONS) -> list[TopicPartition]:
    """Every partition of topics of a run."""
    return [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
