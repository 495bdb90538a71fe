"""What /proc tells of processes, on real ones."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from service.bench.processes import Usage, cores, memory, usages, worker_roles
from tests.running_weir import wait_until

MEGABYTE = 2**20
BUSY = "while True: pass"


@contextmanager
def running(code: str) -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        yield process.pid
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def test_a_busy_process_takes_time_and_a_sleeping_one_none() -> None:
    with running(BUSY) as busy, running("import time; time.sleep(600)") as asleep:
        roles = {"busy": busy, "asleep": asleep}
        wait_until(lambda: usages(roles)["busy"].cpu > 0.5, "half a second of work")
        before, begun = usages(roles), time.monotonic()
        wait_until(lambda: usages(roles)["busy"].cpu > before["busy"].cpu + 0.3, "more of it")
        shares = cores(before, usages(roles), time.monotonic() - begun)
    assert shares["busy"] > 0.01
    assert shares["asleep"] == 0


def test_a_process_that_was_replaced_counts_from_its_start() -> None:
    before = {"sanitizer 1": Usage(10, 50.0), "sanitizer 2": Usage(11, 5.0), "sanitizer 3": Usage(13, 1.0)}
    after = {"sanitizer 1": Usage(10, 52.0), "sanitizer 2": Usage(12, 1.0)}
    assert cores(before, after, 4) == {"sanitizer 1": 0.5, "sanitizer 2": 0.25}


def test_a_process_that_has_ended_has_neither_time_nor_memory() -> None:
    with running(BUSY) as pid:
        pass
    assert usages({"gone": pid}) == {}
    assert memory(pid) is None


def test_memory_grows_with_what_a_process_holds() -> None:
    with (
        running("import time; time.sleep(600)") as small,
        running("held = b'x' * 2**26; import time; time.sleep(600)") as large,
    ):
        wait_until(lambda: (memory(large) or (0, 0))[0] > 64 * MEGABYTE, "64 MB held")
        small_size, large_size = memory(small), memory(large)
    assert small_size is not None
    assert large_size is not None
    assert large_size.proportional > small_size.proportional + 50 * MEGABYTE
    assert large_size.resident >= large_size.proportional


def test_roles_follow_the_tree_of_processes() -> None:
    tree = (
        "import os, time\n"
        "if os.fork() == 0:\n"  # the template
        "    os.fork() and os.fork()\n"  # two sanitizers
        "elif os.fork() == 0:\n"  # a child without children: neither
        "    pass\n"
        "time.sleep(600)\n"
    )
    with running(tree) as worker:
        wait_until(lambda: "sanitizer 2" in worker_roles(worker), "all forked")
        roles = worker_roles(worker)
    assert list(roles) == ["worker", "template", "sanitizer 1", "sanitizer 2"]
    assert roles["worker"] == worker
    assert len(set(roles.values())) == 4
