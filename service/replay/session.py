"""A job's hold on Kafka: the transactional id that fences other runs, its progress, and what stops it."""

import time
from collections.abc import Iterable
from typing import Final

import structlog
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import InvalidProducerEpochError, ProducerFencedError

from service.errors import ConfigurationError, ReplayError
from service.output.record_batches import Compression
from service.policy.vendor_names import VendorName
from service.replay.client import ANSWER_MS, consumer, let_go, transactional_producer
from service.replay.definition import Definition, State, group_of
from service.replay.job_records import JobRecords
from service.replay.plan import Plan
from service.replay.tally import Tally
from service.replay.targets import Mark, TopicsTarget
from service.streaming.breakers import BreakerRecord, Cause, Window, now
from service.streaming.breakers import State as BreakerState
from service.streaming.connection import causes

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
            self.target = TopicsTarget(
                self._producer, reader, settings.transaction_timeout, Compression(settings.compression)
            )
            shards = {each.shard: each for each in self._records.shards(plan.definition.job)}
            known = shards.get(plan.definition.shard)
            if known is None or restart:
                self.definition = plan.definition
                self._refuse_open_breakers()
                self.marks = self._begin(reader, shards.values(), restart=restart)
            else:
                plan.refuse_another(known)
                self.definition = known
                self.check(force=True)
                self.marks = _complete(committed_marks(reader, known), known)
                self._refuse_what_is_done()
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
        self._refuse_open_breakers()

    def _refuse_open_breakers(self) -> None:
        """See that no vendor's breaker is open that the job sends to.

        Raises:
            ReplayError: one is.
        """
        if self.definition.arguments.to_topic is not None:
            return
        for vendor in self.definition.vendors:
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

    def open_breaker(self, vendor: VendorName, window: Window) -> None:
        """Open a vendor's breaker for all workers and replays, as a worker does, and stop.

        Raises:
            ReplayError: always.
        """
        record = BreakerRecord(
            state=BreakerState.OPEN,
            since=now(),
            by=Cause.POLICY,
            hits=window.hits,
            events=window.events,
            policy=self.definition.policy,
        )
        topic = self._plan.settings.control_topic
        self.target.write(topic, [(vendor.encode(), record.encode())], {})
        raise ReplayError(
            f"the gate found personal data {window.hits} times in {window.events} events for {vendor}, which "
            "the policy would have let through; its breaker is open now, for live events too. Mend the "
            f"policy, close the breaker (`weir breaker close {vendor}`) and begin another job"
        )

    def _begin(
        self, reader: KafkaConsumer, others: Iterable[Definition], *, restart: bool
    ) -> dict[TopicPartition, Mark]:
        definition = self.definition
        if not restart and committed_marks(reader, definition):
            raise ReplayError(
                f"there is progress of a job {definition.job}, and the control topic knows of none: it was "
                "made anew. --restart starts over, or give another --job"
            )
        marks = {each.source: Mark(each.start, Tally()) for each in definition.ranges}
        forgotten = [(each.key, None) for each in others if each.shards != definition.shards]
        records = [*forgotten, (definition.key, definition.encode())]
        self.target.write(self._plan.settings.control_topic, records, marks)
        self._records.jobs[definition.job, definition.shard] = definition  # not as it was before a restart
        log.info("replay_begun", job=definition.job, shard=definition.shard, offsets=definition.offsets)
        return marks

    def _refuse_what_is_done(self) -> None:
        """A job without an id of its own that is counted back from now is another one each time it is meant.

        Raises:
            ConfigurationError: the one that its arguments name was done before.
        """
        definition = self.definition
        done = all(self.marks[each.source].offset >= each.end for each in definition.ranges)
        if done and self._plan.request.relative:
            raise ConfigurationError(
                f"job {definition.job}, which these arguments name, was done before, with the times of then; "
                "give a --job of its own to what is meant now"
            )


def is_fenced(error: BaseException) -> bool:
    """Whether Kafka said that another has the transactional id, or that the transaction was too old."""
    return any(isinstance(each, FENCED) for cause in causes(error) for each in (cause, *cause.args))


def committed_marks(reader: KafkaConsumer, definition: Definition) -> dict[TopicPartition, Mark]:
    """Progress by partition, without those that have none. Asked after fencing, so that it stays so."""
    found = {
        each.source: reader.committed(each.source, metadata=True, timeout_ms=ANSWER_MS)
        for each in definition.ranges
    }
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
