"""The sanitizer's processes: spaCy holds the interpreter lock, so work on batches happens outside of Kafka's.

Each process has a pipe of its own, so that the death of one, at whatever moment, takes nothing of another's.
A batch that kills, outlives or breaks its process is split until the guilty record is alone; that one is
dead-lettered and the rest goes on.
"""

import asyncio
import atexit
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from service.errors import ConfigurationError, SanitizerError
from service.sanitize.outcomes import BatchResult, DeadLettered, FailReason, Stage

if TYPE_CHECKING:
    from service.sanitize.sanitizer import Sanitizer

log = structlog.get_logger(__name__)

#: A record alone may take this share of a whole batch's time.
SINGLE_RECORD_SHARE: Final = 0.1
#: Seconds that a process may take to load its models.
START_TIMEOUT: Final = 120.0

#: How often a record alone may cost a process its life before it is held guilty.
SINGLE_RECORD_TRIES: Final = 2


@dataclass(frozen=True, slots=True)
class SanitizerConfig:
    """Where a process finds what it loads. Keys and models are loaded in each process, never sent to it."""

    config_dir: Path
    keyring_file: Path
    spacy_model: str

    def load(self) -> "Sanitizer":
        """Build the sanitizer from the files.

        Raises:
            ConfigurationError: if the policy or the key ring is wrong.
        """
        # Imported here, in the process that needs them: spaCy and Presidio take seconds and 200 MB.
        from service.detection.detector import Detector  # noqa: PLC0415
        from service.policy import load  # noqa: PLC0415
        from service.pseudonyms.keyring import KeyRing  # noqa: PLC0415
        from service.sanitize.sanitizer import Sanitizer  # noqa: PLC0415

        policy = load(self.config_dir)
        keyring = KeyRing.load(self.keyring_file)
        return Sanitizer(policy, keyring, Detector(spacy_model=self.spacy_model))


class _Failure(NamedTuple):
    """Why a process gave no result; `detail` is for the log: an exit code or an exception's class."""

    reason: FailReason
    detail: str


class _WrongConfiguration(NamedTuple):
    """What keeps a process from loading; errors themselves are not all fit for a pipe."""

    message: str


class SanitizerPool:
    """`processes` processes, each of which sanitizes one batch at a time."""

    def __init__(self, config: SanitizerConfig, *, processes: int, batch_timeout: float) -> None:
        self._batch_timeout = batch_timeout
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="sanitizer")
        self._processes = [_Process(config) for _ in range(processes)]
        self._free: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._restarts = 0
        self._stopped = False

    @property
    def processes(self) -> int:
        """How many batches can be in work at once."""
        return len(self._processes)

    @property
    def restarts(self) -> int:
        """How many processes had to be replaced since the start."""
        return self._restarts

    async def start(self) -> None:
        """Start every process and wait until its models are loaded.

        Raises:
            ConfigurationError: if the policy or the key ring is wrong.
            SanitizerError: if a process can't be started.
        """
        # Also where nobody calls stop: processes that ignore SIGTERM would keep the interpreter from exiting.
        atexit.register(self._end)
        for process in self._processes:
            process.start()
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(self._threads, p.wait_ready) for p in self._processes))
        for process in self._processes:
            self._free.put(process)

    async def stop(self) -> None:
        """End every process, whatever it is doing; batches in work raise SanitizerError."""
        self._end()
        await asyncio.to_thread(self._threads.shutdown)
        atexit.unregister(self._end)

    async def sanitize(self, records: Sequence[bytes | None]) -> BatchResult:
        """The outcomes of every record, in order.

        Raises:
            SanitizerError: if a process can't be replaced, or the pool was stopped.
        """
        return await self._sanitize(records, self._batch_timeout)

    async def _sanitize(self, records: Sequence[bytes | None], seconds: float, tries: int = 1) -> BatchResult:
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._threads, self._in_free_process, records, seconds)
        if isinstance(answer, BatchResult):
            return answer
        log.warning("batch_failed", reason=answer.reason, detail=answer.detail, records=len(records))
        if len(records) > 1:
            return await self._in_halves(records, seconds)
        # Alone, a record gets a second try: its process may have been killed for a cause outside of it.
        if answer.reason is FailReason.WORKER_CRASHED and tries < SINGLE_RECORD_TRIES:
            return await self._sanitize(records, seconds, tries + 1)
        return BatchResult([(DeadLettered(None, Stage.SANITIZE, answer.reason),)])

    async def _in_halves(self, records: Sequence[bytes | None], seconds: float) -> BatchResult:
        middle = len(records) // 2
        shorter = max(seconds / 2, self._batch_timeout * SINGLE_RECORD_SHARE)
        first = await self._sanitize(records[:middle], shorter)
        second = await self._sanitize(records[middle:], shorter)
        return BatchResult(
            first.outcomes + second.outcomes,
            first.remarks + second.remarks,
            first.gate_hits + second.gate_hits,
        )

    def _in_free_process(self, records: Sequence[bytes | None], seconds: float) -> BatchResult | _Failure:
        process = self._free.get()
        try:
            answer = process.sanitize(records, seconds)
            if self._stopped:
                raise SanitizerError("the sanitizer's processes were stopped")
            if not process.alive:
                self._restarts += 1
                process.start()
                process.wait_ready()
        finally:
            self._free.put(process)
        return answer

    def _end(self) -> None:
        self._stopped = True
        for process in self._processes:
            process.kill()


