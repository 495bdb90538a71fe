"""What a benchmark ran on."""

import os
import platform


def machine() -> str:
    """One line of facts."""
    return f"{len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}, {platform.machine()}"
