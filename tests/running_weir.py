"""Weir's commands as processes against a real Kafka, and a client's view of its topics."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import RetriableError

from service.settings import PREFIX

#: Seconds for anything that waits for a process on a busy machine.
PATIENCE = 120.0

WEIR = (sys.executable, "-m", "service")
FAUST = (sys.executable, "-m", "faust", "-A", "service.app", "worker")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition, and fail with `what` if it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


def runs(pid: int) -> bool:
    """Whether a process does anything still; a zombie does not."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def descendants(pid: int) -> dict[int, str]:
    """The names of the processes below one, by their ids: `weir-template`, `weir-sanitizer`."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            before, _, after = stat.read_text().rpartition(")")
            state, parent = after.split()[:2]
            if state != "Z":
                number, _, name = before.partition(" (")
                names[int(number)], parents[int(number)] = name, int(parent)
    found: dict[int, str] = {}
    generation = {pid}
    while generation:
        generation = {child for child, parent in parents.items() if parent in generation}
        found |= {child: names[child] for child in generation}
    return found


class OutputRecord(NamedTuple):
    """A record as a read_committed reader sees it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Worker:
    """A worker process; its log goes to a file."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as sink:
            self.process = subprocess.Popen(command, env=environment, stdout=sink, stderr=sink)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_for(self, word: str) -> None:
        """Wait until the log says a word; fail at once if the process ends."""
        wait_until(lambda: word in self.log or self.process.poll() is not None, f"{word} in {self._log}")
        assert word in self.log, self.log

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def get(self, path: str) -> str:
        """What the probe port answers."""
        port = re.search(r'"probe_port": (\d+)', self.log)
        assert port, self.log
        try:
            with urlopen(f"http://127.0.0.1:{port[1]}{path}", timeout=10) as answer:
                return str(answer.read().decode())
        except HTTPError as refused:  # a probe that says no says why
            with refused:
                return refused.read().decode()


@dataclass
class RunningWeir:
    """Topics of one test, and the processes on them."""

    bootstrap: str
    folder: Path
    environment: dict[str, str]
    raw_topic: str
    outputs: list[str]
    group: str
    workers: list[Worker] = field(default_factory=list)

    @property
    def control_topic(self) -> str:
        """The topic of the breakers' states."""
        return self.environment["WEIR_CONTROL_TOPIC"]

    def weir(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Weir to its end."""
        return self.weir_within(PATIENCE, *arguments, **changes)

    def weir_within(
        self, patience: float, *arguments: str, **changes: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one that may take so many seconds."""
        return subprocess.run(
            [*WEIR, *arguments],
            env=self.environment | changes,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )

    def start(self, command: Sequence[str] = (*WEIR, "worker"), **changes: str) -> Worker:
        """Start a worker."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        self.workers.append(Worker(command, self.environment | changes, log))
        return self.workers[-1]

    def produce(self, records: Iterable[tuple[bytes | None, bytes | None]]) -> int:
        """Write keys and values to the raw topic; how many."""
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap,
            linger_ms=20,
            compression_type="gzip",
            max_request_size=4_194_304,
        )
        with contextlib.closing(producer):
            sent = [producer.send(self.raw_topic, key=key, value=value) for key, value in records]
            for future in sent:
                future.get(timeout=PATIENCE)
        return len(sent)

    def committed(self) -> int:
        """How many raw records the group has committed. Gaps aside, the sum of its offsets."""
        with admin(self.bootstrap) as client:
            try:
                offsets = client.list_group_offsets([self.group])[self.group]
            except RetriableError:  # the first group of a fresh broker: its coordinator is still loading
                return 0
            return sum(offset.offset for offset in offsets.values() if offset.offset > 0)

    def wait_for_commits(self, count: int) -> None:
        """Wait until at least `count` raw records are committed; fail at once if every worker has ended."""

        def reached() -> bool:
            running = [worker for worker in self.workers if worker.process.poll() is None]
            assert running, self.workers[-1].log
            return self.committed() >= count

        wait_until(reached, f"{count} records committed")

    def read(self) -> list[OutputRecord]:
        """Everything in the output topics, for a read_committed reader."""
        records = read_committed(self.bootstrap, self.outputs)
        return [OutputRecord(each.topic, each.key, each.value, tuple(each.headers)) for each in records]

    @property
    def dead_letters(self) -> str:
        """The dead-letter topic."""
        return self.outputs[-1]


def read_committed(bootstrap: str, topics: Iterable[str]) -> Iterator[Any]:
    """Every record of the topics up to their present ends, as a read_committed reader sees them.

    The end is the high watermark: a group's offset may show before Kafka has marked the outputs of the same
    transaction as committed, and these are waited for.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )
    with contextlib.closing(consumer):
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in consumer.partitions_for_topic(topic)
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        with admin(bootstrap) as client:
            ends = client.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        deadline = time.monotonic() + PATIENCE
        while any(consumer.position(partition) < ends[partition].offset for partition in partitions):
            assert time.monotonic() < deadline, "an open transaction, or Kafka is away"
            for records in consumer.poll(timeout_ms=500, max_records=10_000).values():
                deadline = time.monotonic() + PATIENCE
                yield from records


@contextmanager
def running_weir(
    name: str, bootstrap: str, folder: Path, config_dir: Path, keyring_file: Path
) -> Iterator[RunningWeir]:
    """A test's own topics and group; its processes are ended in the end, its topics deleted."""
    config = folder / "config"
    shutil.copytree(config_dir, config)
    outputs = []
    for file in sorted((config / "vendors").glob("*.yaml")):
        text, count = re.subn(r"(?m)^topic: *(\S+)", rf"topic: {name}.\1", file.read_text())
        assert count == 1, file
        file.write_text(text)
        outputs.append(f"{name}.vendor.{file.stem}.events")
    dead_letters = f"{name}.dead-letter"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)} | {
        "WEIR_KAFKA_BOOTSTRAP": bootstrap,
        "WEIR_CONFIG_DIR": str(config),
        "WEIR_KEYRING_FILE": str(keyring_file),
        "WEIR_GROUP_ID": name,
        "WEIR_RAW_TOPIC": f"{name}.raw",
        "WEIR_DEAD_LETTER_TOPIC": dead_letters,
        "WEIR_CONTROL_TOPIC": f"{name}.control",
        "WEIR_SPACY_MODEL": "en_core_web_sm",
        "WEIR_PROCESSES": "1",
        "WEIR_PROBE_PORT": "0",
        "WEIR_SESSION_TIMEOUT": "6",
        "WEIR_LOG_LEVEL": "debug",
        "WEIR_LOG_FORMAT": "json",
    }
    weir = RunningWeir(bootstrap, folder, environment, f"{name}.raw", [*outputs, dead_letters], name)
    try:
        yield weir
    finally:
        for worker in weir.workers:
            worker.kill()
        with admin(bootstrap) as client:
            ours = set(client.list_topics()) & {weir.raw_topic, weir.control_topic, *weir.outputs}
            if ours:
                client.delete_topics(sorted(ours))


@contextmanager
def admin(bootstrap: str) -> Iterator[KafkaAdminClient]:
    """Kafka's admin interface for the block."""
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        yield client
    finally:
        client.close()
