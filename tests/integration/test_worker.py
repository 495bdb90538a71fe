"""Workers as processes, started either way, with the real sanitizer and a real Kafka."""

import contextlib
import json
import re
import signal
import socket
from collections import Counter
from pathlib import Path

import pytest
from kafka import KafkaConsumer
from kafka.coordinator.assignors.range import RangePartitionAssignor

from service.demo.events import Mix, generate
from service.sanitize.outcomes import Sent
from service.sanitize.sanitizer import Sanitizer
from tests.running_weir import FAUST, WEIR, RunningWeir, Worker, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]


def records(count: int, seed: int) -> list[tuple[bytes | None, bytes | None]]:
    return [(event.key, event.raw) for event in generate(count, seed=seed, mix=Mix.STRUCTURED)]


def create_topics(weir: RunningWeir) -> None:
    assert weir.weir("topics", "create", "--partitions", "2").returncode == 0


def expected_topics(weir: RunningWeir, sanitizer: Sanitizer, values: list[bytes | None]) -> Counter[str]:
    """How many records each output topic must get, after the pure function."""
    found: Counter[str] = Counter()
    for outcomes in sanitizer.sanitize(values).outcomes:
        for outcome in outcomes:
            if isinstance(outcome, Sent):
                found[f"{weir.group}.{outcome.topic}"] += 1
    return found


def test_both_commands_on_one_host(weir: RunningWeir, sanitizer: Sanitizer) -> None:
    create_topics(weir)
    raw = records(400, seed=1)
    workers = [
        weir.start((*WEIR, "worker"), WEIR_BATCH_RECORDS="50"),
        weir.start(FAUST, WEIR_BATCH_RECORDS="50"),
    ]
    for worker in workers:
        worker.wait_for('"partitions": [')
    for worker in workers:  # one partition each
        worker.wait_for("partitions_assigned")
    assert weir.produce(raw) == 400
    weir.wait_for_commits(400)
    assert Counter(record.topic for record in weir.read()) == expected_topics(
        weir, sanitizer, [value for _, value in raw]
    )
    largest = 'weir_batch_records_bucket{le="50.0"}'
    counted: Counter[str] = Counter()
    for worker in workers:
        assert "BAD" not in worker.get("/livez") + worker.get("/readyz") + worker.get("/startupz")
        metrics = dict(line.rsplit(" ", 1) for line in worker.get("/metrics").splitlines() if line[0] != "#")
        assert metrics[largest] == metrics["weir_batch_records_count"]
        assert float(metrics["weir_batch_records_count"]) >= 4
        counted.update({name: float(value) for name, value in metrics.items()})
    assert counted["weir_records_in_total"] == counted["weir_end_to_end_seconds_count"] == 400
    assert counted["weir_raw_bytes_in_total"] == sum(len(value or b"") for _, value in raw)
    sent = [each for each in weir.read() if each.topic != weir.outputs[-1]]
    assert sum(size for name, size in counted.items() if name.startswith("weir_bytes_out_total")) == sum(
        len(each.key or b"") + len(each.value or b"") for each in sent
    )
    for stage in ("queue", "sanitize", "encode", "commit"):
        name = f'weir_stage_seconds_count{{stage="{stage}"}}'
        assert counted[name] == counted["weir_batch_records_count"]
    for loop in ("main", "consumer"):
        assert counted[f'weir_loop_delay_seconds_count{{loop="{loop}"}}'] > 0
    wait_until(lambda: sorted(lags(workers)) == [("0", "0.0"), ("1", "0.0")], "no lag is left")
    assert [worker.stop() for worker in workers] == [0, 0]


def lags(workers: list[Worker]) -> list[tuple[str, str]]:
    """The partitions that any of the workers has, and their lags."""
    return [
        lag
        for worker in workers
        for lag in re.findall(r'weir_lag_records{partition="(\d+)"} (\S+)', worker.get("/metrics"))
    ]


