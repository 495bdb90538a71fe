"""The Faust application: group membership, assignment and the life cycle around the lanes."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any, Final

import faust
import structlog
from faust.app.base import BootStrategy
from faust.types import TP
from mode import CrashingSupervisor

from service.errors import BrokerError
from service.kafka_access import KafkaAccess
from service.observability import metrics
from service.observability.logs import FAUST_LOGGER
from service.observability.memory import observe_memory
from service.observability.probes import ProbeServer
from service.output.record_batches import Compression
from service.output.rules import OutputRules, OutputTerms
from service.processes.batch_size import BatchSize
from service.processes.pool import PoolLimits, SanitizerPool
from service.sanitize.config import SanitizerConfig
from service.settings import Settings
from service.streaming.backlog import Backlog
from service.streaming.breakers import Breakers
from service.streaming.control_topic import ControlTopic
from service.streaming.credentials import credentials
from service.streaming.expiries import observe_expiries
from service.streaming.health import Health, Pulse
from service.streaming.keyring_watch import KeyRingWatch
from service.streaming.lanes import Lanes
from service.streaming.observer import TICK, Observer
from service.streaming.preflight import Checked
from service.streaming.refusals import refusal
from service.streaming.transport import BatchConsumer, BatchTransport
from service.streaming.watchdog import Watchdog

log = structlog.get_logger(__name__)

#: Faust's consumer leaves the group for good if it hasn't fetched for so long. A spare replica never does.
MAX_POLL_INTERVAL: Final = 86_400.0
#: Seconds until partitions that were added to the raw topic are noticed, at most.
METADATA_AGE: Final = 30
#: Heartbeats in a session.
HEARTBEATS: Final = 10
#: Part of the shutdown's grace kept for leaving the group and ending the processes.
RESERVE: Final = 0.25


class _Boot(BootStrategy):
    """No web server, whatever Faust's options say, and no producer of Faust's: the lanes have their own."""

    enable_web = False
    enable_kafka_producer = False


class Application(faust.App):
    """Weir's worker as Faust sees it: one agent that gives batches to the lanes."""

    logger = FAUST_LOGGER
    BootStrategy = _Boot

    def __init__(self, settings: Settings, *, worker: str) -> None:
        self.settings = settings
        self.health = Health(settings.stall_timeout)
        self.checked: Checked | None = None
        self.fail: Callable[[BaseException], None] | None = None
        self._backlog = Backlog(settings.batch_bytes)
        self._batch_size = BatchSize(settings.batch_records)
        self._pool: SanitizerPool | None = None
        self._lanes: Lanes | None = None
        self._control: ControlTopic | None = None
        self._probes: ProbeServer | None = None
        self._observer: Observer | None = None
        self._watchdog: Watchdog | None = None
        self._background: list[asyncio.Task[None]] = []
        super().__init__(
            settings.group_id,
            Worker=worker,
            autodiscover=False,
            broker=[f"kafka://{server.strip()}" for server in settings.kafka_bootstrap.split(",")],
            broker_credentials=credentials(KafkaAccess.of(settings)),
            broker_heartbeat_interval=settings.session_timeout / HEARTBEATS,
            broker_max_poll_interval=MAX_POLL_INTERVAL,
            broker_max_poll_records=settings.batch_records,
            broker_request_timeout=settings.session_timeout + 60,  # Faust wants it above the session's
            broker_session_timeout=settings.session_timeout,
            consumer_auto_offset_reset="none",  # the transport decides, and tells
            consumer_metadata_max_age_ms=METADATA_AGE * 1000,
            agent_supervisor=CrashingSupervisor,
            store="memory://",
            stream_recovery_delay=0.0,
            stream_wait_empty=False,  # nothing is ever acknowledged to Faust
            table_standby_replicas=0,  # keeps Faust's own assignor out, which could not be changed later
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            worker_redirect_stdouts=False,
        )
        raw = self.topic(settings.raw_topic, key_serializer="raw", value_serializer="raw", acks=False)
        self.agent(raw, name="sanitize", concurrency=1)(self._feed_lanes)
        self.on_partitions_revoked.connect(self._on_revoked)
        self.on_rebalance_complete.connect(self._on_assigned)
        self.on_before_shutdown.connect(self._on_shutdown)

    async def _feed_lanes(self, stream: faust.StreamT[Any]) -> None:
        assert self._lanes is not None
        async for event in stream.noack().events():  # type: ignore[attr-defined]  # Stream has it, StreamT not
            await self._lanes.accept(event.value)
        if not self.health.stopping:
            raise BrokerError("Faust's stream ended by itself")

    async def on_start(self) -> None:
        """Start everything that must be there before the first batch, then join the group."""
        assert self.checked is not None, "the worker checks before it starts"
        checked, settings = self.checked, self.settings
        probes = {"/livez": self.health.live, "/readyz": self.health.ready, "/startupz": self.health.started}
        self._probes = ProbeServer(settings.probe_host, settings.probe_port, probes)
        self._probes.start()
        metrics.BUILD.labels(version("weir"), checked.policy.fingerprint).set(1)
        metrics.SANITIZER_PROCESSES_DESIRED.set(settings.processes)
        observe_memory()
        log.info(
            "worker_starting",
            group=settings.group_id,
            kafka=settings.kafka_bootstrap,
            raw_topic=settings.raw_topic,
            vendors=[plan.vendor.value for plan in checked.policy.vendors],
            policy=checked.policy.fingerprint,
            processes=settings.processes,
            probe_port=self._probes.port,
        )
        self._pool = pool = SanitizerPool(
            SanitizerConfig(
                settings.config_dir,
                checked.keyring_file,
                settings.spacy_model,
                settings.detection_profile,
                self_check=settings.self_check,
                kek_file=settings.keyring_kek_file,
            ),
            PoolLimits.of(settings),
            processes=settings.processes,
            batch_size=self._batch_size,
        )
        await pool.start()
        observe_expiries(settings, lambda: pool.keyring)
        watch = KeyRingWatch(checked.keyring_file, settings.keyring_kek_file, pool)
        self._background.append(asyncio.create_task(self._end_with(watch.follow())))
        rules = OutputRules(
            settings.dead_letter_topic,
            checked.policy.fingerprint,
            checked.largest,
            Compression(settings.compression),
        )
        terms = OutputTerms(rules, checked.partitions)
        breakers = Breakers(checked.policy, settings.control_topic)
        self._control = ControlTopic(KafkaAccess.of(settings), settings.control_topic)
        breakers.restore(await self._control.read())
        self.health.notes.append(breakers.notes)
        self._background.append(asyncio.create_task(self._end_with(self._control.follow(breakers))))
        self._lanes = Lanes(settings, self._pool, terms, breakers, self._backlog, member=self._member_id)
        self._background.append(asyncio.create_task(self._end_with(self._lanes.failed)))
        self._observe(self._lanes, self._pool)
        await super().on_start()

    def _observe(self, lanes: Lanes, pool: SanitizerPool) -> None:
        """Have everything watched, from now on, that can stand still."""
        assert self.fail is not None
        consumer = self.consumer
        assert isinstance(consumer, BatchConsumer)
        self._observer = observer = Observer(
            self.health, self.settings, consumer=consumer, lanes=lanes, pool=pool, backlog=self._backlog
        )
        for needed in (observer.watch(), observer.follow_ends(), self._watch_consumer(consumer)):
            self._background.append(asyncio.create_task(self._end_with(needed)))
        self.health.listen(Pulse("main", self.loop), Pulse("consumer", consumer.thread_loop))
        self._watchdog = Watchdog(self.health, self.fail)
        self._watchdog.start()

    def _member_id(self) -> str | None:
        assert isinstance(self.consumer, BatchConsumer)
        return self.consumer.member_id

    async def _end_with(self, needed: Awaitable[None]) -> None:
        try:
            await needed
        except Exception as error:  # noqa: BLE001  (whatever it is, nothing goes on without it)
            assert self.fail is not None
            self.fail(error)

    async def _watch_consumer(self, consumer: BatchConsumer) -> None:
        """Notice what aiokafka tells only those who ask.

        Raises:
            BrokerError: the consumer takes no part in its group any more, or fetches no more.
        """
        while True:
            await asyncio.sleep(TICK)
            if (error := consumer.group_error()) is not None:
                group, reason = self.settings.group_id, type(error).__name__
                raise self.refusal(error) or BrokerError(
                    f"Kafka keeps the worker out of group {group}: {reason}"
                )
            if (error := consumer.fetch_error()) is not None:
                raise self.refusal(error) or BrokerError(
                    f"the consumer fetches no more: {type(error).__name__}"
                )

    def refusal(self, error: BaseException) -> BrokerError | None:
        """What Kafka refuses for good, if the error says so."""
        return refusal(error, group=self.settings.group_id, raw_topic=self.settings.raw_topic)

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        log.info("partitions_revoked")
        if self._observer is not None:
            self._observer.left()
        if self._lanes is not None:
            await self._lanes.release()

    async def _on_assigned(self, *_: Any, **__: Any) -> None:
        assert self._observer is not None
        if not self.health.joined:
            log.info("worker_ready")
        self._observer.joined()
        assignment: set[TP] = self.consumer.assignment()
        log.info("partitions_assigned", partitions=sorted(tp.partition for tp in assignment))

    async def _on_shutdown(self, *_: Any, **__: Any) -> None:
        """Finish the batches in flight while still in the group; Faust fetches no more by now."""
        self.health.stopping = True
        if self._watchdog is not None:
            self._watchdog.stop()
        if self._lanes is not None:
            finished = await self._lanes.drain(self.settings.shutdown_grace * (1 - RESERVE))
            await self._lanes.close()
            log.info("lanes_closed", finished=finished)
        for task in self._background:
            task.cancel()
        if self._control is not None:
            await self._control.stop()
        if self._pool is not None:
            await self._pool.stop()
        if self._probes is not None:
            await asyncio.to_thread(self._probes.stop)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(
            self.conf.broker_consumer,
            self,
            backlog=self._backlog,
            batch_size=self._batch_size,
            batch_bytes=self.settings.batch_bytes,
        )

    def _create_directories(self) -> None:
        """Faust keeps tables in folders; Weir has none, and may stand on a read-only disk."""
