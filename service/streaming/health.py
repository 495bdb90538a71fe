"""What must go on in a worker, and what the probes and the watchdog make of it."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from service.errors import StallError
from service.observability import metrics
from service.observability.probes import Check

#: What a worker must have to be ready; the rest tells only whether it still lives.
NEEDED: Final = frozenset({"group", "broker", "pool"})


class Vital(NamedTuple):
    """One thing that must go on.

    Attributes:
        name: What it is.
        state: How it is, for people.
        since: Since when it is not as it should be, by the monotonic clock; None while it is.
    """

    name: str
    state: str
    since: float | None = None

    def age(self, now: float) -> float:
        """Seconds for which it has not been as it should be."""
        return 0.0 if self.since is None else now - self.since


class Pulse:
    """Whether an event loop turns, and how late it is. Taken from another thread."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._name = name
        self._loop = loop
        self._asked: float | None = None

    def take(self) -> None:
        """Ask the loop for a sign of life, unless it still owes one."""
        if self._asked is None:
            self._asked = time.monotonic()
            self._loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        assert self._asked is not None
        metrics.LOOP_DELAY.labels(self._name).observe(time.monotonic() - self._asked)
        self._asked = None

    def vital(self) -> Vital:
        """The loop as a vital."""
        return Vital(f"{self._name} loop", "owes a turn" if self._asked else "turns", self._asked)


class Health:
    """Written by the worker's event loop, read by the threads of watchdog and probes.

    Attributes:
        joined: Whether the worker has ever been in its group and known its partitions.
        stopping: Whether it is on its way out.
        notes: What gives further lines of `/readyz`, which tell something and decide nothing.
    """

    def __init__(self, stall_timeout: float) -> None:
        """Begin before anything is up. `stall_timeout`: seconds for which anything may be in trouble."""
        self.joined = False
        self.stopping = False
        self.notes: list[Callable[[], Iterable[Check]]] = []
        self._stall_timeout = stall_timeout
        self._pulses: tuple[Pulse, ...] = ()
        self._vitals: tuple[Vital, ...] = ()

    def listen(self, *pulses: Pulse) -> None:
        """Have these loops' pulses taken from now on."""
        self._pulses = pulses

    def observe(self, vitals: Iterable[Vital]) -> None:
        """Take in how everything else is."""
        self._vitals = tuple(vitals)

    def take_pulses(self) -> None:
        """Ask every loop for a sign of life."""
        for pulse in self._pulses:
            pulse.take()

    def stall(self) -> StallError | None:
        """What is in trouble for too long, as the error to end the worker with."""
        now = time.monotonic()
        for vital in self._all():
            if vital.age(now) > self._stall_timeout:
                return StallError(f"no progress for {vital.age(now):.0f} s: {vital.name} {vital.state}")
        return None

    def live(self) -> list[Check]:
        """`/livez`: nothing is in trouble for too long."""
        now = time.monotonic()
        vitals = self._all()
        return [
            Check(each.name, good=each.age(now) <= self._stall_timeout, state=each.state) for each in vitals
        ] or [Check("worker", good=True, state="starts")]

    def ready(self) -> list[Check]:
        """`/readyz`: the worker takes part in the work, or could at any moment."""
        needed = [each for each in self._vitals if each.name in NEEDED]
        return [
            Check("stopping", good=not self.stopping, state="yes" if self.stopping else "no"),
            *(
                Check(each.name, good=each.since is None, state=each.state)
                for each in needed or [Vital("worker", "starts", since=0.0)]
            ),
            *(check for note in self.notes for check in note()),
        ]

    def started(self) -> list[Check]:
        """`/startupz`: models were loaded, and the group joined once."""
        return [
            Check("models", good=bool(self._vitals), state="loaded" if self._vitals else "load"),
            Check("group", good=self.joined, state="was joined" if self.joined else "not joined yet"),
        ]

    def _all(self) -> list[Vital]:
        return [*(pulse.vital() for pulse in self._pulses), *self._vitals]
