"""The worker's side of the sanitizer's processes: the template that forks them, and each one's pipe."""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, Pipe
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Any, Final

import structlog

from service.errors import ConfigurationError, SanitizerError
from service.output.encoding import Encoding
from service.processes.buffers import pack
from service.processes.template_process import Answer, Failure, Fork, Reap, TakeKeys, Unloadable
from service.pseudonyms.keyring import KeyRing
from service.sanitize.config import SanitizerConfig
from service.sanitize.outcomes import FailReason

log = structlog.get_logger(__name__)

#: Seconds that the template may take to load its models.
LOAD_TIMEOUT: Final = 120.0
#: Seconds that it may take to fork or to end a process, which takes some 20 ms.
REQUEST_TIMEOUT: Final = 10.0
#: Seconds that a process with work may do nothing at all: it waits for what will not come, or is frozen.
STALL_TIMEOUT: Final = 30
#: Seconds between looks at a process that works.
INTERVAL: Final = 0.1

_COMMAND: Final = (
    "import sys; from service.processes.template_process import main; main(*map(int, sys.argv[1:]))"
)
#: Linear algebra with one thread: the pool is what uses the cores, and threads do not survive a fork.
_ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_PAGE_SIZE: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
#: What stands for the status of a process that is no more: no longer there, nothing used.
_GONE: Final = ["X", *["0"] * 50]


class _TemplateLostError(Exception):
    """The template does not answer."""


