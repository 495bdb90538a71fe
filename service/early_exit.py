"""An exit code 0 for a worker that is told to stop before it has begun: its imports take seconds."""

import os
import signal


def exit_at_once_when_told() -> None:
    """On SIGTERM and SIGINT end this process with code 0, until somebody else takes these signals over.

    Nothing is worth a tidy end yet. An exception would be one that whatever is being imported could swallow.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
