"""Replays on a test's own topics, as processes that are ready at once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import RetriableError

from tests.running_weir import PATIENCE, RunningWeir, admin, read_committed, wait_until
from tests.warm_weir import Answer, Run, WarmWeir

#: Key and value of a raw record.
Raw = tuple[bytes | None, bytes | None]
#: A record without its topic: what must be the same wherever it goes.
Sent = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


@dataclass
class Replays:
    """Weir's commands on the topics of one test."""

    weir: RunningWeir
    warm: WarmWeir
    _started: int = 0

    def start(self, *arguments: str, **changes: str) -> Run:
        """Start a command of Weir."""
        self._started += 1
        folder = self.weir.folder / f"run-{self._started}"
        return self.warm.start(arguments, self.weir.environment | changes, folder)

    def run(self, *arguments: str, **changes: str) -> Answer:
        """Run a command of Weir to its end."""
        return self.start(*arguments, **changes).wait()

    def replay(self, *arguments: str, **changes: str) -> Answer:
        """Run a replay to its end."""
        return self.run("replay", *arguments, **changes)

    def report(self, *arguments: str, code: int = 0, **changes: str) -> Any:
        """Run a replay to its end; its report."""
        answer = self.replay("--json", *arguments, **changes)
        assert answer.code == code, answer.err
        return answer.json

    def report_of(self, *arguments: str) -> Any:
        """What `weir replay list`, `status` or `cancel` prints for machines."""
        answer = self.replay(*arguments, "--json")
        assert answer.code == 0, answer.err
        return answer.json

    def refusal(self, *arguments: str, code: int, **changes: str) -> str:
        """Run a replay that is refused before it begins; the one line that says why."""
        answer = self.replay(*arguments, **changes)
        assert (answer.code, answer.out) == (code, ""), answer
        return the_line(answer.err)

    def file(self, *arguments: str, name: str = "review.ndjson", **changes: str) -> list[dict[str, Any]]:
        """Replay into a file; its lines."""
        file = self.weir.folder / name
        answer = self.replay("--to-file", str(file), *arguments, **changes)
        assert answer.code == 0, answer.err
        return [orjson.loads(line) for line in file.read_bytes().splitlines()]

    def create_topics(self, partitions: int = 2, others: Sequence[str] = ()) -> None:
        """Create Weir's topics, and others."""
        assert self.run("topics", "create", "--partitions", str(partitions)).code == 0
        if others:
            with admin(self.weir.bootstrap) as client:
                wanted = {name: {"num_partitions": partitions, "replication_factor": 1} for name in others}
                client.create_topics(wanted, wait_for_metadata=True)
            self.weir.outputs[:0] = others

    def produce(
        self, raw: Iterable[Raw], *, timestamp: int | None = None, partition: int | None = None
    ) -> None:
        """Write raw records, with a timestamp in milliseconds since 1970 and into a partition if given."""
        producer = KafkaProducer(
            bootstrap_servers=self.weir.bootstrap,
            linger_ms=20,
            compression_type="gzip",
            max_request_size=4_194_304,
        )
        try:
            sent = [
                producer.send(
                    self.weir.raw_topic, key=key, value=value, timestamp_ms=timestamp, partition=partition
                )
                for key, value in raw
            ]
            for future in sent:
                future.get(timeout=PATIENCE)
        finally:
            producer.close()

    def read(self, *topics: str) -> list[Sent]:
        """What a read_committed reader sees in topics; in all of the vendors' if none is given."""
        records = read_committed(self.weir.bootstrap, topics or self.vendor_topics)
        return [(each.key, each.value, tuple(each.headers)) for each in records]

    def count(self, *topics: str) -> Counter[Sent]:
        """The same, in no order."""
        return Counter(self.read(*topics))

    def letters(self) -> Counter[Sent]:
        """The dead letters."""
        return self.count(self.weir.dead_letters)

    @property
    def vendor_topics(self) -> list[str]:
        """The vendors' topics."""
        return [topic for topic in self.weir.outputs if ".vendor." in topic]

    def topic_of(self, vendor: str) -> str:
        """A vendor's topic."""
        return f"{self.weir.group}.vendor.{vendor}.events"

    def progress(self, job: str) -> int:
        """The sum of the offsets that a job has committed; 0 before it has begun."""
        group = f"{self.weir.group}.replay.{job}"
        with admin(self.weir.bootstrap) as client:
            try:
                offsets = client.list_group_offsets([group])[group]
            except RetriableError:  # its coordinator is still loading
                return 0
        return sum(max(0, each.offset) for each in offsets.values())

    def wait_for_progress(self, run: Run, job: str, offsets: int) -> None:
        """Wait until a job is so far, or its run has ended."""
        wait_until(lambda: run.ended() or self.progress(job) >= offsets, f"{offsets} offsets")

    def remove_records(self, before: int, partition: int = 0) -> None:
        """Remove a partition's first records, as retention does."""
        with admin(self.weir.bootstrap) as client:
            client.delete_records({TopicPartition(self.weir.raw_topic, partition): before})

    def ends(self) -> dict[str, list[int]]:
        """Where each of Weir's topics ends."""
        consumer = KafkaConsumer(bootstrap_servers=self.weir.bootstrap)
        try:
            return {
                topic: [
                    end
                    for _, end in sorted(
                        consumer.end_offsets(
                            [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic)]
                        ).items()
                    )
                ]
                for topic in (self.weir.raw_topic, self.weir.control_topic, *self.weir.outputs)
            }
        finally:
            consumer.close()


def the_line(err: str) -> str:
    """The one line in which a command has said what is wrong, a library's warnings aside."""
    (line,) = (line for line in err.splitlines() if not line.startswith("{"))
    assert line.startswith("weir: "), err
    return line


def last_line(err: str) -> str:
    """The line in which a run has said why it ends, after others of its progress."""
    (line,) = (line for line in err.splitlines() if line.startswith("weir: "))
    assert line == err.splitlines()[-1], err
    assert "Traceback" not in err
    return line


def by_key(records: Iterable[Sent]) -> dict[bytes | None, list[bytes | None]]:
    """Each key's values in their order."""
    found: dict[bytes | None, list[bytes | None]] = {}
    for key, value, *_ in records:
        found.setdefault(key, []).append(value)
    return found
