"""What a signal does to a command that does not heed it, or not yet."""

import os
import signal


def exit_at_once_when_told() -> None:
    """On SIGTERM and SIGINT end this process with code 0, until somebody else takes these signals over.

    It is for a worker that is told to stop before it has begun: its imports take seconds. Nothing is worth a
    tidy end yet. An exception would be one that whatever is being imported could swallow.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))


def end_when_told_as_first_process() -> None:
    """End on SIGTERM also as a container's process 1, which the kernel spares where it has no handler."""
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
