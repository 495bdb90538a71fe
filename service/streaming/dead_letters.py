"""The dead letter: where a record that could not go out is to be found, and why. Nothing of the record."""

import orjson
from aiokafka import TopicPartition

from service.sanitize.outcomes import DeadLettered


def dead_letter(
    outcome: DeadLettered, *, source: TopicPartition, offset: int, timestamp: int, policy: str
) -> tuple[bytes, bytes]:
    """Key and value for the dead-letter topic.

    The key is the raw record's coordinates, so that letters of one record meet in one partition. `timestamp`
    is the raw record's, in milliseconds since 1970; `policy` the fingerprint of the policy in force.
    """
    key = f"{source.topic}/{source.partition}/{offset}".encode()
    value = {
        "topic": source.topic,
        "partition": source.partition,
        "offset": offset,
        "timestamp": timestamp,
        "vendor": outcome.vendor,
        "stage": outcome.stage,
        "reason": outcome.reason,
        "policy": policy,
    }
    return key, orjson.dumps(value)
