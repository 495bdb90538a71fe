"""The sanitizer's processes from within: the template, and the processes it forks.

The template loads policy and models once, is handed the keys, and never sees a record. A process forked from
it is ready within milliseconds and shares the template's memory. None of them writes anything: what their
stderr would show may hold values of events, so it is closed, and all they say goes through their pipes as
codes.
"""

import contextlib
import ctypes
import gc
import os
import resource
import signal
import time
import traceback
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from service.errors import ConfigurationError
from service.output.encoding import Encoding, Output
from service.processes.buffers import unpack
from service.pseudonyms.keyring import KeyRing
from service.sanitize.config import SanitizerConfig
from service.sanitize.outcomes import BatchResult, FailReason

if TYPE_CHECKING:
    from service.sanitize.sanitizer import Sanitizer

#: What `/proc/<pid>/comm` says, at most 15 characters.
TEMPLATE_NAME: Final = "weir-template"
PROCESS_NAME: Final = "weir-sanitizer"

# From <linux/prctl.h>.
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15

#: The kernel's first choice when memory is short: a sanitizer's process is replaced and nothing is lost.
_OOM_SCORE: Final = "1000"


class Fork(NamedTuple):
    """Asks the template for a process; the process's end of its pipe follows. Answered with its id."""


class TakeKeys(NamedTuple):
    """Hands the template the keys of what it forks from then on; a file in memory that holds them follows."""


class Reap(NamedTuple):
    """Asks the template to kill a process it forked. Answered with the exit code, minus the signal."""

    pid: int


class Unloadable(NamedTuple):
    """Why the template can't load; `wrong_configuration` where the operator's files are the cause."""

    message: str
    wrong_configuration: bool


class Answer(NamedTuple):
    """A batch's outcomes, or what they come to, and the seconds of processor time that it took."""

    made: BatchResult | Output
    seconds: float


class Failure(NamedTuple):
    """Why a process gave no result; `detail` is for the log and holds no value of an event."""

    reason: FailReason
    detail: str


def main(control_fd: int, parent: int) -> None:
    """Load, then fork a process whenever the worker asks for one, until the worker is gone."""
    _begin(TEMPLATE_NAME, parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker decides when to stop
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    control = Connection(control_fd)
    config, memory = control.recv()
    sanitizer = _load(config, _received_keys(control))
    if isinstance(sanitizer, Unloadable):
        control.send(sanitizer)
        return
    # What is loaded stays; without this each process's first collection would copy all of it.
    gc.collect()
    gc.freeze()
    control.send(None)
    with contextlib.suppress(EOFError):
        while True:
            request: Fork | TakeKeys | Reap = control.recv()
            if isinstance(request, Fork):
                control.send(_fork(sanitizer, control, memory))
            elif isinstance(request, TakeKeys):
                sanitizer.take_keys(_received_keys(control))
                control.send(None)
            else:
                os.kill(request.pid, signal.SIGKILL)
                control.send(os.waitstatus_to_exitcode(os.waitpid(request.pid, 0)[1]))


def _begin(name: str, parent: int) -> None:
    """Take a name, and end with the parent: by the kernel's hand, as a process that hangs runs no code."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NAME, name.encode())
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # one would hold keys and events
    if os.getppid() != parent:  # it ended before we could say so
        os._exit(1)


def _received_keys(control: Connection) -> KeyRing:
    with os.fdopen(recv_handle(control), "rb") as file:
        file.seek(0)
        return KeyRing.unpack(file.read())


def _load(config: SanitizerConfig, keyring: KeyRing) -> "Sanitizer | Unloadable":
    try:
        sanitizer = config.load(keyring)
    except ConfigurationError as error:
        return Unloadable(str(error), wrong_configuration=True)
    except Exception as error:  # noqa: BLE001  (whatever it is, the worker tells its operator)
        return Unloadable(_class_and_place(error), wrong_configuration=False)
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        # A lock that another thread holds in the moment of the fork stays locked in the new process for ever.
        return Unloadable(
            "a library started a thread, which does not survive a fork", wrong_configuration=False
        )
    return sanitizer


def _fork(sanitizer: "Sanitizer", control: Connection, memory: int) -> int:
    pipe = Connection(recv_handle(control))
    template = os.getpid()
    pid = os.fork()
    if pid == 0:
        exit_code = 1
        try:
            _begin(PROCESS_NAME, template)
            control.close()
            _serve(sanitizer, pipe, memory)
        except EOFError:  # the worker has closed the pipe
            exit_code = 0
        finally:  # whatever happens, it must not go on as a second template
            os._exit(exit_code)
    pipe.close()  # so that the pipe ends when the process does
    return pid


def _serve(sanitizer: "Sanitizer", pipe: Connection, memory: int) -> None:
    """A process's life: answer batches until the pipe ends."""
    with contextlib.suppress(OSError):  # a system without it has no such choice to make
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    while True:
        encoding: Encoding | None = pipe.recv()
        records = unpack(pipe.recv_bytes())
        begun = time.process_time()
        answer: Answer | Failure
        try:
            result = sanitizer.sanitize(records)
            made = result if encoding is None else encoding.encode(result)
            answer = Answer(made, time.process_time() - begun)
        except Exception as error:  # noqa: BLE001  (whatever it is, its text may hold a value)
            answer = Failure(FailReason.WORKER_CRASHED, _class_and_place(error))
        pipe.send(answer)


def _class_and_place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {Path(frames[-1].filename).name}:{frames[-1].lineno}"
