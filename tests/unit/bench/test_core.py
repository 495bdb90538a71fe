"""The figures of `weir bench sanitize`."""

import io
import os

import orjson
from rich.console import Console

from service.bench.core import CoreReport, Stages, _of_users, one_core
from service.demo.events import Mix, generate

REPORT = CoreReport(
    events=500,
    vendor_records=4.9,
    contestants={"floor": 40.0, "Weir": 60.0, "VRL": 80.0},
    stages={Mix.STRUCTURED: Stages(10.0, 1.0, 49.0), Mix.REALISTIC: Stages(11.0, 40.0, 60.0)},
    reference=60.0,
    large_policy=66.0,
    few_users=54.0,
    many_users=72.0,
)


def test_each_contestant_is_held_against_the_floor() -> None:
    assert REPORT.ratios == {"floor": 1.0, "Weir": 1.5, "VRL": 2.0}


def test_the_report_shows_every_figure() -> None:
    console = Console(file=io.StringIO(), width=80)
    REPORT.print(console)
    assert isinstance(console.file, io.StringIO)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    assert ["Weir", "60.0", "1.50"] in lines
    assert ["VRL", "80.0", "2.00"] in lines
    assert ["in", "all", "60.0", "111.0"] in lines
    assert ["policy", "of", "2,000", "fields", "and", "50", "event", "types", "66.0", "1.10"] in lines
    assert ["100,000", "users", "72.0", "1.20"] in lines


def test_events_are_given_to_so_many_users() -> None:
    records = [event.raw for event in generate(300, seed=5, mix=Mix.STRUCTURED) if event.raw is not None]
    bodies = [orjson.loads(raw) for raw in _of_users(records, 3, 1)]
    assert len(bodies) == len(records)
    assert len({body["anonymousId"] for body in bodies}) == 3
    assert len({body["userId"] for body in bodies if "userId" in body}) == 3
    assert len({body["context"]["device"]["id"] for body in bodies if "device" in body["context"]}) == 3


def test_one_core_is_kept_to_for_a_while() -> None:
    before = os.sched_getaffinity(0)
    with one_core():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before
