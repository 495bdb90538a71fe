"""Where a job's events go: topics, in transactions together with the job's progress; a file; nowhere."""

import contextlib
import os
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple, Self

import orjson
import zstandard
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaTimeoutError
from kafka.future import Future
from kafka.structs import OffsetAndMetadata

from service.errors import ConfigurationError, ReplayError
from service.output.partitioning import key_hash
from service.output.record_batches import Compression
from service.replay.output import ReplayRecord
from service.replay.record_batches import RecordBatch, enqueue
from service.replay.tally import Tally

#: What the name of a file that is not whole yet ends with.
PARTIAL: Final = ".partial"


class Mark(NamedTuple):
    """How far a job is in one partition.

    Attributes:
        offset: Where it goes on.
        tally: What became of everything before.
        at: When this was so, milliseconds since 1970; 0 where nothing was done yet.
    """

    offset: int
    tally: Tally
    at: int = 0

    @classmethod
    def of(cls, committed: OffsetAndMetadata) -> Self:
        """Read a committed offset.

        Raises:
            ReplayError: somebody else has committed it.
        """
        at, _, tally = committed.metadata.partition(" ")
        try:
            return cls(committed.offset, Tally.decode(tally), int(at))
        except ValueError:
            raise ReplayError(
                "the job's consumer group has offsets that no replay has committed; "
                "--restart starts over, or give another --job"
            ) from None

    def copy(self) -> "Mark":
        """One with a tally of its own."""
        tally = Tally()
        tally.add(self.tally)
        return self._replace(tally=tally)

    def encode(self) -> OffsetAndMetadata:
        """As it is committed now."""
        return OffsetAndMetadata(self.offset, f"{int(time.time() * 1000)} {self.tally.encode()}", -1)


class Target(ABC):
    """Takes what a job writes."""

    @abstractmethod
    def commit(self, records: Sequence[ReplayRecord], marks: Mapping[TopicPartition, Mark]) -> None:
        """Write records together with how far the job is then, all or nothing."""

    def finish(self) -> None:  # noqa: B027  (most have nothing to do)
        """Everything was written."""

    def close(self) -> None:  # noqa: B027
        """Let go, whatever the state."""


class Nowhere(Target):
    """For a dry run."""

    def commit(self, records: Sequence[ReplayRecord], marks: Mapping[TopicPartition, Mark]) -> None: ...


class TopicsTarget(Target):
    """Kafka topics, in transactions that also hold the progress: the job's group has its offsets."""

    def __init__(
        self,
        producer: KafkaProducer,
        consumer: KafkaConsumer,
        timeout: float,
        compression: Compression = Compression.NONE,
    ) -> None:
        """Take a producer that has its transactional id, and a consumer of the job's group.

        Records that are not written after `timeout` seconds fail their transaction.
        """
        self._compression = compression
        self._producer = producer
        self._group = consumer.group_metadata()
        self._timeout = timeout
        self._partitions: dict[str, list[TopicPartition]] = {}

    def commit(self, records: Sequence[ReplayRecord], marks: Mapping[TopicPartition, Mark]) -> None:
        """See Target.

        Raises:
            KafkaError: whether it was committed may be unknown.
        """
        self._producer.begin_transaction()
        written = [
            future
            for partition, batches in self._batches(records).items()
            for future in enqueue(self._producer, partition, batches)
        ]
        self._commit(written, marks)

    def write(
        self,
        topic: str,
        records: Iterable[tuple[bytes, bytes | None]],
        marks: Mapping[TopicPartition, Mark],
    ) -> None:
        """Write keys and values to a topic's first partition, together with how far the job is then.

        Raises:
            KafkaError: whether it was committed may be unknown.
        """
        self._producer.begin_transaction()
        written = [self._producer.send(topic, key=key, value=value, partition=0) for key, value in records]
        self._commit(written, marks)

    def _commit(self, written: Sequence[Future], marks: Mapping[TopicPartition, Mark]) -> None:
        if marks:
            offsets = {source: mark.encode() for source, mark in marks.items()}
            self._producer.send_offsets_to_transaction(offsets, self._group)
        self._producer.flush(self._timeout)
        # kafka-python commits a transaction also without the records that it gave up for their age.
        for future in written:
            if not future.succeeded():
                raise future.exception or KafkaTimeoutError("a record was not written in time")
        self._producer.commit_transaction()

    def _batches(self, records: Iterable[ReplayRecord]) -> dict[TopicPartition, list[RecordBatch]]:
        """The records by the partitions they go to, in their order."""
        found: dict[TopicPartition, list[RecordBatch]] = {}
        for record in records:
            headers = list(record.headers)
            batches = found.setdefault(self._partition(record.topic, record.key), [])
            if not batches or batches[-1].append(None, record.key, record.value, headers) is None:
                batches.append(RecordBatch(self._producer.config["batch_size"], self._compression))
                batches[-1].append(None, record.key, record.value, headers)
        return found

    def _partition(self, topic: str, key: bytes) -> TopicPartition:
        if topic not in self._partitions:
            numbers = sorted(self._producer.partitions_for(topic))
            self._partitions[topic] = [TopicPartition(topic, number) for number in numbers]
        partitions = self._partitions[topic]
        return partitions[key_hash(key) % len(partitions)]


class FileTarget(Target):
    """A file of JSON lines, compressed if its name ends in `.zst`. It has its name only once it is whole."""

    def __init__(self, path: Path) -> None:
        """Begin an empty file beside it.

        Raises:
            ConfigurationError: there is such a file.
            ReplayError: it can't be written.
        """
        self._path = path
        if path.exists():
            raise ConfigurationError(f"--to-file: {path} is there already; remove it or name another")
        with self._failures():
            number, partial = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=PARTIAL)
        self._partial = Path(partial)
        self._raw = os.fdopen(number, "wb")
        self._file: IO[bytes] | None = (
            zstandard.ZstdCompressor().stream_writer(self._raw, closefd=False)
            if path.suffix == ".zst"
            else self._raw
        )

    def commit(self, records: Sequence[ReplayRecord], marks: Mapping[TopicPartition, Mark]) -> None:  # noqa: ARG002
        """See Target.

        Raises:
            ReplayError: it can't be written.
        """
        assert self._file is not None
        with self._failures():
            for record in records:
                self._file.write(_line(record))

    def finish(self) -> None:
        """See Target.

        Raises:
            ReplayError: it can't be written.
        """
        assert self._file is not None
        with self._failures():
            if self._file is not self._raw:
                self._file.close()
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._raw.close()
            self._path.hardlink_to(self._partial)  # unlike a rename, refuses to replace
            self._partial.unlink()
            self._file = None

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._raw.close()
            self._partial.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ReplayError(f"--to-file: cannot write {self._path}: {error.strerror}") from None


def _line(record: ReplayRecord) -> bytes:
    """As `weir sanitize` writes it, with the raw record's place in Kafka for its line."""
    source = f"{record.source.topic}/{record.source.partition}/{record.offset}"
    return orjson.dumps(
        {
            "record": source,
            "vendor": record.vendor,
            "topic": record.topic,
            "key": record.key.decode(),
            "value": orjson.Fragment(record.value),
            "headers": {name: value.decode() for name, value in record.headers},
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )
