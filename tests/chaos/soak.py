"""Random faults in a loop, under steady load, and a table of what became of every record.

    python -m tests.chaos.soak --minutes 10 --seed 1

Three workers and three Kafka nodes, two of which must have each record. Exits with 1 if anything was lost,
duplicated, changed, put out of order or leaked, or if the work was not done in the end.
"""

import argparse
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Self

from kafka.errors import KafkaError
from kafka.protocol.metadata import CoordinatorType
from rich.console import Console
from rich.table import Table

from service.broker.local import LocalCluster
from service.pseudonyms.key_life import generate
from tests.chaos.balance import Balance, balance
from tests.chaos.brokers import FAST_SESSION, coordinator
from tests.chaos.load import Feeder, join_and_leave
from tests.chaos.orchestrator import Orchestrator, is_stopped, stricken
from tests.chaos.progress import RECOVERY, committed_and_written, wait_until_all_is_committed
from tests.chaos.seeded_events import PLANTED, SeededEvents
from tests.chaos.trial import SETTINGS
from tests.running_weir import RunningWeir, descendants, running_weir, wait_until

CONFIG: Final = Path(__file__).parents[2] / "config"
NODES: Final = 3
WORKERS: Final = 3
PARTITIONS: Final = 6
#: Seconds from one fault to the next.
LEAST_PAUSE: Final = 1.0
MOST_PAUSE: Final = 4.0
#: Seconds; somewhat more than the workers' sessions.
BEYOND_SESSION: Final = 8.0
#: Steps of a transaction at which a worker is struck; see stricken_worker.py.
STEPS: Final = (
    "after start 1",
    "before begin_transaction 2",
    "before send_offsets_to_transaction 2",
    "before commit_transaction 2",
    "after commit_transaction 2",
)


class Faults:
    """What can be done to the workers and nodes. Each returns when what it broke runs again, or will soon."""

    def __init__(self, weir: RunningWeir, cluster: LocalCluster, fleet: Orchestrator, random: Random) -> None:
        self._weir = weir
        self._cluster = cluster
        self._fleet = fleet
        self._random = random
        self.kinds: dict[str, Callable[[], None]] = {
            "worker killed": lambda: fleet.send(self._slot(), signal.SIGKILL),
            "worker terminated": lambda: fleet.send(self._slot(), signal.SIGTERM),
            "worker frozen": self._freeze_worker,
            "worker killed in a transaction": self._kill_in_transaction,
            "zombie in a transaction": self._wake_zombie,
            "every worker terminated": self._terminate_all,
            "sanitizer processes killed": self._kill_sanitizers,
            "stranger in the group": lambda: join_and_leave(weir, random.uniform(0.5, 4)),
            "node killed": lambda: self._kill_nodes(1),
            "two nodes killed": lambda: self._kill_nodes(2),
            "node frozen": self._freeze_node,
            "group coordinator killed": lambda: self._kill_coordinator(CoordinatorType.GROUP),
            "transaction coordinator killed": lambda: self._kill_coordinator(CoordinatorType.TRANSACTION),
        }

    def _slot(self) -> int:
        return self._random.randrange(WORKERS)

    def _freeze_worker(self) -> None:
        worker = self._fleet.worker(self._slot()).process
        worker.send_signal(signal.SIGSTOP)
        time.sleep(self._random.uniform(1, BEYOND_SESSION))
        worker.send_signal(signal.SIGCONT)

    def _kill_in_transaction(self) -> None:
        victim = self._fleet.replace(self._slot(), stricken("SIGKILL", self._random.choice(STEPS)))
        wait_until(lambda: victim.process.poll() is not None, "the worker has ended", RECOVERY)

    def _wake_zombie(self) -> None:
        zombie = self._fleet.replace(self._slot(), stricken("SIGSTOP", self._random.choice(STEPS))).process
        wait_until(
            lambda: is_stopped(zombie.pid) or zombie.poll() is not None, "the worker has stopped", RECOVERY
        )
        time.sleep(self._random.uniform(1, BEYOND_SESSION))
        zombie.send_signal(signal.SIGCONT)

    def _terminate_all(self) -> None:
        for slot in range(WORKERS):
            self._fleet.send(slot, signal.SIGTERM)

    def _kill_sanitizers(self) -> None:
        for pid, name in descendants(self._fleet.worker(self._slot()).process.pid).items():
            if name.startswith("weir-"):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _kill_nodes(self, count: int) -> None:
        self._kill(*self._random.sample(range(NODES), count))

    def _kill_coordinator(self, kind: CoordinatorType) -> None:
        key = self._weir.group
        if kind is CoordinatorType.TRANSACTION:
            key += f"/{self._weir.raw_topic}/{self._random.randrange(PARTITIONS)}"
        self._kill(self._cluster.nodes.index(coordinator(self._cluster, kind, key)))

    def _kill(self, *numbers: int) -> None:
        nodes = [self._cluster.nodes[number] for number in numbers]
        for node in nodes:
            node.kill()
        time.sleep(self._random.uniform(0.5, 6))
        for node in nodes:
            node.restart()
        for node in nodes:
            node.wait_until_ready()

    def _freeze_node(self) -> None:
        node = self._random.choice(self._cluster.nodes)
        node.freeze()
        time.sleep(self._random.uniform(1, 12))
        node.thaw()


