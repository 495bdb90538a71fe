"""Two workers, one killed half-way: every record has exactly one outcome for each vendor; nothing leaks."""

import json
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from service.demo.events import START, Mix, generate
from service.demo.malformed import malformed
from service.demo.planted import Place, SampleEvent
from service.events.timestamps import format_timestamp
from service.sanitize.config import SanitizerConfig
from service.sanitize.outcomes import DeadLettered, Sent
from service.sanitize.sanitizer import Sanitizer
from tests.running_weir import OutputRecord, RunningWeir

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

SEED = 20
SMALL = 19_000
FULL = 800
MALFORMED = 200  # 1 %
PARTITIONS = 4


def small(number: int) -> bytes:
    body = {
        "type": "track",
        "event": "Logged In",
        "messageId": f"message-{number}",
        "userId": f"wendy.planted{number % 500}@example.org",
        "timestamp": format_timestamp(START + number),
        "properties": {"method": "sso", "mfa": True},
    }
    return json.dumps(body).encode()


def input_records() -> tuple[list[tuple[bytes | None, bytes | None]], set[str]]:
    """Keys and values, and the identity values planted in them."""
    events = generate(FULL, seed=SEED, mix=Mix.STRUCTURED)
    spoiled: list[SampleEvent] = []
    for seed in count(SEED):
        spoiled += malformed(seed).values()
        if len(spoiled) >= MALFORMED:
            break
    # Long enough that finding one by chance, in a digest or a counter, is out of the question.
    planted = {
        each.value
        for event in (*events, *spoiled)
        for each in event.planted
        if each.place is Place.STRUCTURED and len(each.value) >= 8
    }
    planted.add("wendy.planted")
    values: list[bytes | None] = [small(number) for number in range(SMALL)]
    values += [event.raw for event in events]
    for position, event in enumerate(spoiled[:MALFORMED]):
        values.insert(position * 97, event.raw)
    return [(b"wendy.planted-key-%d" % (n % 50), value) for n, value in enumerate(values)], planted


def outcome_counts(
    sanitizer: Sanitizer, values: list[bytes | None]
) -> tuple[Counter[OutputRecord], Counter[tuple[str | None, str, str]]]:
    """What the pure function sends, byte for byte, and its dead letters."""
    sent: Counter[OutputRecord] = Counter()
    letters: Counter[tuple[str | None, str, str]] = Counter()
    for first in range(0, len(values), 1000):
        for outcomes in sanitizer.sanitize(values[first : first + 1000]).outcomes:
            for outcome in outcomes:
                if isinstance(outcome, Sent):
                    sent[OutputRecord(outcome.topic, outcome.key, outcome.value, outcome.headers)] += 1
                elif isinstance(outcome, DeadLettered):
                    letters[outcome.vendor, outcome.stage, outcome.reason] += 1
    return sent, letters


def test_one_of_two_workers_killed_half_way(weir: RunningWeir, keyring_file: Path) -> None:
    records, planted = input_records()
    assert len(records) == SMALL + FULL + MALFORMED
    created = weir.weir("topics", "create", "--partitions", str(PARTITIONS))
    assert created.returncode == 0
    weir.produce(records)

    victim = weir.start(WEIR_BATCH_RECORDS="200")
    survivor = weir.start(WEIR_BATCH_RECORDS="200")
    weir.wait_for_commits(len(records) // 4)
    assert victim.process.poll() is None
    survivor.wait_for("partitions_assigned")
    weir.wait_for_commits(len(records) // 2)
    victim.kill()
    weir.wait_for_commits(len(records))
    metrics = survivor.get("/metrics")
    assert survivor.stop() == 0

    outputs = weir.read()
    sanitizer = SanitizerConfig(weir.folder / "config", keyring_file, "en_core_web_sm").load()
    sent, letters = outcome_counts(sanitizer, [value for _, value in records])
    dead = [json.loads(record.value or b"") for record in outputs if record.topic == weir.outputs[-1]]
    assert Counter(record for record in outputs if record.topic != weir.outputs[-1]) == sent
    assert Counter((each["vendor"], each["stage"], each["reason"]) for each in dead) == letters
    coordinates = [(each["partition"], each["offset"], each["vendor"]) for each in dead]
    assert len(coordinates) == len(set(coordinates))

    logs = "".join(worker.log for worker in weir.workers)
    assert "worker_starting" in logs
    side_channels = {
        "logs": logs,
        "dead letters": repr([record for record in outputs if record.topic == weir.outputs[-1]]),
        "headers and keys": repr([(record.key, record.headers) for record in outputs]),
        "metrics": metrics,
    }
    leaks = {name for name, text in side_channels.items() for value in planted if value in text}
    assert not leaks
