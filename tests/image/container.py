"""The image's file tree as a container: read-only, an unprivileged user, a process 1 of its own."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.image.dockerfile import Instruction, last, pairs
from tests.running_weir import PATIENCE, Worker, wait_until


@dataclass(frozen=True)
class Given:
    """What a container gets: folders by the places where it has them, variables beside the image's."""

    readable: dict[str, Path] = field(default_factory=dict)
    writable: dict[str, Path] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Image:
    """A file tree, and what the Dockerfile says of how it is started."""

    root: Path
    stage: list[Instruction]

    @property
    def user(self) -> tuple[int, int]:
        """User and group."""
        user, _, group = last(self.stage, "USER").value.partition(":")
        return int(user), int(group)

    def command(self, given: Given, *arguments: str) -> list[str]:
        """What starts a container; without arguments, with the image's own CMD."""
        user, group = map(str, self.user)
        mounts = [
            word
            for option, folders in (("--ro-bind", given.readable), ("--bind", given.writable))
            for place, folder in folders.items()
            for word in (option, str(folder), place)
        ]
        variables = [
            word
            for name, value in (pairs(self.stage, "ENV") | given.environment).items()
            for word in ("--setenv", name, value)
        ]
        return [
            *("bwrap", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
            *("--unshare-user", "--uid", user, "--gid", group),
            *("--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts"),
            *("--ro-bind", str(self.root), "/", "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
            *(*mounts, "--chdir", "/", "--clearenv", *variables),
            *(*last(self.stage, "ENTRYPOINT").words, *(arguments or last(self.stage, "CMD").words)),
        ]

    def run(self, given: Given, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(given, *arguments),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            **self.credentials,
        )

    @property
    def credentials(self) -> dict[str, Any]:
        """Arguments of subprocess that make the image's user of root; anybody else stays who they are."""
        if os.geteuid() != 0:
            return {}
        user, group = self.user
        return {"user": user, "group": group, "extra_groups": []}

    @contextlib.contextmanager
    def container(self, given: Given, log: Path, *arguments: str) -> Iterator["Container"]:
        """One that runs for the block."""
        container = Container(self.command(given, *arguments), log, self.credentials)
        try:
            yield container
        finally:
            container.kill()


class Container(Worker):
    """A container that runs: `process` is bubblewrap outside of it, which ends with its code."""

    def __init__(self, command: list[str], log: Path, credentials: dict[str, Any]) -> None:
        self._log = log
        with log.open("wb") as sink:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=sink, stderr=sink, **credentials
            )

    def first_process(self) -> int:
        """Its process 1, by the number it has outside."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        wait_until(lambda: bool(children.read_text()) or self.process.poll() is not None, "a process 1")
        (child,) = children.read_text().split()
        return int(child)

    def stop(self) -> int:
        """SIGTERM to process 1, as from a container runtime; the exit code."""
        os.kill(self.first_process(), signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        super().kill()
