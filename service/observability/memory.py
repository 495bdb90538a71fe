"""The worker's memory as the kernel counts it: its control group's, sanitizer processes included.

In a container that is the container's. What is not there, or can't be read, is nothing and not zero.
"""

import contextlib
from pathlib import Path
from typing import Final, NamedTuple

from service.observability.metrics import MEMORY, MEMORY_LIMIT, Series

_MOUNT: Final = Path("sys/fs/cgroup")
#: Limits beyond this are the first version's way of saying that there is none.
_NO_LIMIT: Final = 2**60


class MemoryFiles(NamedTuple):
    """Where the kernel tells of a control group's memory, and the name of the file pages it would drop."""

    used: Path
    limit: Path
    statistics: Path
    droppable: str

    def read_used(self) -> Series:
        """Bytes in use; file pages that were not used lately are left out, as the kubelet does."""
        with contextlib.suppress(OSError, ValueError):
            lines = (line.split() for line in self.statistics.read_text(encoding="ascii").splitlines())
            droppable = next((int(value) for name, value in lines if name == self.droppable), 0)
            return {(): max(0, int(self.used.read_text(encoding="ascii")) - droppable)}
        return {}

    def read_limit(self) -> Series:
        """The limit in bytes."""
        with contextlib.suppress(OSError, ValueError):  # `max` is no number
            limit = int(self.limit.read_text(encoding="ascii"))
            return {(): limit} if limit < _NO_LIMIT else {}
        return {}


def memory_files(root: Path = Path("/")) -> MemoryFiles | None:
    """This process's control group, of either version; None where it has none that counts memory."""
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                mount, names = root / _MOUNT, ("memory.current", "memory.max", "inactive_file")
            elif "memory" in controllers.split(","):
                mount = root / _MOUNT / "memory"
                names = ("memory.usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file")
            else:
                continue
            # A container may see the path of the host, and its own group where that would be mounted.
            for folder in (mount / path.lstrip("/"), mount):
                if (folder / names[0]).exists():
                    return MemoryFiles(folder / names[0], folder / names[1], folder / "memory.stat", names[2])
    return None


def observe_memory() -> None:
    """Have the metrics read it from now on."""
    if (files := memory_files()) is not None:
        MEMORY.read_from(files.read_used)
        MEMORY_LIMIT.read_from(files.read_limit)
