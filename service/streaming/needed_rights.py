"""The least rights that each of Weir's tasks needs in Kafka; `weir topics acls` prints them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from service.settings import Settings
from service.streaming.rights import Operation, Resource, Right
from service.streaming.topics import NeededTopic, Role
from service.streaming.transaction import transactional_ids


class Task(StrEnum):
    """Something done with Kafka, by the name of its command."""

    WORKER = "worker"
    TOPICS = "topics"
    DEAD_LETTERS = "dead-letters"
    BREAKER = "breaker"
    REPLAY = "replay"
    CANARY = "canary"


#: What each task does with the topics of each role.
_ON_TOPICS: Final[dict[Task, dict[Role, tuple[Operation, ...]]]] = {
    Task.WORKER: {
        Role.RAW: (Operation.READ, Operation.DESCRIBE_CONFIGS),
        Role.VENDOR: (Operation.WRITE, Operation.DESCRIBE_CONFIGS),
        Role.DEAD_LETTER: (Operation.WRITE, Operation.DESCRIBE_CONFIGS),
        Role.CONTROL: (Operation.READ, Operation.WRITE, Operation.DESCRIBE_CONFIGS),
    },
    Task.TOPICS: dict.fromkeys(Role, (Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS, Operation.CREATE)),
    Task.DEAD_LETTERS: {Role.RAW: (Operation.DESCRIBE,), Role.DEAD_LETTER: (Operation.READ,)},
    Task.REPLAY: {
        Role.RAW: (Operation.READ, Operation.DESCRIBE_CONFIGS),
        Role.VENDOR: (Operation.WRITE, Operation.DESCRIBE_CONFIGS),
        Role.DEAD_LETTER: (Operation.READ, Operation.WRITE, Operation.DESCRIBE_CONFIGS),
        Role.CONTROL: (Operation.READ, Operation.WRITE, Operation.DESCRIBE_CONFIGS),
    },
    Task.CANARY: {Role.RAW: (Operation.WRITE,), Role.VENDOR: (Operation.READ,)},
    Task.BREAKER: {Role.CONTROL: (Operation.READ, Operation.WRITE, Operation.DESCRIBE_CONFIGS)},
}


def needed_rights(task: Task, settings: Settings, topics: Sequence[NeededTopic]) -> list[Right]:
    """What one who does a task must be allowed to do with these topics, and with the worker's group."""
    rights = [
        Right(operation, Resource.TOPIC, topic.name)
        for topic in topics
        for operation in _ON_TOPICS[task].get(topic.role, ())
    ]
    if task is Task.WORKER:
        rights += [
            Right(Operation.READ, Resource.GROUP, settings.group_id),
            lanes_right(settings.group_id, settings.raw_topic),
        ]
    if task is Task.REPLAY:
        prefix = replays(settings.group_id)
        rights += [
            Right(Operation.READ, Resource.GROUP, settings.group_id),
            Right(Operation.READ, Resource.GROUP, prefix, prefixed=True),
            transactions_right(settings),
        ]
    return rights


def replays(group: str) -> str:
    """What the consumer groups and transactional ids of replays begin with, beside a worker's group."""
    return f"{group}.replay."


def transactions_right(settings: Settings) -> Right:
    """To use the transactional ids of replays."""
    return Right(Operation.WRITE, Resource.TRANSACTIONAL_ID, replays(settings.group_id), prefixed=True)


def lanes_right(group: str, raw_topic: str) -> Right:
    """To use the transactional ids of a group's lanes."""
    return Right(
        Operation.WRITE, Resource.TRANSACTIONAL_ID, transactional_ids(group, raw_topic), prefixed=True
    )
