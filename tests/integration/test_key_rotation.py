"""Workers whose key ring changes under load, against a real Kafka."""

import contextlib
import json
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

import pytest

from service.demo.events import Mix, generate
from service.detection.detector import Detector
from service.events.timestamps import format_timestamp, parse_timestamp
from service.policy import load
from service.policy.vendor_names import VendorName
from service.pseudonyms import key_life
from service.pseudonyms.keyring import KeyRing
from service.sanitize.outcomes import Sent as SentOutcome
from service.sanitize.sanitizer import Sanitizer
from tests.replays import Raw, Replays, Sent
from tests.running_weir import wait_until
from tests.warm_weir import Run

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

HOUR = 3600
#: Events that the feeder writes at a time.
CHUNK = 20


class Feeder:
    """Writes events without a pause, whose times are drawn from `times`, until it is stopped."""

    def __init__(self, replays: Replays, times: Sequence[int]) -> None:
        self.times = times
        self.raw: list[Raw] = []
        self._replays = replays
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._feed)

    def _feed(self) -> None:
        events = iter(generate(20_000, seed=41, mix=Mix.STRUCTURED))
        while not self._stopped.is_set():
            some = [next(events) for _ in range(CHUNK)]
            chunk = [
                (event.key, json.dumps(event.body | {"timestamp": format_timestamp(moment)}).encode())
                for event, moment in zip(some, cycle(self.times), strict=False)
            ]
            self._replays.produce(chunk)
            self.raw += chunk

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector("en_core_web_sm")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    key_life.generate(path)
    return path


@contextlib.contextmanager
def workers(replays: Replays, keys: Path, count: int) -> Iterator[list[Run]]:
    """So many workers, each with a partition; in the end they stop in good order."""
    replays.create_topics(partitions=count)
    running = [
        replays.start("worker", WEIR_KEYRING_FILE=str(keys), WEIR_BATCH_RECORDS="50") for _ in range(count)
    ]
    wait_until(lambda: assigned(running) == [1] * count, "a partition for each worker")
    yield running
    for worker in running:
        worker.send(signal.SIGTERM)
    assert [worker.wait().code for worker in running] == [0] * count


def assigned(running: Sequence[Run]) -> list[int]:
    """How many partitions each worker was given last."""
    found = [re.findall(r'"partitions": \[([^]]*)\]', worker.err) for worker in running]
    return [len(each[-1].split(",")) if each and each[-1] else 0 for each in found]


def metric(worker: Run, name: str) -> float:
    port = re.search(r'"probe_port": (\d+)', worker.err)
    assert port, worker.err
    with urlopen(f"http://127.0.0.1:{port[1]}/metrics", timeout=10) as answer:
        lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[0] != "#")
    return float(lines[name])


def log_lines(worker: Run, event: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, worker.err.splitlines()) if line["event"] == event]


def wait_for_all(replays: Replays, raw: Sequence[Raw]) -> None:
    wait_until(lambda: replays.weir.committed() == len(raw), f"{len(raw)} records committed")


def expected(replays: Replays, keys: Path, detector: Detector, raw: Sequence[Raw]) -> list[list[SentOutcome]]:
    """What the pure function sends of each record."""
    sanitizer = Sanitizer(load(replays.weir.folder / "config"), KeyRing.load(keys), detector)
    outcomes = sanitizer.sanitize([value for _, value in raw]).outcomes
    return [[each for each in some if isinstance(each, SentOutcome)] for some in outcomes]


def as_read(sent: Sequence[Sequence[SentOutcome]]) -> Counter[Sent]:
    return Counter((each.key, each.value, each.headers) for some in sent for each in some)


def test_rotation_under_load(replays: Replays, keys: Path, detector: Detector) -> None:
    """None lost or doubled, every event under the key of its own time, and a replay gives the same bytes."""
    now = int(time.time())
    for_all, for_mixpanel = now + HOUR, now + 2 * HOUR
    around = [begin + offset for begin in (for_all, for_mixpanel) for offset in (-1, 0, 1)]
    with workers(replays, keys, 2) as running:
        with Feeder(replays, times=[now - HOUR, now]) as feeder:
            wait_until(lambda: replays.weir.committed() > 4 * CHUNK, "the load flows")
            later = format_timestamp(for_all), format_timestamp(for_mixpanel)
            assert replays.run("keys", "add", str(keys), "--from", later[0]).code == 0
            rotated = replays.run("keys", "rotate", str(keys), "--vendor", "mixpanel", "--from", later[1])
            assert rotated.code == 0
            for worker in running:
                worker.wait_for('"versions": ["k1", "k2", "k3"]')
            before = replays.weir.committed()
            feeder.times = around
            wait_until(lambda: replays.weir.committed() > before + 10 * CHUNK, "the load flows on")
        wait_for_all(replays, feeder.raw)
        assert [metric(worker, "weir_keyring_stale") for worker in running] == [0, 0]

    sent = expected(replays, keys, detector, feeder.raw)
    live = replays.count(*replays.vendor_topics)
    assert live == as_read(sent)
    seen: Counter[tuple[int, str, str]] = Counter()
    for (_, value), some in zip(feeder.raw, sent, strict=True):
        moment = parse_timestamp(json.loads(value or b"")["timestamp"])
        for each in some:
            own = each.vendor is VendorName.MIXPANEL and moment >= for_mixpanel
            version = "k3" if own else "k2" if moment >= for_all else "k1"
            assert dict(each.headers)["weir-key"] == version.encode()
            seen[moment, each.vendor, version] += 1
    assert {moment for moment, _, _ in seen} == {now - HOUR, now, *around}
    assert {vendor for _, vendor, _ in seen} == {*VendorName}

    again = f"{replays.weir.group}.again"
    replays.create_topics(others=[again])
    replays.report("--as-live", "--to-topic", again, WEIR_KEYRING_FILE=str(keys))
    assert replays.count(again) == live


def test_a_corrupt_key_file_changes_nothing_and_alarms(
    replays: Replays, keys: Path, detector: Detector
) -> None:
    good = keys.read_bytes()
    with workers(replays, keys, 1) as (worker,):
        with Feeder(replays, times=[int(time.time())]) as feeder:
            wait_until(lambda: replays.weir.committed() > CHUNK, "the load flows")
            keys.write_bytes(good[: len(good) // 2])
            wait_until(lambda: metric(worker, "weir_keyring_stale") == 1, "the alarm")
            before = replays.weir.committed()
            wait_until(lambda: replays.weir.committed() > before + 5 * CHUNK, "the load flows on")
        wait_for_all(replays, feeder.raw)
        (line,) = log_lines(worker, "keyring_refused")
        assert (line["level"], line["reason"]) == ("error", "invalid")
        assert line["detail"] == f"{keys}: is not JSON"
        assert metric(worker, 'weir_keyring_reloads_total{result="refused"}') == 1
        keys.write_bytes(good)
        wait_until(lambda: metric(worker, "weir_keyring_stale") == 0, "the end of the alarm")
    assert replays.count(*replays.vendor_topics) == as_read(expected(replays, keys, detector, feeder.raw))