class Watch:
    """Looks at the group's progress for the block.

    Attributes:
        committed: Raw records committed when last seen.
        written: Raw records there were.
        longest_stall: Most seconds without a commit while there was work, or while Kafka did not say.
    """

    def __init__(self, weir: RunningWeir) -> None:
        self.committed = 0
        self.written = 0
        self.longest_stall = 0.0
        self._weir = weir
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        moved = time.monotonic()
        while not self._stopping.wait(1):
            progress = committed_and_written(self._weir)
            now = time.monotonic()
            self.longest_stall = max(self.longest_stall, now - moved)
            if progress is not None:
                if progress[0] > self.committed or progress[0] == progress[1]:
                    moved = now
                self.committed, self.written = progress


def run(minutes: float, seed: int, rate: int, console: Console) -> int:
    """The soak; its exit code."""
    random = Random(seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weir-soak-")))
        keyring = folder / "keyring.json"
        generate(keyring)
        console.print(f"Starting {NODES} nodes and {WORKERS} workers; seed {seed}")
        cluster = stack.enter_context(LocalCluster(NODES, FAST_SESSION))
        weir = stack.enter_context(running_weir("soak", cluster.bootstrap, folder, CONFIG, keyring))
        created = weir.weir("topics", "create", "--partitions", str(PARTITIONS))
        if created.returncode:
            console.print(created.stderr, markup=False)
            return 1
        with Watch(weir) as watch, Orchestrator(weir, WORKERS, **SETTINGS) as fleet:
            faults = Faults(weir, cluster, fleet, random)
            with Feeder(weir, SeededEvents(seed), rate=rate):
                wait_until(lambda: watch.committed > 0, "the first records committed", RECOVERY)
                survived = inject(faults, random, minutes * 60, watch, console)
            console.print("No more faults and records; waiting for the rest to be committed")
            finished = done(weir)
        console.print("Comparing every record with what the pure function gives")
        found = balance(weir, keyring)
        leaks = sum(worker.log.count(PLANTED) for worker in weir.workers)
    report(
        console,
        survived=survived,
        found=found,
        leaks=leaks,
        watch=watch,
        exit_codes=fleet.exit_codes,
        finished=finished,
    )
    return 0 if finished and found.exact and not leaks else 1


def inject(faults: Faults, random: Random, seconds: float, watch: Watch, console: Console) -> Counter[str]:
    """One fault after the other until the time is over; how many of each kind."""
    survived: Counter[str] = Counter()
    start = time.monotonic()
    with console.status("") as status:
        for kind in shuffled(list(faults.kinds), random):
            passed = time.monotonic() - start
            if passed > seconds:
                break
            clock = time.strftime("%M:%S", time.gmtime(passed))
            status.update(f"{clock}  {kind}")
            try:
                faults.kinds[kind]()
            except KafkaError as error:  # of a client of the fault's own; no worker is concerned
                console.print(f"{clock}  {kind}: not done, {type(error).__name__}")
                continue
            survived[kind] += 1
            console.print(
                f"{clock}  {survived.total():>3} {kind:<32} committed {watch.committed:>9,}"
                f" of {watch.written:>9,}",
                highlight=False,
            )
            time.sleep(random.uniform(LEAST_PAUSE, MOST_PAUSE))
    return survived


def shuffled(kinds: list[str], random: Random) -> Iterator[str]:
    """Each kind once, then again each once, for ever, in another order each time."""
    while True:
        yield from random.sample(kinds, len(kinds))


def done(weir: RunningWeir) -> bool:
    """Whether everything was committed in the time that recovery may take."""
    try:
        wait_until_all_is_committed(weir)
    except AssertionError:
        return False
    return True


def report(
    console: Console,
    *,
    survived: Counter[str],
    found: Balance,
    leaks: int,
    watch: Watch,
    exit_codes: Counter[int],
    finished: bool,
) -> None:
    """Print the tables."""
    table = Table("Fault", box=None, pad_edge=False)
    table.add_column("Survived", justify="right")
    for kind, times in sorted(survived.items()):
        table.add_row(kind, str(times))
    table.add_section()
    table.add_row("all", str(survived.total()))
    console.print()
    console.print(table)
    totals = Table("Of every record", box=None, pad_edge=False)
    totals.add_column("Count", justify="right")
    for name, count in {
        "records in": found.records,
        **{f"outcomes {kind}": found.outcomes[kind] for kind in ("sent", "suppressed", "dead-lettered")},
        "lost": found.lost,
        "duplicated": found.duplicated,
        "of other bytes": found.foreign,
        "keys out of order": found.out_of_order,
        "leaked into logs": leaks,
    }.items():
        totals.add_row(name, f"{count:,}")
    totals.add_row("longest stall", f"{watch.longest_stall:.0f} s")
    codes = ", ".join(f"{code_name(code)} x{times}" for code, times in sorted(exit_codes.items()))
    totals.add_row("workers' ends", codes)
    totals.add_row("all committed in the end", "yes" if finished else "no")
    console.print()
    console.print(totals)


def code_name(code: int) -> str:
    """An exit code, or the signal."""
    return str(code) if code >= 0 else signal.Signals(-code).name


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=100, help="raw records a second")
    arguments = parser.parse_args()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # that Kafka is away is no news here
    return run(arguments.minutes, arguments.seed, arguments.rate, Console())


if __name__ == "__main__":
    sys.exit(main())
