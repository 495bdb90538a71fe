"""kafka-python's clients as a replay uses them: each with a client id of the job's own."""

import contextlib
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from service.kafka_access import KafkaAccess
from service.streaming.connection import ANSWER_TIMEOUT

ANSWER_MS: Final = int(ANSWER_TIMEOUT * 1000)
#: Bytes of a produce request's batch: large ones cost the least for each record.
_BATCH_BYTES: Final = 262_144
_MOST_REQUEST_BYTES: Final = 1_048_576


def consumer(
    access: KafkaAccess, client_id: str, *, isolation_level: str = "read_committed", **settings: Any
) -> KafkaConsumer:
    """A consumer that commits nothing and goes nowhere by itself."""
    return KafkaConsumer(
        **access.for_kafka_python(),
        client_id=client_id,
        isolation_level=isolation_level,
        enable_auto_commit=False,
        auto_offset_reset="none",
        allow_auto_create_topics=False,
        bootstrap_timeout_ms=ANSWER_MS,
        request_timeout_ms=ANSWER_MS,
        **settings,
    )


def transactional_producer(
    access: KafkaAccess, transactional_id: str, *, timeout: float, largest: int
) -> KafkaProducer:
    """A producer for one transactional id.

    Args:
        access: How Kafka is reached.
        transactional_id: Also its client id.
        timeout: Seconds until Kafka aborts its open transaction, and until a call is given up.
        largest: Bytes of the largest record.
    """
    milliseconds = int(timeout * 1000)
    return KafkaProducer(
        **access.for_kafka_python(),
        client_id=transactional_id,
        transactional_id=transactional_id,
        transaction_timeout_ms=milliseconds,
        acks="all",
        batch_size=min(_BATCH_BYTES, largest),
        max_request_size=max(_MOST_REQUEST_BYTES, 2 * largest),
        linger_ms=5,
        bootstrap_timeout_ms=ANSWER_MS,
        request_timeout_ms=ANSWER_MS,
        max_block_ms=milliseconds,
        delivery_timeout_ms=max(milliseconds, ANSWER_MS + 5),
    )


def let_go(client: KafkaConsumer | KafkaProducer) -> None:
    """Close a client, whatever its state; its errors were reported when they came."""
    if isinstance(client, KafkaConsumer):
        with contextlib.suppress(KafkaError):
            client.close(autocommit=False)
        return
    try:
        client.close(timeout=0)
    except KafkaError:  # what is unsent stays unsent; but kafka-python leaves its thread behind
        client._sender.force_close()  # noqa: SLF001