class _Process:
    """One process and the parent's end of its pipe."""

    def __init__(self, config: SanitizerConfig) -> None:
        self._config = config
        self._context = multiprocessing.get_context("spawn")

    def start(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        self._process = self._context.Process(
            target=_serve, args=(self._config, theirs), name="weir-sanitizer", daemon=True
        )
        self._process.start()
        theirs.close()  # so that the pipe ends when the process does

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def wait_ready(self) -> None:
        """Wait until the models are loaded, or raise what kept them from it."""
        answer = self._receive(START_TIMEOUT)
        if isinstance(answer, _WrongConfiguration):
            raise ConfigurationError(answer.message)
        if isinstance(answer, _Failure):
            raise SanitizerError(f"a sanitizer process can't load its models: {answer.detail}")

    def sanitize(self, records: Sequence[bytes | None], seconds: float) -> BatchResult | _Failure:
        try:
            self._pipe.send(records)
        except OSError:
            return _Failure(FailReason.WORKER_CRASHED, "died while idle")
        answer = self._receive(seconds)
        assert isinstance(answer, BatchResult | _Failure)
        return answer

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def _receive(self, seconds: float) -> BatchResult | _WrongConfiguration | _Failure | None:
        """What the process answers; where it does not, the process is ended."""
        if not wait([self._pipe, self._process.sentinel], seconds):
            self.kill()
            return _Failure(FailReason.TIMEOUT, f"no answer within {seconds:g} s")
        try:
            answer: BatchResult | _WrongConfiguration | _Failure | None = self._pipe.recv()
        except (EOFError, OSError):
            self.kill()
            return _Failure(FailReason.WORKER_CRASHED, f"exit code {self._process.exitcode}")
        return answer


def _serve(config: SanitizerConfig, pipe: Connection) -> None:
    """A process's life: load, then answer batches until the parent closes the pipe or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    try:
        sanitizer = config.load()
    except ConfigurationError as error:
        pipe.send(_WrongConfiguration(str(error)))
        return
    pipe.send(None)
    while True:
        try:
            records = pipe.recv()
        except EOFError:
            return
        answer: BatchResult | _Failure
        try:
            answer = sanitizer.sanitize(records)
        except Exception as error:  # noqa: BLE001  (whatever it is, its text may hold a value: name the class)
            answer = _Failure(FailReason.WORKER_CRASHED, type(error).__name__)
        pipe.send(answer)


def _end_with_parent() -> None:
    """A process in the middle of a record would not see that its pipe has closed; one that hangs never."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(0)
