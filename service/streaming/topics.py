"""The topics Weir needs: which they are, whether they are there and fit, and creating them.

Only `weir topics create` creates topics; the worker looks and refuses to start.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import KafkaError

from service.errors import BrokerError, ConfigurationError
from service.kafka_access import KafkaAccess
from service.policy.plan import CompiledPolicy
from service.settings import Settings
from service.streaming.connection import ANSWER_TIMEOUT, check_connection
from service.streaming.rights import Operation, Resource, Right, require

#: Raw records can be replayed, and dead letters looked into, for this many days in created topics.
RETENTION_DAYS: Final = 30
#: A topic that keeps less than this many days is reported: a weekend's outage would lose data.
LEAST_RETENTION_DAYS: Final = 3
#: The most brokers a created topic is spread over unless said otherwise.
USUAL_REPLICATION: Final = 3
DAY_MS: Final = 86_400_000

_NO_ERROR: Final = 0
_UNKNOWN_TOPIC: Final = 3


class Role(StrEnum):
    """What a topic is for."""

    RAW = "raw events"
    VENDOR = "vendor events"
    DEAD_LETTER = "dead letters"
    CONTROL = "circuit breakers"

    @property
    def is_output(self) -> bool:
        """Whether outcomes of events go there."""
        return self in {Role.VENDOR, Role.DEAD_LETTER}


class NeededTopic(NamedTuple):
    """A topic by name."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class TopicState:
    """What Kafka says of a needed topic.

    Attributes:
        topic: The topic.
        partitions: How many it has; 0 where it is missing.
        replication: Copies of its first partition.
        largest: `max.message.bytes`.
        compacted: Whether Kafka keeps the last record of each key and no others, for ever.
        findings: What is wrong, a line each; none where it fits.
        created: Whether it was created just now.
    """

    topic: NeededTopic
    partitions: int = 0
    replication: int = 0
    largest: int = 0
    compacted: bool = False
    findings: tuple[str, ...] = ()
    created: bool = False

    @property
    def missing(self) -> bool:
        """Whether it does not exist."""
        return self.partitions == 0

    @property
    def holds_breakers(self) -> bool:
        """Whether it is fit to be the control topic: no state is lost, and the last one is the last."""
        return self.partitions == 1 and self.compacted


def needed_topics(settings: Settings, policy: CompiledPolicy) -> list[NeededTopic]:
    """Every topic the worker reads or writes, each once.

    Raises:
        ConfigurationError: the control topic is also something else.
    """
    topics = [NeededTopic(settings.raw_topic, Role.RAW)]
    topics += [NeededTopic(plan.topic, Role.VENDOR) for plan in policy.vendors]
    topics += [NeededTopic(settings.dead_letter_topic, Role.DEAD_LETTER)]
    if settings.control_topic in {topic.name for topic in topics}:
        raise ConfigurationError(
            f"WEIR_CONTROL_TOPIC: {settings.control_topic} has another use already; name a topic of its own"
        )
    topics += [control_topic(settings)]
    return list({topic.name: topic for topic in topics}.values())


def control_topic(settings: Settings) -> NeededTopic:
    """The topic of the circuit breakers' states."""
    return NeededTopic(settings.control_topic, Role.CONTROL)


def refuse_unfit(states: Sequence[TopicState]) -> None:
    """See that topics are there, and that the control topic can hold the breakers' states.

    Raises:
        BrokerError: they are not, or it can't.
    """
    missing = [state.topic.name for state in states if state.missing]
    if missing:
        raise BrokerError(f"missing topics: {', '.join(missing)}; `weir topics create` creates them")
    for state in states:
        if state.topic.role is Role.CONTROL and not state.holds_breakers:
            raise BrokerError(
                f"the control topic {state.topic.name} must have one partition and be compacted; delete it, "
                "and `weir topics create` creates it"
            )


