"""A job's hold on Kafka: the transactional id that fences other runs, its progress, and what stops it."""

import time
from collections.abc import Mapping
from typing import Final

import structlog
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import InvalidProducerEpochError, ProducerFencedError

from service.errors import ReplayError
from service.replay.client import consumer, let_go, transactional_producer
from service.replay.definition import Definition, State, group_of
from service.replay.job_records import JobRecords
from service.replay.plan import Plan
from service.replay.tally import Tally
from service.replay.targets import Mark, TopicsTarget
from service.streaming.breakers import now

log = structlog.get_logger(__name__)

#: What Kafka says to a producer whose transactional id another has taken, or whose transaction was too old.
FENCED: Final = (ProducerFencedError, InvalidProducerEpochError)
#: Seconds between looks at the control topic.
_LOOK: Final = 1.0


class JobSession:
    """One job's shard from the moment it is this process's own.

    Attributes:
        definition: The job as the control topic has it.
        marks: How far it is in each partition.
        target: Where it writes.
    """

    def __init__(self, plan: Plan, reader: KafkaConsumer, *, restart: bool) -> None:
        """Fence other runs, then read how far they came; begin the job where there is none.

        Raises:
            ReplayError: the job can't go on.
            KafkaError: Kafka does not answer, or refuses.
        """
        self._plan = plan
        self._looked = time.monotonic()
        settings = plan.settings
        self._records = JobRecords(plan.access, settings.control_topic, plan.client_id)
        self._producer: KafkaProducer = transactional_producer(
            plan.access, plan.client_id, timeout=settings.transaction_timeout, largest=plan.largest
        )
        try:
            self._producer.init_transactions()
            self._records.read(settings.transaction_timeout)
            self.target = TopicsTarget(self._producer, reader)
            known = self._records.jobs.get((plan.definition.job, plan.definition.shard))
            self.definition = plan.definition if known is None or restart else known
            committed = committed_marks(reader, self.definition)
            if known is None or restart:
                self.marks = self._begin(committed, restart=restart)
            else:
                self.check(force=True)
                self.marks = _complete(committed, self.definition)
        except BaseException:
            self.close()
            raise

    def check(self, *, force: bool = False) -> None:
        """See, about once a second, that nothing has happened which must stop the job.

        Raises:
            ReplayError: it was cancelled, or a vendor's breaker has opened.
        """
        if not force:
            if time.monotonic() - self._looked < _LOOK:
                return
            self._looked = time.monotonic()
            self._records.follow()
        definition = self.definition
        current = self._records.jobs.get((definition.job, definition.shard), definition)
        if current.state is State.CANCELLED:
            raise ReplayError(f"job {definition.job} was cancelled; --restart starts it over")
        if definition.arguments.to_topic is not None:
            return
        for vendor in definition.vendors:
            breaker = self._records.breakers.get(vendor)
            if breaker is not None and breaker.is_open(now()):
                raise ReplayError(
                    f"the breaker of {vendor} is open since {breaker.start}: it gets nothing; once it is "
                    f"closed (`weir breaker close {vendor}`), the same command goes on"
                )

    def close(self) -> None:
        """Let go; an open transaction is aborted by whoever takes the job next."""
        let_go(self._producer)
        self._records.close()

    def _begin(
        self, committed: Mapping[TopicPartition, Mark], *, restart: bool
    ) -> dict[TopicPartition, Mark]:
        definition = self.definition
        if committed and not restart:
            raise ReplayError(
                f"there is progress of a job {definition.job}, and the control topic knows of none: it was "
                "made anew. --restart starts over, or give another --job"
            )
        marks = {each.source: Mark(each.start, Tally()) for each in definition.ranges}
        self.target.begin(self._plan.settings.control_topic, definition.key, definition.encode(), marks)
        self._records.jobs[definition.job, definition.shard] = definition  # not as it was before a restart
        log.info("replay_begun", job=definition.job, shard=definition.shard, offsets=definition.offsets)
        return marks


def committed_marks(reader: KafkaConsumer, definition: Definition) -> dict[TopicPartition, Mark]:
    """Progress by partition, without those that have none. Asked after fencing, so that it stays so."""
    found = {each.source: reader.committed(each.source, metadata=True) for each in definition.ranges}
    return {source: Mark.of(each) for source, each in found.items() if each is not None}


def _complete(committed: dict[TopicPartition, Mark], definition: Definition) -> dict[TopicPartition, Mark]:
    missing = [each for each in definition.ranges if each.source not in committed]
    if missing:
        raise ReplayError(
            f"Kafka has forgotten how far job {definition.job} was in {len(missing)} of "
            f"{len(definition.ranges)} partitions (it does after offsets.retention.minutes); going on could "
            "send events twice. --restart starts over, or begin another job at the offsets to go on from"
        )
    return committed


def job_consumer(plan: Plan) -> KafkaConsumer:
    """A consumer with the job's group, for records and for progress. It never joins the group."""
    group = group_of(plan.settings.group_id, plan.definition.job)
    return consumer(plan.access, plan.client_id, group_id=group, max_poll_records=plan.settings.batch_records)
