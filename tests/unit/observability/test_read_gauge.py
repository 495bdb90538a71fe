"""Gauges that are read at the scrape."""

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY, generate_latest

from service.observability.metrics import ReadGauge, Series


def lines(gauge: ReadGauge) -> list[str]:
    text = generate_latest(gauge).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.fixture
def by_partition() -> Iterator[ReadGauge]:
    gauge = ReadGauge("test_read_gauge", "A test's.", ["partition"])
    yield gauge
    REGISTRY.unregister(gauge)


@pytest.fixture
def alone() -> Iterator[ReadGauge]:
    gauge = ReadGauge("test_read_gauge", "A test's.")
    yield gauge
    REGISTRY.unregister(gauge)


def test_each_scrape_reads_anew(by_partition: ReadGauge) -> None:
    series: Series = {}
    gauge = by_partition
    assert lines(gauge) == []
    gauge.read_from(lambda: series)
    assert lines(gauge) == []
    series = {("0",): 3, ("1",): 0}
    assert lines(gauge) == ['test_read_gauge{partition="0"} 3.0', 'test_read_gauge{partition="1"} 0.0']
    series = {("1",): 5}
    assert lines(gauge) == ['test_read_gauge{partition="1"} 5.0']


def test_without_labels(alone: ReadGauge) -> None:
    assert lines(alone) == []
    alone.read_from(lambda: {(): 1.5})
    assert lines(alone) == ["test_read_gauge 1.5"]