class SanitizerProcess:
    """One process and the worker's end of its pipe."""

    def __init__(self, pid: int, pipe: Connection, control: Connection) -> None:
        self.pid = pid
        self.control = control  # of the template that forked it; a later one does not know it
        self._pipe = pipe
        with socket.fromfd(pipe.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as same:
            for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
                same.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", STALL_TIMEOUT, 0))

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._status()[0] not in "ZX"

    def memory(self) -> int:
        """Its resident memory in bytes, with what it shares with the template."""
        return int(self._status()[21]) * _PAGE_SIZE

    def processor_time(self) -> float:
        """Seconds that it has used a processor for."""
        return sum(map(int, self._status()[11:13])) / _TICKS

    def sanitize(
        self,
        records: Sequence[bytes | None],
        encoding: Encoding | None,
        seconds: float,
        moved: Callable[[], None],
    ) -> Answer | Failure:
        """The outcomes, or what they come to where an encoding is given; after a failure it must be ended.

        It has `seconds` of processor time: of that, so that the answer does not depend on what else the
        machine does. `moved` is called whenever the process has used some.
        """
        used = begun = self.processor_time()
        silent = 0.0
        try:
            self._pipe.send(encoding)
            self._pipe.send_bytes(pack(records))
            while not self._pipe.poll(INTERVAL):
                now = self.processor_time()
                if now > used:
                    used, silent = now, 0.0
                    moved()
                else:
                    silent += INTERVAL
                if used - begun >= seconds:
                    return Failure(FailReason.TIMEOUT, f"no answer within {seconds:g} s of processor time")
                if silent >= STALL_TIMEOUT:
                    return Failure(FailReason.TIMEOUT, f"did nothing for {STALL_TIMEOUT} s")
            answer: Answer | Failure = self._pipe.recv()
        except BlockingIOError:
            return Failure(FailReason.TIMEOUT, f"did not read or write for {STALL_TIMEOUT} s")
        except (EOFError, OSError):
            return Failure(FailReason.WORKER_CRASHED, "ended without an answer")
        return answer

    def _status(self) -> list[str]:
        """The fields of /proc/<pid>/stat that follow the name, from the state on."""
        try:
            text = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            return _GONE
        return text.rpartition(")")[2].split()

    def close(self) -> None:
        """Give its pipe up; it ends when it reads the next time."""
        self._pipe.close()


class Template:
    """The process that has everything loaded. Should it die, its processes die too and it is started anew."""

    def __init__(self, config: SanitizerConfig, *, process_memory: int) -> None:
        """Start nothing yet.

        Args:
            config: What the template loads.
            process_memory: Bytes of data that a forked process may have.
        """
        self._config = config
        self._process_memory = process_memory
        self._requests = threading.Lock()
        #: Held for moments only, so that a stop never waits for a start.
        self._life = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: Connection | None = None
        #: The keys that the template has now.
        self._keyring: KeyRing | None = None
        self.stopped = False

    def fork(self, keyring: KeyRing) -> SanitizerProcess:
        """A new process with these keys. The calling thread must live as long as the template may.

        Raises:
            ConfigurationError: if the policy is wrong.
            SanitizerError: if no process can be started, or the template was stopped.
        """
        with self._requests:
            for _ in range(2):
                if self._control is None:
                    self._start(keyring)
                try:
                    self._give(keyring)
                    return self._forked()
                except _TemplateLostError as error:
                    self._replace_later(error)
        raise SanitizerError(
            "the sanitizer's template process dies or hangs whenever it is to fork a process"
        )

    def end(self, process: SanitizerProcess) -> str:
        """Kill a process that may have ended already; how it ended, in words."""
        process.close()
        with self._requests:
            if process.control is self._control:
                try:
                    return f"exit code {self._ask(Reap(process.pid))}"
                except _TemplateLostError as error:
                    self._replace_later(error)
        _reap_orphan(process.pid)
        return "ended with its template"

    def stop(self) -> None:
        """End the template, and with it every process; from then on nothing is started any more."""
        with self._life:
            self.stopped = True
            self._kill()

    def _start(self, keyring: KeyRing) -> None:
        ours, theirs = Pipe()
        with theirs, self._life:
            if self.stopped:
                raise SanitizerError("the sanitizer's processes were stopped")
            # The kernel ends the template when this very thread ends, not only with the whole worker.
            self._process = subprocess.Popen(  # noqa: S603 - a fixed command
                [sys.executable, "-P", "-c", _COMMAND, str(theirs.fileno()), str(os.getpid())],
                env=os.environ | _ONE_THREAD | {"PYTHONPATH": os.pathsep.join(sys.path)},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._control = ours
        try:
            with _in_memory(keyring) as handle:
                unloadable: Unloadable | None = self._ask(
                    (self._config, self._process_memory), handle=handle, seconds=LOAD_TIMEOUT
                )
        except _TemplateLostError as error:
            raise SanitizerError(f"the sanitizer's template process: {error}, {self._lose()}") from None
        if unloadable is None:
            self._keyring = keyring
            return
        self._lose()
        if unloadable.wrong_configuration:
            raise ConfigurationError(unloadable.message)
        raise SanitizerError(f"the sanitizer's template process can't load its models: {unloadable.message}")

    def _give(self, keyring: KeyRing) -> None:
        """See that the template has these keys."""
        if keyring is not self._keyring:
            with _in_memory(keyring) as handle:
                self._ask(TakeKeys(), handle=handle)
            self._keyring = keyring

    def _forked(self) -> SanitizerProcess:
        assert self._control is not None
        ours, theirs = Pipe()
        with theirs:
            try:
                pid = self._ask(Fork(), handle=theirs.fileno())
            except _TemplateLostError:
                ours.close()
                raise
        return SanitizerProcess(pid, ours, self._control)

    def _ask(self, request: object, *, handle: int | None = None, seconds: float = REQUEST_TIMEOUT) -> Any:
        assert self._control is not None
        try:
            self._control.send(request)
            if handle is not None:
                send_handle(self._control, handle, 0)
            if not self._control.poll(seconds):
                raise _TemplateLostError(f"no answer within {seconds:g} s")
            return self._control.recv()
        except (EOFError, OSError):
            raise _TemplateLostError("ended without an answer") from None

    def _replace_later(self, error: _TemplateLostError) -> None:
        ending = self._lose()
        if not self.stopped:
            log.warning("sanitizer_template_lost", detail=str(error), ending=ending)

    def _lose(self) -> str:
        """Give the template up; the kernel ends its processes. How it ended, in words."""
        assert self._control is not None
        self._control.close()
        self._control = None
        with self._life:
            return self._kill()

    def _kill(self) -> str:
        if self._process is None:
            return "never started"
        self._process.kill()
        return f"exit code {self._process.wait()}"


def _reap_orphan(pid: int) -> None:
    """Reap a process whose template has ended, where it falls to this process: as a container's process 1.

    Elsewhere the system's own process 1 has done so, and the number may be another's by now.
    """
    if os.getpid() == 1:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


@contextmanager
def _in_memory(keyring: KeyRing) -> Iterator[int]:
    """A file that holds keys and is on no disk, for the block: keys go through no pipe and no pickle."""
    handle = os.memfd_create("weir-keys", os.MFD_CLOEXEC)
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(keyring.pack())
        yield handle
    finally:
        os.close(handle)
