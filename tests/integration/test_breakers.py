"""Circuit breakers with real workers: one vendor is held back, the others go on, and everybody knows."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from service.events.timestamps import format_timestamp
from service.policy.vendor_names import VendorName
from tests.running_weir import RunningWeir, Worker, admin, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

#: What only the gate finds, in a field that the test's policy keeps for Mixpanel alone.
LEAK = "ask wendy.planted@example.org, or wendy.planted@example.net, or wendy.planted@example.com"
NUMBERS = count()


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, (file, old)
    file.write_text(text.replace(old, new))


def leak(config: Path, breaker: str) -> None:
    """Let a note pass to Mixpanel; the gate finds three hits in LEAK."""
    change(config / "tracking_plan.yaml", "\nclasses:\n", "\nclasses:\n  note: What a test lets through.\n")
    change(
        config / "tracking_plan.yaml",
        "  Feedback Submitted:\n",
        "  Feedback Submitted:\n    properties.note: {class: note, type: string, max_length: 200}\n",
    )
    mixpanel = config / "vendors" / "mixpanel.yaml"
    change(mixpanel, "\nactions:\n", "\nactions:\n  note: keep\n")
    mixpanel.write_text(re.sub("(?m)^breaker: .*$", f"breaker: {breaker}", mixpanel.read_text()))


def prepare(weir: RunningWeir, breaker: str, partitions: int = 1) -> None:
    """Topics, and a policy that leaks."""
    leak(Path(weir.environment["WEIR_CONFIG_DIR"]), breaker)
    created = weir.weir("topics", "create", "--partitions", str(partitions))
    assert created.returncode == 0, created.stdout + created.stderr


def event(note: str) -> bytes:
    number = next(NUMBERS)
    body = {
        "type": "track",
        "event": "Feedback Submitted",
        "messageId": f"message-{number}",
        "userId": f"wendy.planted-{number}",
        "timestamp": format_timestamp(1_772_431_200 + number),
        "properties": {"rating": 5, "note": note},
    }
    return json.dumps(body).encode()


def produce(weir: RunningWeir, notes: list[str]) -> None:
    """Write events, spread over the partitions by their keys, and wait until they are committed."""
    before = weir.committed()
    weir.produce((b"key-%d" % number, event(note)) for number, note in enumerate(notes))
    weir.wait_for_commits(before + len(notes))


def sent(weir: RunningWeir) -> Counter[str]:
    """How many events each vendor got."""
    topics = Counter(record.topic for record in weir.read())
    return Counter({vendor: topics[f"{weir.group}.vendor.{vendor}.events"] for vendor in VendorName})


def letters(weir: RunningWeir) -> list[dict[str, Any]]:
    return [json.loads(each.value or b"") for each in weir.read() if each.topic == weir.outputs[-1]]


def listed(weir: RunningWeir) -> dict[str, dict[str, Any]]:
    answer = weir.weir("breaker", "list", "--json")
    assert answer.returncode == 0, answer.stderr
    return {row["vendor"]: row for row in json.loads(answer.stdout)}


def gauge(worker: Worker, vendor: str) -> str:
    match = re.search(
        rf'^weir_breaker_open{{vendor="{vendor}"}} (\S+)$', worker.get("/metrics"), re.MULTILINE
    )
    assert match
    return match[1]


def test_one_vendor_is_held_back_until_an_operator_closes_its_breaker(weir: RunningWeir) -> None:
    prepare(weir, "{gate_hits: 3, per_events: 100}")
    first = weir.start()
    produce(weir, ["fine"] * 10)
    assert gauge(first, "mixpanel") == "0.0"
    produce(weir, [LEAK])
    produce(weir, ["fine"] * 20)
    assert sent(weir) == Counter(dict.fromkeys(VendorName, 31) | {"mixpanel": 10})
    held_back = letters(weir)
    assert [letter["offset"] for letter in held_back] == list(range(10, 31))
    kinds = {(letter["vendor"], letter["stage"], letter["reason"]) for letter in held_back}
    assert kinds == {("mixpanel", "gate", "breaker_open")}
    assert gauge(first, "mixpanel") == "1.0"
    assert gauge(first, "ga4") == "0.0"
    assert "ok  breaker mixpanel: open since " in first.get("/readyz")
    assert 'weir_breaker_opened_total{by="policy",vendor="mixpanel"} 1.0' in first.get("/metrics")
    row = listed(weir)["mixpanel"]
    assert (row["state"], row["by"], row["hits"], row["events"], row["until"]) == (
        "open", "policy", 3, 11, None,
    )  # fmt: skip
    assert re.search(r"mixpanel.*open.*by an operator.*policy.*3 gate hits in 11 events", table(weir))
    first.kill()

    second = weir.start()
    second.wait_for("breaker_is_open")
    produce(weir, ["fine"] * 5)
    assert sent(weir)["mixpanel"] == 10
    assert len(letters(weir)) == 26
    assert weir.weir("breaker", "close", "mixpanel").returncode == 0
    second.wait_for("breaker_closed")
    produce(weir, ["fine"] * 5)
    assert sent(weir) == Counter(dict.fromkeys(VendorName, 41) | {"mixpanel": 15})
    assert gauge(second, "mixpanel") == "0.0"
    assert listed(weir)["mixpanel"]["state"] == "closed"
    produce(weir, [LEAK])  # counted anew: the batch has three hits of its own
    assert sent(weir)["mixpanel"] == 15
    assert second.stop() == 0
    assert "wendy.planted" not in first.log + second.log


def table(weir: RunningWeir) -> str:
    answer = weir.weir("breaker", "list", COLUMNS="160")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_a_breaker_closes_by_itself(weir: RunningWeir) -> None:
    prepare(weir, "{gate_hits: 3, per_events: 100, close_after: 5s}")
    worker = weir.start()
    produce(weir, [LEAK])
    assert sent(weir)["mixpanel"] == 0
    worker.wait_for("breaker_closed")
    produce(weir, ["fine"] * 5)
    assert sent(weir)["mixpanel"] == 5
    assert len(letters(weir)) == 1
    row = listed(weir)["mixpanel"]
    assert (row["state"], row["by"]) == ("closed", "policy")


def test_two_workers_share_their_breakers(weir: RunningWeir) -> None:
    prepare(weir, "{gate_hits: 3, per_events: 100}", partitions=2)
    workers = [weir.start(), weir.start()]
    for worker in workers:
        worker.wait_for('"partitions": [')
    wait_until(
        lambda: all(re.search(r'"partitions": \[\d\]', worker.log) for worker in workers), "a partition each"
    )
    produce(weir, [LEAK])
    for worker in workers:
        worker.wait_for("breaker_opened")
    produce(weir, ["fine"] * 40)
    assert {letter["partition"] for letter in letters(weir)} == {0, 1}
    assert sent(weir) == Counter(dict.fromkeys(VendorName, 41) | {"mixpanel": 0})
    assert weir.weir("breaker", "close", "mixpanel").returncode == 0
    assert weir.weir("breaker", "open", "ga4").returncode == 0
    for worker in workers:
        worker.wait_for("breaker_closed")
        worker.wait_for('"by": "operator", "hits": 0')
    produce(weir, ["fine"] * 40)
    assert sent(weir) == Counter(dict.fromkeys(VendorName, 81) | {"mixpanel": 40, "ga4": 41})
    assert [worker.stop() for worker in workers] == [0, 0]


@contextmanager
def written(weir: RunningWeir, **options: Any) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(bootstrap_servers=weir.bootstrap, **options)
    try:
        yield producer
        producer.flush(10)
    finally:
        producer.close(timeout=5)


def test_what_nobody_can_read_opens_a_breaker(weir: RunningWeir) -> None:
    """Also for the records that wait when the worker starts."""
    prepare(weir, "{gate_hits: 3, per_events: 100}")
    with written(weir) as producer:
        producer.send(weir.control_topic, key=b"mixpanel", value=b"wendy.planted")
        producer.send(weir.control_topic, key=b"wendy.planted", value=b"{}")
    weir.produce((None, event("fine")) for _ in range(3))
    worker = weir.start()
    weir.wait_for_commits(3)
    assert "breaker_is_open" in worker.log
    assert "control_record_ignored" in worker.log
    assert sent(weir) == Counter(dict.fromkeys(VendorName, 3) | {"mixpanel": 0})
    row = listed(weir)["mixpanel"]
    assert (row["state"], row["by"]) == ("open", "unreadable")
    assert weir.weir("breaker", "close", "mixpanel").returncode == 0
    worker.wait_for("breaker_closed")
    produce(weir, ["fine"] * 3)
    assert sent(weir)["mixpanel"] == 3
    assert "wendy.planted" not in worker.log


def test_a_transaction_that_stays_open_keeps_nobody_waiting(weir: RunningWeir) -> None:
    """One that is aborted leaves records and a marker at the topic's end that no reader gets to see."""
    prepare(weir, "{gate_hits: 3, per_events: 100}")
    opening = b'{"state":"open","since":1,"by":"policy"}'
    with written(weir, transactional_id=f"{weir.group}-a", transaction_timeout_ms=900_000) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(weir.control_topic, key=b"mixpanel", value=opening)
        producer.flush()
        assert listed(weir)["mixpanel"]["state"] == "closed"
        producer.abort_transaction()
        assert listed(weir)["mixpanel"]["state"] == "closed"
        producer.begin_transaction()
        producer.send(weir.control_topic, key=b"mixpanel", value=opening)
        producer.commit_transaction()
        assert listed(weir)["mixpanel"]["state"] == "open"


