"""The sanitizer's processes: spaCy holds the interpreter lock, so work on batches happens outside of Kafka's.

Each process has a pipe of its own, so that the death of one, at whatever moment, takes nothing of another's.
A batch that kills, outlives or breaks its process is taken apart: each of its records goes alone, with the
same budget whatever batch it came in. One that does so alone is dead-lettered and the rest goes on.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Self

import structlog

from service.errors import SanitizerError
from service.observability import metrics
from service.output.encoding import Encoding, Output
from service.processes.batch_size import BatchSize
from service.processes.template import SanitizerProcess, Template
from service.processes.template_process import Failure
from service.pseudonyms.keyring import KeyRing
from service.sanitize.config import SanitizerConfig
from service.sanitize.outcomes import BatchResult, DeadLettered, FailReason, Stage
from service.settings import Settings

log = structlog.get_logger(__name__)

#: How often a record alone may cost a process its life before it is held guilty: the first time, the process
#: may have been killed for a cause outside of the record.
TRIES: Final = 2

_MEGABYTE: Final = 2**20


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """What a process may take.

    Attributes:
        batch_timeout: Seconds of processor time for a batch of several records.
        record_timeout: The same for a record alone.
        recycle_records: Records after which a process is replaced.
        recycle_memory: Bytes of resident memory, shared ones included, beyond which it is replaced.
        process_memory: Bytes of data that it may have; what asks for more fails.
    """

    batch_timeout: float
    record_timeout: float
    recycle_records: int
    recycle_memory: int
    process_memory: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits as they are set."""
        return cls(
            batch_timeout=settings.batch_timeout,
            record_timeout=settings.record_timeout,
            recycle_records=settings.recycle_records,
            recycle_memory=settings.recycle_memory * _MEGABYTE,
            process_memory=settings.process_memory * _MEGABYTE,
        )


class _Slot:
    """The place of one process, and the keys that it has."""

    def __init__(self, process: SanitizerProcess, keyring: KeyRing) -> None:
        self.process = process
        self.keyring = keyring
        self.records = 0
        #: When its process was last seen working on what it was given, by the monotonic clock.
        self.moved: float | None = None

    def move(self) -> None:
        """Note that there is progress."""
        self.moved = time.monotonic()