class Topics:
    """Topics of one Kafka, through its admin interface."""

    def __init__(self, admin: KafkaAdminClient) -> None:
        self._admin = admin

    @classmethod
    @contextlib.contextmanager
    def of(cls, access: KafkaAccess) -> Iterator["Topics"]:
        """Connect for the block.

        Raises:
            BrokerError: Kafka does not answer, or refuses what is asked of it in the block.
        """
        check_connection(access)
        milliseconds = int(ANSWER_TIMEOUT * 1000)
        try:
            admin = KafkaAdminClient(
                **access.for_kafka_python(),
                bootstrap_timeout_ms=milliseconds,
                request_timeout_ms=milliseconds,
            )
            try:
                yield cls(admin)
            finally:
                admin.close()
        except KafkaError as error:
            raise BrokerError(f"Kafka at {access.bootstrap} refused: {type(error).__name__}") from None

    def require(self, rights: Sequence[Right]) -> None:
        """See that this login has rights, as far as Kafka tells before they are used.

        Raises:
            BrokerError: naming every right that is missing.
        """
        require(self._admin, rights)

    def look(self, topics: Sequence[NeededTopic]) -> list[TopicState]:
        """The state of each topic, in the same order.

        Raises:
            BrokerError: this login may not see them.
        """
        self.require(_rights(topics, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS))
        described = {each["name"]: each for each in self._admin.describe_topics([t.name for t in topics])}
        there = [topic for topic in topics if described[topic.name]["error_code"] == _NO_ERROR]
        configs = self._configs(there)
        raw_partitions = max(
            (len(described[topic.name]["partitions"]) for topic in there if topic.role is Role.RAW), default=0
        )
        return [
            self._state(topic, described[topic.name], configs.get(topic.name, {}), raw_partitions)
            for topic in topics
        ]

    def create(
        self, topics: Sequence[NeededTopic], *, partitions: int, replication: int | None
    ) -> list[TopicState]:
        """Create the missing ones, and give the state of all. Existing topics are left as they are.

        A replication of None takes three copies, or as many as there are brokers.

        Raises:
            BrokerError: this login may not see or create them.
        """
        before = self.look(topics)
        if replication is None:
            replication = min(USUAL_REPLICATION, len(self._admin.describe_cluster()["brokers"]))
        missing = {state.topic for state in before if state.missing}
        if missing:
            self.require(_rights(missing, Operation.CREATE))
            wanted = {topic.name: _wanted(topic.role, partitions, replication) for topic in missing}
            self._admin.create_topics(wanted, wait_for_metadata=True)
        return [replace(state, created=state.topic in missing) for state in self.look(topics)]

    def _configs(self, topics: Sequence[NeededTopic]) -> dict[str, dict[str, str]]:
        if not topics:
            return {}
        answer = self._admin.describe_configs(
            [ConfigResource("TOPIC", topic.name) for topic in topics], config_filter="all"
        )
        return {
            name: {key: entry["value"] for key, entry in config.items()}
            for name, config in answer["topic"].items()
        }

    def _state(
        self,
        topic: NeededTopic,
        described: dict[str, list[dict[str, list[int]]]],
        config: dict[str, str],
        raw: int,
    ) -> TopicState:
        partitions = described["partitions"]
        if not partitions:
            return TopicState(topic, findings=("missing",))
        replication = len(partitions[0]["replica_nodes"])
        findings = list(_findings(topic, len(partitions), replication, config, raw))
        return TopicState(
            topic,
            partitions=len(partitions),
            replication=replication,
            largest=int(config["max.message.bytes"]),
            compacted=config["cleanup.policy"] == "compact",
            findings=tuple(findings),
        )


def _rights(topics: Iterable[NeededTopic], *operations: Operation) -> list[Right]:
    return [Right(operation, Resource.TOPIC, topic.name) for topic in topics for operation in operations]


def _wanted(role: Role, partitions: int, replication: int) -> dict[str, object]:
    """What a topic is created with."""
    configs = {"min.insync.replicas": str(max(1, replication - 1))}
    if role is Role.CONTROL:
        partitions = 1
        configs["cleanup.policy"] = "compact"
    else:
        configs["retention.ms"] = str(RETENTION_DAYS * DAY_MS)
    return {"num_partitions": partitions, "replication_factor": replication, "configs": configs}


def _findings(
    topic: NeededTopic, partitions: int, replication: int, config: dict[str, str], raw_partitions: int
) -> Iterator[str]:
    if topic.role is Role.VENDOR and partitions < raw_partitions:
        yield f"{partitions} partitions, fewer than the raw topic's {raw_partitions}"
    if topic.role is Role.CONTROL:
        if partitions > 1:
            yield f"{partitions} partitions; it must have one"
        if config["cleanup.policy"] != "compact":
            yield "is not compacted alone, so that breakers' states may be lost"
    else:
        retention = int(config["retention.ms"])
        if 0 <= retention < LEAST_RETENTION_DAYS * DAY_MS:
            yield f"keeps records for less than {LEAST_RETENTION_DAYS} days"
        if "compact" in config["cleanup.policy"]:
            yield "is compacted, which removes records that share a key"
    in_sync = int(config["min.insync.replicas"])
    if in_sync > replication:
        yield f"min.insync.replicas is {in_sync} with {replication} copies: nothing can be written"
    elif replication > 1 and in_sync == 1:
        yield "min.insync.replicas is 1: a broker's death can lose what was acknowledged"
