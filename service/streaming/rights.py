"""Rights in a Kafka with an authorizer: what they are, and whether a login has them."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from kafka import KafkaAdminClient
from kafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
)

from service.errors import BrokerError


class Operation(StrEnum):
    """Kafka's operations, as far as Weir needs them. READ and WRITE bring DESCRIBE along."""

    READ = "READ"
    WRITE = "WRITE"
    CREATE = "CREATE"
    DESCRIBE = "DESCRIBE"
    DESCRIBE_CONFIGS = "DESCRIBE_CONFIGS"


class Resource(StrEnum):
    """Kafka's types of resources, as far as Weir uses them."""

    TOPIC = "TOPIC"
    GROUP = "GROUP"
    TRANSACTIONAL_ID = "TRANSACTIONAL_ID"


class Right(NamedTuple):
    """To do one thing with one resource, or with all whose names begin so."""

    operation: Operation
    resource: Resource
    name: str
    prefixed: bool = False

    @property
    def pattern(self) -> str:
        """Kafka's word for how the name is meant."""
        return "PREFIXED" if self.prefixed else "LITERAL"

    def __str__(self) -> str:
        return f"{self.operation} on {self.resource} {self.name}{'*' if self.prefixed else ''}"


def denial(rights: Iterable[Right]) -> BrokerError:
    """The error that says which rights are missing."""
    missing = ", ".join(str(right) for right in rights)
    return BrokerError(f"Kafka denies {missing}; `weir topics acls` lists the rights that are needed")


def require(admin: KafkaAdminClient, rights: Sequence[Right]) -> None:
    """See that this login has rights, as far as Kafka tells before they are used.

    Raises:
        BrokerError: naming every right that is missing.
    """
    topics = _topic_operations(admin, [right.name for right in rights if right.resource is Resource.TOPIC])
    missing = [right for right in rights if not _has(admin, right, topics)]
    if missing:
        raise denial(missing)


def _has(admin: KafkaAdminClient, right: Right, topics: dict[str, list[str] | None]) -> bool:
    match right.resource:
        case Resource.TOPIC:
            operations = topics[right.name]
            return operations is None or right.operation in operations
        case Resource.GROUP:
            return _may_see_group(admin, right)
        case Resource.TRANSACTIONAL_ID:
            return _may_see_transactions(admin, right)


def _topic_operations(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, list[str] | None]:
    """What may be done with each topic, be it there or not; None where Kafka does not tell.

    Of a topic that this login may not see, nothing is told: all rights on it count as missing.
    """
    return {
        topic["name"]: []
        if topic["error_code"] == TopicAuthorizationFailedError.errno
        else topic["authorized_operations"]
        for topic in (admin.describe_topics(list(names)) if names else ())
    }


def _may_see_group(admin: KafkaAdminClient, right: Right) -> bool:
    """Whether the group may be seen at least: what may be done with it is told of a group that exists."""
    group = f"{right.name}0" if right.prefixed else right.name
    try:
        operations = admin.describe_groups([group])[group]["authorized_operations"]
    except GroupAuthorizationFailedError:
        return False
    except KafkaError:  # its coordinator is not there yet
        return True
    return operations is None or right.operation in operations


def _may_see_transactions(admin: KafkaAdminClient, right: Right) -> bool:
    """Whether the transactional ids may be seen at least: nobody tells more."""
    try:
        admin.describe_transactions([f"{right.name}0" if right.prefixed else right.name])
    except TransactionalIdAuthorizationFailedError:
        return False
    except KafkaError:  # there was no such transaction yet, or its coordinator is not there yet
        return True
    return True
