"""Raw records whose offsets are known, and the proof that each came to its one outcome for each vendor."""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from service.demo.events import START
from service.detection.detector import Detector
from service.events.timestamps import format_timestamp
from service.policy import load
from service.pseudonyms.keyring import KeyRing
from service.sanitize.outcomes import DeadLettered, Sent
from service.sanitize.sanitizer import Sanitizer
from tests.running_weir import RunningWeir

USERS = 40


#: A dead letter's partition, offset, vendor, stage and reason.
Letter = tuple[int, int, str | None, str, str]


class RawRecord(NamedTuple):
    """A record and where Kafka has put it."""

    partition: int
    offset: int
    value: bytes | None


def feedback(number: int, comment: str, *, padding: int = 0) -> tuple[int, bytes]:
    """An event with words, and the number of its user, by which a user's events share a partition.

    `padding` is the size of a field that no vendor gets.
    """
    properties: dict[str, object] = {"rating": 4, "comment": comment, "padding": "x" * padding}
    return number % USERS, _event(number, USERS, "Feedback Submitted", properties)


def _event(number: int, users: int, name: str, properties: dict[str, object]) -> bytes:
    body = {
        "type": "track",
        "event": name,
        "messageId": f"message-{number}",
        "userId": f"user-{number % users}",
        "timestamp": format_timestamp(START + number),
        "properties": properties,
    }
    return json.dumps(body).encode()


def logins(numbers: Iterable[int], users: int = USERS) -> list[tuple[int, bytes]]:
    """Small events, and the numbers of their users."""
    properties: dict[str, object] = {"method": "sso", "mfa": True}
    return [(number % users, _event(number, users, "Logged In", properties)) for number in numbers]


class Writer:
    """One producer on a test's raw topic."""

    def __init__(self, producer: AIOKafkaProducer, weir: RunningWeir, partitions: int) -> None:
        self.producer = producer
        self._topic = weir.raw_topic
        self._partitions = partitions

    async def write(
        self, records: Iterable[tuple[int, bytes | None]], *, timestamp: int | None = None
    ) -> list[RawRecord]:
        """Write values, each to its user's partition, and wait for Kafka; `timestamp` is in ms."""
        sent = [
            (
                value,
                await self.producer.send(
                    self._topic,
                    value,
                    key=b"user-%d" % user,
                    partition=user % self._partitions,
                    timestamp_ms=timestamp,
                ),
            )
            for user, value in records
        ]
        await self.producer.flush()
        return [RawRecord((await future).partition, (await future).offset, value) for value, future in sent]


@asynccontextmanager
async def writer(weir: RunningWeir, partitions: int, **options: Any) -> AsyncIterator[Writer]:
    """A producer with aiokafka's options. Kafka lets its transactions be for a quarter of an hour."""
    producer = AIOKafkaProducer(
        bootstrap_servers=weir.bootstrap,
        max_request_size=4_194_304,
        transaction_timeout_ms=900_000,
        **options,
    )
    await producer.start()
    try:
        yield Writer(producer, weir, partitions)
    finally:
        await producer.stop()


@cache
def _detector() -> Detector:
    return Detector(spacy_model="en_core_web_sm")


def assert_exactly_once(
    weir: RunningWeir,
    raw: Iterable[RawRecord],
    keyring_file: Path,
    *,
    largest: int = sys.maxsize,
    poison: Mapping[RawRecord, str] | None = None,
) -> None:
    """Each raw record has exactly one outcome for each vendor, byte for byte that of the pure function.

    The records of one key come in the order of the raw partition that they are of.

    Args:
        weir: Whose topics are read.
        raw: What was written to the raw topic and is to be found in the others.
        keyring_file: The workers' keys.
        largest: Bytes of a value beyond which it is to be dead-lettered.
        poison: Further raw records, which are to be dead-lettered for the reasons given.
    """
    sanitizer = Sanitizer(load(weir.folder / "config"), KeyRing.load(keyring_file), _detector())
    ordered = sorted(raw, key=lambda record: record[:2])
    sent: dict[tuple[str, bytes | None], list[tuple[bytes | None, Any]]] = defaultdict(list)
    letters: Counter[Letter] = Counter()
    for record, reason in (poison or {}).items():
        letters[record.partition, record.offset, None, "sanitize", reason] += 1
    results = sanitizer.sanitize([record.value for record in ordered]).outcomes
    for record, outcomes in zip(ordered, results, strict=True):
        for outcome in outcomes:
            if isinstance(outcome, Sent) and len(outcome.value) > largest:
                letters[record.partition, record.offset, outcome.vendor, "deliver", "output_too_large"] += 1
            elif isinstance(outcome, Sent):
                sent[outcome.topic, outcome.key].append((outcome.value, outcome.headers))
            elif isinstance(outcome, DeadLettered):
                letters[record.partition, record.offset, outcome.vendor, outcome.stage, outcome.reason] += 1
    found_sent: dict[tuple[str, bytes | None], list[tuple[bytes | None, Any]]] = defaultdict(list)
    found_letters: Counter[Letter] = Counter()
    for written in weir.read():
        if written.topic == weir.outputs[-1]:
            letter = json.loads(written.value or b"")
            found_letters[
                letter["partition"], letter["offset"], letter["vendor"], letter["stage"], letter["reason"]
            ] += 1
        else:
            found_sent[written.topic, written.key].append((written.value, written.headers))
    assert not (letters - found_letters), "dead letters are missing"
    assert not (found_letters - letters), "dead letters that should not be"
    wrong = {
        key: (len(sent[key]), len(found_sent[key]))
        for key in sent.keys() | found_sent.keys()
        if sent[key] != found_sent[key]
    }
    assert not wrong, f"expected and found, by topic and key: {wrong}"


def ends(raw: Iterable[RawRecord]) -> dict[int, int]:
    """The offset after the last record of each partition."""
    found: dict[int, int] = {}
    for record in raw:
        found[record.partition] = max(found.get(record.partition, 0), record.offset + 1)
    return found
