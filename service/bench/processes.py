"""What a worker's processes, its broker and others take of the machine, as /proc tells."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from rich import box
from rich.table import Table

_TICKS: Final = os.sysconf("SC_CLK_TCK")
#: Fields of /proc/PID/stat after the command's name, by proc_pid_stat(5): parent, user and system time.
_PARENT: Final = 1
_USER_TIME: Final = 11
_SYSTEM_TIME: Final = 12
#: How the local broker is known among this process's children.
_BROKER: Final = b"kafka.Kafka"


class Memory(NamedTuple):
    """Bytes in memory.

    Attributes:
        resident: All of the process's, shared ones included (RSS).
        proportional: Shared ones divided among those who share them (PSS): what adds up.
    """

    resident: int
    proportional: int


@dataclass(frozen=True, slots=True)
class Usage:
    """One process at one moment.

    Attributes:
        cpu: Seconds of processor time since its start.
    """

    pid: int
    cpu: float


def worker_roles(worker: int) -> dict[str, int]:
    """The process ids of a worker, its template process, and the sanitizers that were forked from that."""
    parents = dict(_parents())
    children = sorted(pid for pid, parent in parents.items() if parent == worker)
    roles = {"worker": worker}
    for template in children:
        forked = sorted(pid for pid, parent in parents.items() if parent == template)
        if forked:
            roles["template"] = template
            roles |= {f"sanitizer {number}": pid for number, pid in enumerate(forked, start=1)}
    return roles


def local_broker() -> dict[str, int]:
    """The process id of the Kafka that this process has started, if it has."""
    own = os.getpid()
    for pid, parent in _parents():
        if parent == own and _BROKER in _read(pid, "cmdline"):
            return {"broker": pid}
    return {}


def usages(roles: dict[str, int]) -> dict[str, Usage]:
    """Processor times by role, without processes that have ended."""
    found = {}
    for role, pid in roles.items():
        fields = _stat(pid)
        if fields:
            found[role] = Usage(pid, (int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])) / _TICKS)
    return found


def cores(before: dict[str, Usage], after: dict[str, Usage], seconds: float) -> dict[str, float]:
    """How much of a core each took between two looks, `seconds` apart.

    One that was replaced in between counts from the new one's start.
    """
    return {
        role: (usage.cpu - _cpu_before(before.get(role), usage)) / seconds for role, usage in after.items()
    }


def cores_table(shares: Mapping[str, float]) -> Table:
    """What each process took, and all of them."""
    table = Table(title="Processor time", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("")
    table.add_column("% of a core", justify="right")
    for role, share in (*shares.items(), ("in all", sum(shares.values()))):
        table.add_row(role, f"{100 * share:.1f}")
    return table


def _cpu_before(before: Usage | None, after: Usage) -> float:
    return before.cpu if before is not None and before.pid == after.pid else 0.0


def memory(pid: int) -> Memory | None:
    """A process's memory; None if it has ended."""
    sizes = dict(line.split(b":", 1) for line in _read(pid, "smaps_rollup").splitlines()[1:])
    if not sizes:
        return None
    return Memory(*(1024 * int(sizes[name].split()[0]) for name in (b"Rss", b"Pss")))


def _parents() -> Iterator[tuple[int, int]]:
    """Every process's id and its parent's."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            fields = _stat(int(entry.name))
            if fields:
                yield int(entry.name), int(fields[_PARENT])


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat after the name, which may hold spaces and brackets; none if it ended."""
    return _read(pid, "stat").rpartition(b")")[2].split()


def _read(pid: int, file: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
