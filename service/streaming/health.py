"""What the probes say about the worker."""

import asyncio
import time
from typing import Final

#: Seconds between signs of life of the event loop.
TICK: Final = 1.0
#: Seconds without one after which the worker is held dead.
STUCK: Final = 60.0


class Health:
    """Written by the worker's event loop, read by the probes' thread.

    Attributes:
        joined: Whether the worker is in its group and knows its partitions, be they none.
        stopping: Whether it is on its way out.
    """

    def __init__(self) -> None:
        self.joined = False
        self.stopping = False
        self._ticked = time.monotonic()

    def alive(self) -> bool:
        """Whether the event loop still turns."""
        return time.monotonic() - self._ticked < STUCK

    def ready(self) -> bool:
        """Whether the worker takes part in the work, or could at any moment."""
        return self.joined and not self.stopping

    async def tick(self) -> None:
        """Give signs of life for ever."""
        while True:
            self._ticked = time.monotonic()
            await asyncio.sleep(TICK)
