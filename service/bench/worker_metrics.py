"""A worker's own metrics, read from its port on this machine."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.request import urlopen

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

#: Cumulated counts by upper bound, and the sum, by the histogram's name with its labels.
Scrape = Mapping[str, tuple[Mapping[float, float], float]]


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram of the worker's, over some seconds.

    Attributes:
        buckets: Upper bound and count of each bucket, not cumulated, by bound.
        total: Sum of what was observed.
    """

    buckets: tuple[tuple[float, float], ...]
    total: float

    @property
    def count(self) -> float:
        """How many were observed."""
        return sum(count for _, count in self.buckets)

    @property
    def mean(self) -> float:
        """Their mean; 0 without any."""
        return self.total / self.count if self.count else 0.0

    def quantile(self, percent: float) -> float:
        """An estimate: in a straight line through the bucket it falls in. Infinite beyond the last bound."""
        wanted = self.count * percent / 100
        lower = below = 0.0
        for bound, count in self.buckets:
            if count and below + count >= wanted:
                return lower + (bound - lower) * (wanted - below) / count
            lower, below = bound, below + count
        return 0.0


def scrape(port: int) -> Scrape:
    """Every histogram in seconds that a worker on this machine has now."""
    counts: dict[str, dict[float, float]] = defaultdict(dict)
    sums: dict[str, float] = {}
    for family in _families(port):
        if family.type == "histogram" and family.name.endswith("_seconds"):
            for sample in family.samples:
                labels = [value for label, value in sample.labels.items() if label != "le"]
                name = " ".join([family.name, *labels])
                if sample.name.endswith("_bucket"):
                    counts[name][float(sample.labels["le"])] = sample.value
                elif sample.name.endswith("_sum"):
                    sums[name] = sample.value
    return {name: (buckets, sums[name]) for name, buckets in counts.items()}


def counted(port: int, name: str, **labels: str) -> float:
    """The sum of a counter's values that have these labels among theirs."""
    return sum(
        sample.value
        for family in _families(port)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def _families(port: int) -> Iterator[Metric]:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        yield from text_string_to_metric_families(answer.read().decode())


def between(before: Scrape, after: Scrape) -> dict[str, Histogram]:
    """What was observed between two scrapes; without histograms in which nothing was."""
    found = {}
    for name, (counts, total) in after.items():
        earlier, earlier_total = before.get(name, ({}, 0.0))
        buckets, below = [], 0.0
        for bound in sorted(counts):
            cumulated = counts[bound] - earlier.get(bound, 0.0)
            buckets.append((bound, cumulated - below))
            below = cumulated
        if below:
            found[name] = Histogram(tuple(buckets), total - earlier_total)
    return found
