"""Kafka's answers that no further try can change, told in one line."""

import re
from typing import Final

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InvalidTransactionTimeout,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from service.errors import BrokerError
from service.streaming.connection import causes
from service.streaming.needed_rights import lanes_right
from service.streaming.rights import Operation, Resource, Right, denial

_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_TOO_LARGE: Final = (
    "Kafka takes smaller records on a topic than it did at the worker's start; after a new start what is too "
    "large is dead-lettered"
)
#: By Kafka's number: aiokafka and kafka-python have classes of their own for each.
_REFUSALS: Final = {
    ClusterAuthorizationFailedError.errno: "Kafka denies a right on the whole cluster",
    InvalidTransactionTimeout.errno: (
        "Kafka refuses WEIR_TRANSACTION_TIMEOUT, which is above the brokers' transaction.max.timeout.ms"
    ),
    MessageSizeTooLargeError.errno: _TOO_LARGE,
    RecordListTooLargeError.errno: _TOO_LARGE,
    SaslAuthenticationFailed.errno: "Kafka takes Weir's login no more; see WEIR_SASL_MECHANISM",
}


def refusal(
    error: BaseException, *, group: str, raw_topic: str, transactions: Right | None = None
) -> BrokerError | None:
    """What is refused for good, if an error of aiokafka or kafka-python says so; else None.

    `transactions` is the right to the transactional ids used, that of the lanes unless it is given.
    """
    for each in causes(error):
        if isinstance(each, OSError):  # whose numbers are the system's
            continue
        match getattr(each, "errno", None):
            case TopicAuthorizationFailedError.errno:
                topics = _topics(each) or [raw_topic]  # a commit of offsets names none
                return denial(_use_of(topic, raw_topic) for topic in topics)
            case GroupAuthorizationFailedError.errno:
                return denial([Right(Operation.READ, Resource.GROUP, group)])
            case TransactionalIdAuthorizationFailed.errno:
                return denial([transactions or lanes_right(group, raw_topic)])
            case number if number in _REFUSALS:
                return BrokerError(_REFUSALS[number])
    return None


def _use_of(topic: str, raw_topic: str) -> Right:
    return Right(Operation.READ if topic == raw_topic else Operation.WRITE, Resource.TOPIC, topic)


def _topics(error: BaseException) -> list[str]:
    """The topics that an error names, if it does: by one name or a set of them."""
    found = error.args[0] if error.args else ()
    names = [found] if isinstance(found, str) else sorted(found)
    return [name for name in names if _TOPIC.fullmatch(name)]