def test_a_control_topic_that_would_lose_states_stops_the_start(weir: RunningWeir) -> None:
    prepare(weir, "{gate_hits: 3}")
    with admin(weir.bootstrap) as client:
        client.delete_topics([weir.control_topic])
        wait_until(lambda: weir.control_topic not in client.list_topics(), "the control topic is gone")
        client.create_topics(
            {weir.control_topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True
        )
    worker = weir.start()
    assert worker.process.wait(60) == 3
    answer = weir.weir("breaker", "list")
    assert answer.returncode == 3
    for said in (worker.log, answer.stderr):
        assert f"the control topic {weir.control_topic} must have one partition and be compacted" in said
        assert said.count("\n") == 1


def test_commands_that_can_not_work_say_so_in_a_line(weir: RunningWeir) -> None:
    missing = f"missing topics: {weir.control_topic}"
    nowhere = {"WEIR_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    for answer, complaint in (
        (weir.weir("breaker", "list"), missing),
        (weir.weir("breaker", "open", "ga4"), missing),
        (weir.weir("breaker", "close", "ga4"), missing),
        (weir.weir("breaker", "close", "ga4", **nowhere), "no Kafka answers"),
    ):
        assert answer.returncode == 3
        assert complaint in answer.stderr
        assert answer.stderr.count("\n") == 1
    assert weir.weir("breaker", "close", "nobody").returncode == 2
    same = weir.weir("topics", "check", WEIR_CONTROL_TOPIC=weir.raw_topic)
    assert same.returncode == 2
    assert "WEIR_CONTROL_TOPIC" in same.stderr
    with admin(weir.bootstrap) as client:
        assert weir.control_topic not in client.list_topics()