class SanitizerPool:
    """Processes, each of which sanitizes one batch at a time."""

    def __init__(
        self, config: SanitizerConfig, limits: PoolLimits, *, processes: int, batch_size: BatchSize
    ) -> None:
        """Start nothing yet.

        Args:
            config: What each process loads.
            limits: What each may take.
            processes: How many there are, and so how many batches can be in work at once.
            batch_size: Told what each batch took.
        """
        self.processes = processes
        self._batch_size = batch_size
        self._limits = limits
        self._config = config
        self._keyring: KeyRing | None = None
        self._template = Template(config, process_memory=limits.process_memory)
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="sanitizer")
        self._slots: list[_Slot] = []
        self._free: queue.SimpleQueue[_Slot] = queue.SimpleQueue()

    @property
    def alive(self) -> int:
        """How many processes run at this moment. One that dies while idle is replaced with the next batch."""
        return sum(slot.process.runs for slot in self._slots)

    @property
    def keyring(self) -> KeyRing:
        """The keys of the batches that begin now; what it was started with is read once, at the start."""
        assert self._keyring is not None, "the pool has not started"
        return self._keyring

    def take_keys(self, keyring: KeyRing) -> None:
        """Have every batch that begins from now on done with other keys, to its end with the same.

        Each process is replaced before its next batch, which takes milliseconds.
        """
        self._keyring = keyring

    @property
    def oldest_work(self) -> float:
        """Seconds since work that is with a process was last seen to go on, at most; 0 where there is none.

        A process that does nothing is ended after STALL_TIMEOUT, and a template takes LOAD_TIMEOUT at most:
        beyond both the pool itself hangs.
        """
        moved = [each for slot in self._slots if (each := slot.moved) is not None]
        return time.monotonic() - min(moved) if moved else 0.0

    async def start(self) -> None:
        """Load policy, keys and models, and start every process.

        Raises:
            ConfigurationError: if the policy or the key ring is wrong.
            SanitizerError: if a process can't be started.
        """
        await asyncio.get_running_loop().run_in_executor(self._threads, self._start)
        metrics.SANITIZER_PROCESSES.set_function(lambda: self.alive)

    def _start(self) -> None:
        self._keyring = keyring = self._config.load_keyring()
        for _ in range(self.processes):
            slot = _Slot(self._template.fork(keyring), keyring)
            self._slots.append(slot)
            self._free.put(slot)

    async def stop(self) -> None:
        """End every process, whatever it is doing; batches in work raise SanitizerError."""
        await asyncio.to_thread(self._template.stop)
        await asyncio.to_thread(self._threads.shutdown)

    async def sanitize(self, records: Sequence[bytes | None]) -> BatchResult:
        """The outcomes of every record, in order.

        Takes at most the batch's budget and, where that or a process is lost, each record's.

        Raises:
            SanitizerError: if a process can't be replaced, or the pool was stopped.
        """
        result = await self._in_thread(records, None)
        assert isinstance(result, BatchResult)
        return result

    async def encode(self, records: Sequence[bytes | None], encoding: Encoding) -> Output:
        """What the outcomes of every record come to, encoded where they are made.

        Takes as long, and raises the same.
        """
        output = await self._in_thread(records, encoding)
        assert isinstance(output, Output)
        return output

    async def _in_thread(
        self, records: Sequence[bytes | None], encoding: Encoding | None
    ) -> BatchResult | Output:
        unwanted = threading.Event()
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._in_free_slot, records, encoding, unwanted, time.monotonic()
            )
        finally:
            unwanted.set()

    def _in_free_slot(
        self,
        records: Sequence[bytes | None],
        encoding: Encoding | None,
        unwanted: threading.Event,
        asked: float,
    ) -> BatchResult | Output:
        slot = self._free.get()
        metrics.STAGE_SECONDS.labels("queue").observe(time.monotonic() - asked)
        try:
            if slot.keyring is not self.keyring:
                slot.keyring = self.keyring  # until the batch is done, whoever does it
                self._replace(slot, "recycled_keys")
            with metrics.STAGE_SECONDS.labels("sanitize").time():
                if len(records) > 1:
                    answer = self._ask(slot, records, encoding, self._limits.batch_timeout)
                    if not isinstance(answer, FailReason):
                        return answer
                result = self._one_by_one(slot, records, unwanted)
                return result if encoding is None else encoding.encode(result)
        finally:
            self._free.put(slot)

    def _one_by_one(
        self, slot: _Slot, records: Sequence[bytes | None], unwanted: threading.Event
    ) -> BatchResult:
        result = BatchResult([])
        for record in records:
            if unwanted.is_set():
                break
            alone = self._alone(slot, record)
            result.outcomes += alone.outcomes
            result.remarks += alone.remarks
            result.gate_hits += alone.gate_hits
            result.texts += alone.texts
            result.failed_self_checks += alone.failed_self_checks
        return result

    def _alone(self, slot: _Slot, record: bytes | None) -> BatchResult:
        reason = FailReason.WORKER_CRASHED
        for _ in range(TRIES):
            answer = self._ask(slot, [record], None, self._limits.record_timeout)
            if isinstance(answer, BatchResult):
                return answer
            assert isinstance(answer, FailReason)
            reason = answer
            if reason is FailReason.TIMEOUT:
                break
        metrics.ISOLATED_RECORDS.labels(reason).inc()
        return BatchResult([(DeadLettered(None, Stage.SANITIZE, reason),)])

    def _ask(
        self, slot: _Slot, records: Sequence[bytes | None], encoding: Encoding | None, seconds: float
    ) -> BatchResult | Output | FailReason:
        """Have the slot's process do it, and replace the process where it must be."""
        slot.move()
        try:
            if not slot.process.runs:
                self._replace(slot, "crashed", "ended while idle")
            answer = slot.process.sanitize(records, encoding, seconds, slot.move)
            if self._template.stopped:
                raise SanitizerError("the sanitizer's processes were stopped")
            if isinstance(answer, Failure):
                reason = "timeout" if answer.reason is FailReason.TIMEOUT else "crashed"
                self._replace(slot, reason, answer.detail, records=len(records))
                return answer.reason
            slot.records += len(records)
            self._batch_size.learn(len(records), answer.seconds)
            if slot.records >= self._limits.recycle_records:
                self._replace(slot, "recycled_records")
            elif slot.process.memory() >= self._limits.recycle_memory:
                self._replace(slot, "recycled_memory")
            return answer.made
        finally:
            slot.moved = None

    def _replace(self, slot: _Slot, reason: str, detail: str = "", records: int = 0) -> None:
        ending = self._template.end(slot.process)
        say = log.info if reason.startswith("recycled") else log.warning
        say("sanitizer_process_replaced", reason=reason, detail=detail, ending=ending, records=records)
        metrics.SANITIZER_RESTARTS.labels(reason).inc()
        slot.process, slot.records = self._template.fork(slot.keyring), 0
