"""A canary: one invented person's event sent to the raw topic, and waited for in a vendor's topic.

What must come out is known beforehand: the same record, policy and keys give the same bytes. So the canary
compares bytes, and looks for the values it had planted besides.
"""

import contextlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from service.errors import BrokerError, ConfigurationError
from service.events.event import CallType
from service.events.json_value import JsonObject
from service.events.timestamps import format_timestamp
from service.kafka_access import KafkaAccess
from service.policy.action_specs import Scrub
from service.policy.plan import VendorPlan
from service.sanitize.outcomes import Sent
from service.settings import Settings
from service.streaming.connection import ANSWER_TIMEOUT, check_connection

if TYPE_CHECKING:  # spaCy and Presidio, which come with it, take seconds
    from service.sanitize.sanitizer import Sanitizer

_ANSWER_MS: Final = int(ANSWER_TIMEOUT * 1000)
_POLL_MS: Final = 200


@dataclass(frozen=True, slots=True)
class Bird:
    """The event, and what of it nobody may see.

    Attributes:
        raw: The record's value.
        key: The record's key.
        planted: Values that must not reach a vendor.
    """

    raw: bytes
    key: bytes
    planted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flight:
    """How it went.

    Attributes:
        vendor: The vendor's name.
        topic: The vendor's topic.
        source: Where the raw record is, as `topic/partition/offset`.
        seconds: From the raw record's acknowledgement until its sanitized form was read.
        same: Whether that was, byte for byte, what this policy and these keys make of it.
        leaked: How many planted values it showed.
        planted: How many there were.
    """

    vendor: str
    topic: str
    source: str
    seconds: float
    same: bool
    leaked: int
    planted: int

    @property
    def good(self) -> bool:
        """Whether all is as it must be."""
        return self.same and not self.leaked


def canary_event(plan: VendorPlan, moment: int, token: str) -> Bird:
    """An event that the vendor gets and no other, full of an invented person.

    A tracked event with a text that is scrubbed, where the vendor has one; `moment` is in seconds since 1970,
    and `token` makes it unlike any other.

    Raises:
        ConfigurationError: the vendor gets no event at all.
    """
    user, device = f"canary-user-{token}", f"canary-device-{token}"
    email, address = f"canary.{token}@example.com", "192.0.2.77"
    texts = {
        name: [rule.path for rule in rules if isinstance(rule.spec, Scrub) and rule.path[0] == "properties"]
        for name, rules in plan.tracked.items()
    }
    body: JsonObject
    if texts:
        name = min(texts, key=lambda name: (not texts[name], name))
        body = {"type": CallType.TRACK.value, "event": name}
        for path in texts[name]:
            _put(body, path, f"A canary asks for an answer to {email}")
    elif plan.calls:
        body = {"type": min(plan.calls).value, "previousId": f"canary-before-{token}"}
    else:
        raise ConfigurationError(f"the policy of {plan.vendor} lets no event through that a canary could be")
    body |= {
        "messageId": f"canary-{token}",
        "timestamp": format_timestamp(moment),
        "userId": user,
        "anonymousId": device,
        "integrations": {"All": False, plan.integration: True},
        "context": {
            "ip": address,
            "traits": {"email": email},
            "consent": {"categoryPreferences": {plan.consent.category: True}},
        },
    }
    return Bird(orjson.dumps(body), user.encode(), (user, device, email, address, token))


def _put(body: JsonObject, path: tuple[str, ...], value: str) -> None:
    *parents, last = path
    for parent in parents:
        inner = body.setdefault(parent, {})
        assert isinstance(inner, dict), "a field within a text"
        body = inner
    body[last] = value


def fly(settings: Settings, plan: VendorPlan, sanitizer: "Sanitizer", *, timeout: float) -> Flight:
    """Send a canary, and wait for it.

    Raises:
        BrokerError: Kafka does not answer or refuses, or nothing came within `timeout` seconds.
        ConfigurationError: the policy makes nothing of a canary for this vendor.
    """
    bird = canary_event(plan, int(time.time()), secrets.token_hex(8))
    expected = _expected(sanitizer, plan, bird)
    access = KafkaAccess.of(settings)
    check_connection(access)
    try:
        with _reader(access, plan.topic) as reader, _writer(access) as writer:
            sent = writer.send(settings.raw_topic, key=bird.key, value=bird.raw).get(timeout=ANSWER_TIMEOUT)
            began = time.monotonic()
            source = f"{sent.topic}/{sent.partition}/{sent.offset}"
            came = _wait(reader, expected, began + timeout)
    except KafkaError as error:
        raise BrokerError(f"Kafka at {access.bootstrap} refused: {type(error).__name__}") from None
    if came is None:
        raise BrokerError(
            f"the canary {source} did not come back on {plan.topic} within {timeout:.0f} s: is a worker "
            f"ready, is the breaker of {plan.vendor} open, is there a dead letter "
            f"(`weir dead-letters show {source}`)?"
        )
    shown = b"\n".join((came.key or b"", came.value or b"", *(value for _, value in came.headers)))
    return Flight(
        vendor=plan.vendor,
        topic=plan.topic,
        source=source,
        seconds=time.monotonic() - began,
        same=(came.key, came.value, tuple(came.headers)) == (expected.key, expected.value, expected.headers),
        leaked=sum(value.encode() in shown for value in bird.planted),
        planted=len(bird.planted),
    )


def _expected(sanitizer: "Sanitizer", plan: VendorPlan, bird: Bird) -> Sent:
    ((outcome, *_),) = sanitizer.sanitize([bird.raw]).outcomes
    if not isinstance(outcome, Sent):
        raise ConfigurationError(
            f"the policy makes nothing of a canary for {plan.vendor}: {outcome.reason}; name another vendor"
        )
    return outcome


def _wait(reader: KafkaConsumer, expected: Sent, deadline: float) -> Any | None:
    """The record with the canary's key, for which there is no other, or None when the time is over."""
    while time.monotonic() < deadline:
        for records in reader.poll(timeout_ms=_POLL_MS).values():
            for record in records:
                if record.key == expected.key:
                    return record
    return None


@contextlib.contextmanager
def _reader(access: KafkaAccess, topic: str) -> Iterator[KafkaConsumer]:
    """A read_committed reader of what comes from now on, without a group."""
    reader = KafkaConsumer(
        **access.for_kafka_python(),
        bootstrap_timeout_ms=_ANSWER_MS,
        request_timeout_ms=_ANSWER_MS,
        isolation_level="read_committed",
        enable_auto_commit=False,
        allow_auto_create_topics=False,
    )
    with contextlib.closing(reader):
        partitions = [TopicPartition(topic, number) for number in reader.partitions_for_topic(topic) or ()]
        if not partitions:
            raise BrokerError(f"no topic {topic}, or no right to read it; `weir topics create` creates it")
        reader.assign(partitions)
        for partition, end in reader.end_offsets(partitions).items():
            reader.seek(partition, end)
        yield reader


@contextlib.contextmanager
def _writer(access: KafkaAccess) -> Iterator[KafkaProducer]:
    writer = KafkaProducer(
        **access.for_kafka_python(),
        bootstrap_timeout_ms=_ANSWER_MS,
        max_block_ms=_ANSWER_MS,
        acks="all",
        allow_auto_create_topics=False,
    )
    with contextlib.closing(writer):
        yield writer