def test_sigterm_in_the_middle_loses_nothing(weir: RunningWeir, sanitizer: Sanitizer) -> None:
    create_topics(weir)
    raw = records(2000, seed=2)
    weir.produce(raw)
    first = weir.start(WEIR_BATCH_RECORDS="50")
    weir.wait_for_commits(50)
    assert first.stop() == 0
    assert "lanes_closed" in first.log
    assert 0 < weir.committed() < 2000
    second = weir.start()
    weir.wait_for_commits(2000)
    assert second.stop() == 0
    assert Counter(record.topic for record in weir.read()) == expected_topics(
        weir, sanitizer, [value for _, value in raw]
    )


@pytest.mark.parametrize("command", [(*WEIR, "worker"), FAUST], ids=["weir", "faust"])
def test_missing_topic(weir: RunningWeir, command: tuple[str, ...]) -> None:
    worker = weir.start(command)
    assert worker.process.wait(60) == 3
    assert f"missing topics: {weir.raw_topic}, " in worker.log
    assert "Traceback" not in worker.log


def test_no_broker(weir: RunningWeir) -> None:
    worker = weir.start(WEIR_KAFKA_BOOTSTRAP="127.0.0.1:1")
    assert worker.process.wait(90) == 3
    assert "no Kafka answers" in worker.log


def test_wrong_configuration(weir: RunningWeir) -> None:
    for changes, complaint in (
        ({"WEIR_BATCH_RECORD": "1"}, "did you mean WEIR_BATCH_RECORDS?"),
        ({"WEIR_KEYRING_FILE": str(Path("nowhere.json"))}, "nowhere.json"),
    ):
        worker = weir.start(FAUST, **changes)
        assert worker.process.wait(60) == 2
        assert complaint in worker.log
        assert "Traceback" not in worker.log


def test_taken_probe_port(weir: RunningWeir) -> None:
    create_topics(weir)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        worker = weir.start(WEIR_PROBE_PORT=str(taken.getsockname()[1]))
        assert worker.process.wait(60) == 2
    assert "can't listen for probes" in worker.log


def test_sigterm_while_the_models_load(weir: RunningWeir) -> None:
    create_topics(weir)
    worker = weir.start()
    worker.wait_for("worker_starting")
    assert worker.stop() == 0
    assert "partitions_assigned" not in worker.log


def test_a_worker_that_its_group_refuses_ends(weir: RunningWeir) -> None:
    """Else it would wait for ever without a partition, alive to every probe."""
    create_topics(weir)
    other = KafkaConsumer(
        weir.raw_topic,
        bootstrap_servers=weir.bootstrap,
        group_id=weir.group,
        partition_assignment_strategy=[RangePartitionAssignor],
        enable_auto_commit=False,
    )
    with contextlib.closing(other):
        wait_until(lambda: bool(other.poll(100) or other.assignment()), "the other member is in the group")
        worker = weir.start()
        wait_until(lambda: bool(other.poll(100)) or worker.process.poll() is not None, "the worker has ended")
    assert worker.process.returncode == 3
    assert "InconsistentGroupProtocolError" in worker.log


def test_signals_that_faust_dumps_variables_on(weir: RunningWeir) -> None:
    create_topics(weir)
    worker = weir.start(WEIR_BATCH_RECORDS="50")
    worker.wait_for("partitions_assigned")
    weir.produce([(b"planted", value) for _, value in records(1000, seed=3)])
    weir.wait_for_commits(50)
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        worker.process.send_signal(number)
        worker.wait_for(f'"signal": "{number.name}"')
    assert worker.stop() == 0
    assert not [line for line in worker.log.splitlines() if not line.startswith("{")]


def test_log_lines_are_json(weir: RunningWeir) -> None:
    create_topics(weir)
    worker = weir.start()
    worker.wait_for("partitions_assigned")
    assert worker.stop() == 0
    lines = [json.loads(line) for line in worker.log.splitlines()]
    (start,) = (line for line in lines if line["event"] == "worker_starting")
    assert start["group"] == weir.group
    assert len(start["policy"]) == 64
