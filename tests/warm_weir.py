"""Weir's commands, each in a process of its own that is forked from one with everything loaded.

A replay loads its models for some ten seconds before its first record; tests that start dozens of them can't
wait for that. What runs is the command itself, with the real models; only how its processes begin is another.
"""

import contextlib
import ctypes
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from tests.running_weir import PATIENCE, wait_until

#: Templates of sanitizers that a command may need: one, and one for another policy.
_TEMPLATES: Final = 2
_ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Answer(NamedTuple):
    """What a command that has ended leaves."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed."""
        return json.loads(self.out)


@dataclass
class Run:
    """A command that runs."""

    pid: int
    folder: Path
    _connection: socket.socket

    @property
    def err(self) -> str:
        """What it has said so far."""
        return (self.folder / "err").read_text()

    def ended(self) -> bool:
        """Whether it has."""
        with contextlib.suppress(BlockingIOError):
            self._connection.setblocking(False)  # noqa: FBT003  (the socket's own interface)
            return bool(self._connection.recv(1, socket.MSG_PEEK))
        return False

    def wait(self) -> Answer:
        """Its answer, once it has ended."""
        self._connection.settimeout(PATIENCE)
        code = int(self._connection.recv(100))
        self._connection.close()
        return Answer(code, (self.folder / "out").read_text(), self.err)

    def wait_for(self, word: str) -> None:
        """Wait until it says a word; fail at once if it ends before."""
        wait_until(lambda: word in self.err or self.ended(), word)
        assert word in self.err, self.err

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if not self.ended():
            os.kill(self.pid, number)


class WarmWeir:
    """Starts commands.

    Attributes:
        address: The socket at which commands are asked for.
    """

    def __init__(self, address: Path) -> None:
        self.address = address
        self._runs: list[Run] = []

    def start(self, arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> Run:
        """Start one; what it says goes to files of the folder."""
        folder.mkdir()
        for name in ("out", "err"):
            (folder / name).touch()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.connect(str(self.address))
        connection.send(json.dumps([arguments, dict(environment), str(folder)]).encode())
        self._runs.append(Run(int(connection.recv(100)), folder, connection))
        return self._runs[-1]

    def end_all(self) -> None:
        """Kill what still runs."""
        for run in self._runs:
            if run._connection.fileno() >= 0:
                run.send(signal.SIGKILL)
                run.wait()
        self._runs.clear()


@contextlib.contextmanager
def warm_weir(folder: Path) -> Iterator[WarmWeir]:
    """Load everything, for the block."""
    address = folder / "warm"
    command = [sys.executable, "-m", "tests.warm_weir", str(address), str(os.getpid())]
    process = subprocess.Popen(command, env=os.environ | _ONE_THREAD)
    try:
        wait_until(lambda: address.exists() or process.poll() is not None, "everything loaded")
        assert process.poll() is None
        yield WarmWeir(address)
    finally:
        process.kill()
        process.wait()


# From here on, within the process that has loaded everything.


def _serve(address: Path, parent: int) -> NoReturn:
    _end_with(parent)
    from service.cli import app  # noqa: F401, PLC0415
    from service.detection import detector as detection  # noqa: PLC0415
    from service.sanitize import sanitizer  # noqa: F401, PLC0415

    loaded = detection.Detector("en_core_web_sm")
    detection.Detector = lambda spacy_model, profile: loaded  # type: ignore[assignment, misc]
    gc.collect()
    gc.freeze()  # or each process's first collection would copy all of it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(str(address.with_suffix(".new")))
        server.listen()
        address.with_suffix(".new").rename(address)
        while True:
            connection, _ = server.accept()
            with connection:
                whole = os.getpid()
                if os.fork() == 0:
                    _end_with(whole)
                    server.close()
                    _attend(connection)


def _attend(connection: socket.socket) -> NoReturn:
    """Run one command, and tell its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    arguments, environment, folder = json.loads(connection.recv(1_000_000))
    attendant = os.getpid()
    pid = os.fork()
    if pid == 0:
        _end_with(attendant)
        connection.close()
        code = 99
        try:
            code = _command(arguments, environment, Path(folder))
        except Exception:  # noqa: BLE001  (what Python itself would do)
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    connection.send(str(pid).encode())
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _command(arguments: list[str], environment: dict[str, str], folder: Path) -> int:
    from service.cli import app  # noqa: PLC0415
    from service.processes import template  # noqa: PLC0415

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(environment.get("PWD", "."))
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(file, number)
    spares = [_Spare() for _ in range(_TEMPLATES)]

    class _Started:
        """Takes the place of subprocess where a template is started."""

        DEVNULL = None

        @staticmethod
        def Popen(command: list[str], **_: object) -> "_Spare":  # noqa: N802
            spare = spares.pop()
            spare.begin(int(command[-2]))
            return spare

    template.subprocess = _Started  # type: ignore[assignment, attr-defined]
    return app.run(arguments)


class _Spare:
    """A process that is to become a template."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            try:
                _become_template(theirs, parent)
            finally:
                os._exit(1)
        theirs.close()
        self._socket = ours

    def begin(self, control: int) -> None:
        """Give it the pipe that a template listens at."""
        from multiprocessing.connection import Connection  # noqa: PLC0415

        send_handle(Connection(self._socket.detach()), control, self._pid)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> int:
        with contextlib.suppress(ChildProcessError):
            return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return 0


def _become_template(pipe: socket.socket, parent: int) -> None:
    from multiprocessing.connection import Connection  # noqa: PLC0415

    from service.processes import template_process  # noqa: PLC0415

    _end_with(parent)
    template_process.main(recv_handle(Connection(pipe.detach())), parent)


def _end_with(parent: int) -> None:
    """End when the parent does."""
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
