"""How many records a batch has: as many as keep a process busy for a moment, whatever they are."""

from typing import Final

#: Seconds of processor time that a batch is to take where enough records wait. Longer ones would hardly cost
#: less for each record, and whoever waits for a batch (a rebalance, a stop, a reader) would wait longer.
TARGET: Final = 0.4
#: Records of a batch before anything is known of what they take.
FIRST: Final = 100
#: How much of what was learned before counts beside a new batch.
_MEMORY: Final = 0.7


class BatchSize:
    """Learns what records take. Told by the pool's threads, asked by whoever makes batches."""

    def __init__(self, most: int) -> None:
        """Begin small; `most` is the upper bound whatever is learned."""
        self._most = most
        self._records = 0.0
        self._seconds = 0.0
        #: Records that the next batch may have.
        self.records = min(FIRST, most)

    def learn(self, records: int, seconds: float) -> None:
        """Note that records took seconds of processor time."""
        self._records = _MEMORY * self._records + records
        self._seconds = _MEMORY * self._seconds + seconds
        wanted = TARGET * self._records / self._seconds if self._seconds else self._most
        self.records = max(1, int(min(self._most, wanted)))
