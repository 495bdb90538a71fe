"""The arithmetic of the benchmarks' figures."""

import math

import pytest

from service.bench.latency import quantity
from service.bench.memory import ALL, MemoryReport, Sample
from service.bench.processes import Memory
from service.bench.worker_metrics import Histogram, between
from service.demo.events import Mix
from service.errors import WeirError


def test_percentiles_are_exact() -> None:
    latencies = [number / 1000 for number in range(1000, 0, -1)]
    assert quantity(latencies) == (0.5, 0.9, 0.99, 0.999, 1.0)
    assert quantity([0.25]) == (0.25,) * 5
    with pytest.raises(WeirError, match="no vendor record"):
        quantity([])


def test_what_was_observed_between_two_scrapes() -> None:
    before = {"weir_a_seconds": ({0.1: 5.0, 1.0: 6.0, math.inf: 6.0}, 1.0)}
    after = {
        "weir_a_seconds": ({0.1: 7.0, 1.0: 16.0, math.inf: 16.0}, 6.0),
        "weir_new_seconds": ({0.1: 1.0, math.inf: 2.0}, 3.0),
        "weir_still_seconds": ({0.1: 0.0, math.inf: 0.0}, 0.0),
    }
    found = between(before, after)
    assert found.keys() == {"weir_a_seconds", "weir_new_seconds"}
    histogram = found["weir_a_seconds"]
    assert histogram.buckets == ((0.1, 2.0), (1.0, 8.0), (math.inf, 0.0))
    assert histogram.count == 10
    assert histogram.mean == pytest.approx(0.5)


@pytest.mark.parametrize(("percent", "seconds"), [(10, 0.05), (20, 0.1), (60, 0.55), (100, 1.0)])
def test_a_quantile_is_estimated_within_its_bucket(percent: float, seconds: float) -> None:
    histogram = Histogram(((0.1, 2.0), (1.0, 8.0), (math.inf, 0.0)), 5.0)
    assert histogram.quantile(percent) == pytest.approx(seconds)


def test_beyond_the_last_bound_nothing_is_known() -> None:
    assert math.isinf(Histogram(((0.1, 98.0), (math.inf, 2.0)), 5.0).quantile(99.0))


def report(sizes: list[int]) -> MemoryReport:
    """One process of these sizes, a look a second, the first two of them warm-up; and a small even one."""
    samples = [
        Sample(
            seconds=number - 2,
            committed=100 * number,
            memory={"worker": Memory(size, size), "template": Memory(9, 1)},
        )
        for number, size in enumerate(sizes)
    ]
    return MemoryReport(Mix.STRUCTURED, 1, 2, 1, samples)


def test_growth_is_from_the_first_tenth_to_the_last() -> None:
    steady = report([1, 5, *([1000] * 18), 1050, 1050])
    assert steady.courses["worker"].start == 1000
    assert steady.courses["worker"].end == 1050
    assert steady.courses["worker"].growth == pytest.approx(0.05)
    assert steady.courses["worker"].most == 1050
    assert steady.courses[ALL].start == 1001
    assert steady.flat
    assert steady.rate == pytest.approx(100)


@pytest.mark.parametrize("last", [1200, 800])
def test_neither_growing_nor_shrinking_is_flat(last: int) -> None:
    assert not report([1, 5, *([1000] * 18), last, last]).flat


def test_a_process_that_comes_later_counts_from_then() -> None:
    course = report([1000] * 12)
    course.samples[-1].memory["sanitizer 1"] = Memory(70, 60)
    assert course.courses["sanitizer 1"].start == course.courses["sanitizer 1"].end == 60
    assert course.courses["sanitizer 1"].resident == 70
