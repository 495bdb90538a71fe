"""The jobs there are: how far each is, and how one is cancelled."""

from contextlib import closing
from dataclasses import dataclass
from typing import Final

from kafka.errors import KafkaError

from service.errors import BrokerError, ConfigurationError
from service.kafka_access import KafkaAccess
from service.replay.client import consumer, let_go, transactional_producer
from service.replay.definition import Definition, State, group_of, transactional_id
from service.replay.job_records import JobRecords
from service.replay.session import committed_marks, is_fenced
from service.replay.tally import Tally
from service.replay.targets import TopicsTarget
from service.settings import Settings
from service.streaming.connection import check_connection

#: How often a job is tried to be cancelled while others fence each other.
_TRIES: Final = 5
#: More than a job's record has: that of one with ten thousand partitions.
_CONTROL_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How far a job's shard is.

    Attributes:
        definition: The shard.
        done: Offsets that are done; None where Kafka has forgotten.
        tally: What became of its records.
        moved: When it last got further, milliseconds since 1970; None where it never did.
    """

    definition: Definition
    done: int | None
    tally: Tally
    moved: int | None

    @property
    def state(self) -> str:
        """In a word."""
        if self.done is not None and self.done >= self.definition.offsets:
            return "done"
        if self.definition.state is State.CANCELLED:
            return "cancelled"
        return "forgotten" if self.done is None else "unfinished"


def job_statuses(settings: Settings, job: str | None = None) -> list[JobStatus]:
    """Every job's shards, the newest first; or those of one job.

    Raises:
        BrokerError: Kafka does not answer, or refuses.
        ConfigurationError: there is no such job.
    """
    access = KafkaAccess.of(settings)
    client_id = f"{settings.group_id}.replay"
    try:
        check_connection(access)
        with closing(JobRecords(access, settings.control_topic, client_id)) as records:
            records.read(settings.transaction_timeout)
            definitions = list(records.jobs.values()) if job is None else records.shards(job)
        if job is not None and not definitions:
            raise ConfigurationError(f"there is no job {job}; `weir replay list` shows those there are")
        definitions.sort(key=lambda each: (-each.begun, each.job, each.shard))
        return [_status(settings, access, each) for each in definitions]
    except KafkaError as error:
        raise BrokerError(f"Kafka at {access.bootstrap} refused: {type(error).__name__}") from None


def cancel_job(settings: Settings, job: str) -> list[JobStatus]:
    """Stop a job, and have it never go on.

    A run under way is fenced first: not a record more comes from it.

    Raises:
        BrokerError: Kafka does not answer, or refuses.
        ConfigurationError: there is no such job, or it is done.
    """
    statuses = job_statuses(settings, job)
    if all(each.state == "done" for each in statuses):
        raise ConfigurationError(f"job {job} is done; there is nothing to cancel")
    access = KafkaAccess.of(settings)
    try:
        for status in statuses:
            if status.state != "done":
                _cancel(settings, access, status.definition)
    except KafkaError as error:
        raise BrokerError(f"Kafka at {access.bootstrap} refused: {type(error).__name__}") from None
    return job_statuses(settings, job)


def _status(settings: Settings, access: KafkaAccess, definition: Definition) -> JobStatus:
    group = group_of(settings.group_id, definition.job)
    with closing(consumer(access, group, group_id=group)) as reader:
        marks = committed_marks(reader, definition)
    tally = Tally()
    for mark in marks.values():
        tally.add(mark.tally)
    done = sum(marks[each.source].offset - each.start for each in definition.ranges if each.source in marks)
    moved = max((mark.at for mark in marks.values()), default=0)
    return JobStatus(definition, done if len(marks) == len(definition.ranges) else None, tally, moved or None)


def _cancel(settings: Settings, access: KafkaAccess, definition: Definition) -> None:
    """Cancel a shard, again where a run that begins at this moment has fenced the cancellation."""
    for _ in range(_TRIES - 1):
        try:
            return _cancel_once(settings, access, definition)
        except KafkaError as error:
            if not is_fenced(error):
                raise
    return _cancel_once(settings, access, definition)


def _cancel_once(settings: Settings, access: KafkaAccess, definition: Definition) -> None:
    identity = transactional_id(settings.group_id, definition.job, definition.shard)
    group = group_of(settings.group_id, definition.job)
    timeout = settings.transaction_timeout
    producer = transactional_producer(access, identity, timeout=timeout, largest=_CONTROL_BYTES)
    reader = consumer(access, identity, group_id=group)
    try:
        producer.init_transactions()
        marks = committed_marks(reader, definition)
        cancelled = definition.model_copy(update={"state": State.CANCELLED})
        target = TopicsTarget(producer, reader, timeout)
        target.write(settings.control_topic, [(cancelled.key, cancelled.encode())], marks)
    finally:
        let_go(producer)
        let_go(reader)
