"""Ends a worker that makes no progress: what runs it starts it again, from what was committed."""

import threading
from collections.abc import Callable
from typing import Final

from service.streaming.health import Health

#: Seconds between looks.
INTERVAL: Final = 1.0


class Watchdog:
    """Looks at the worker's health from a thread of its own, because the event loops may be what hangs."""

    def __init__(self, health: Health, end: Callable[[BaseException], None]) -> None:
        """Begin to watch with `start`; `end` is called from the thread, with what is the matter."""
        self._health = health
        self._end = end
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Watch from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL) and not self._health.stopping:
            self._health.take_pulses()
            stall = self._health.stall()
            if stall is not None:
                self._end(stall)
