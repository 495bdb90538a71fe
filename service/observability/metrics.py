"""Every metric of Weir. Labels are closed sets (vendors, policy paths, reasons), never event values."""

from bisect import bisect_right
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import Counter, Gauge, Histogram, Metric
from prometheus_client.metrics_core import GaugeMetricFamily

Series = Mapping[tuple[str, ...], float]


class BatchHistogram(Histogram):
    """A histogram that takes a batch of values at a time: one by one, each costs as much as encoding it."""

    def observe_all(self, values: Sequence[float]) -> None:
        """As if each was observed."""
        ordered, below = sorted(values), 0
        for bound, bucket in zip(self._upper_bounds, self._buckets, strict=True):
            up_to = bisect_right(ordered, bound)
            if up_to > below:
                bucket.inc(up_to - below)
                below = up_to
        self._sum.inc(sum(ordered))


class ReadGauge(Gauge):
    """A gauge whose series are read at each scrape, all at one moment; one that is not there has no sample.

    Zero would be taken for a value: of a limit that nobody set, of a partition that is not this worker's.
    """

    def __init__(self, name: str, documentation: str, labelnames: Iterable[str] = ()) -> None:
        super().__init__(name, documentation, labelnames)
        self._read: Callable[[], Series] = dict

    def read_from(self, read: Callable[[], Series]) -> None:
        """Where the series come from, by the labels' values. Called on any thread; it must not fail."""
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """See Collector."""
        family = GaugeMetricFamily(self._name, self._documentation, labels=self._labelnames)
        for labels, value in self._read().items():
            family.add_metric(labels, value)
        return [family]


RECORDS_IN = Counter("weir_records_in", "Raw records whose outcomes were committed.")
RAW_BYTES_IN = Counter("weir_raw_bytes_in", "Bytes of these records' values.")
RECORDS_GONE = Counter(
    "weir_records_gone", "Raw offsets that retention removed before they were read.", ["partition"]
)
BYTES_OUT = Counter("weir_bytes_out", "Bytes of keys and values committed to vendor topics.", ["vendor"])
OUTCOMES = Counter(
    "weir_outcomes",
    "Committed outcomes; vendor `all` where one dead letter stands for every vendor.",
    ["vendor", "outcome", "reason"],
)
REMARKS = Counter("weir_remarks", "Values changed or refused, by what was found.", ["vendor", "entity"])
TEXTS = Counter("weir_texts", "Texts searched for personal data, by where the result came from.", ["source"])
SELF_CHECK_FAILURES = Counter(
    "weir_self_check_failures", "Payloads that passed in short and not by the vendor's whole schema."
)
GATE_HITS = Counter("weir_gate_hits", "Personal data that only the gate found.", ["vendor", "path", "family"])
BATCH_RECORDS = Histogram(
    "weir_batch_records",
    "Records in a committed batch.",
    buckets=(1, 5, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000),
)
BATCH_SECONDS = Histogram(
    "weir_batch_seconds",
    "Seconds from a batch's fetch to its commit.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
STAGE_SECONDS = Histogram(
    "weir_stage_seconds",
    "Seconds of a batch in a stage: queue, for a free sanitizer process; sanitize; of that, encode; commit.",
    ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
END_TO_END_SECONDS = BatchHistogram(
    "weir_end_to_end_seconds",
    "Seconds from a raw record's timestamp to the commit of its outcomes, by the clocks of both machines.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600),
)
LAG = ReadGauge(
    "weir_lag_records", "Offsets between the partition's end and what is committed.", ["partition"]
)
LOOP_DELAY = Histogram(
    "weir_loop_delay_seconds",
    "Seconds that an event loop, main or consumer, let a call wait; looked at once a second.",
    ["loop"],
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
BREAKER_OPEN = Gauge("weir_breaker_open", "1 while the vendor's circuit breaker is open, else 0.", ["vendor"])
BREAKER_OPENED = Counter(
    "weir_breaker_opened",
    "Openings of circuit breakers that this worker caused or was told of.",
    ["vendor", "by"],
)
SANITIZER_PROCESSES = Gauge("weir_sanitizer_processes", "Sanitizer processes that run.")
SANITIZER_PROCESSES_DESIRED = Gauge(
    "weir_sanitizer_processes_desired", "Sanitizer processes that are to run."
)
SANITIZER_RESTARTS = Counter(
    "weir_sanitizer_restarts",
    "Sanitizer processes replaced: crashed, timeout, recycled_records, recycled_memory or recycled_keys.",
    ["reason"],
)
ISOLATED_RECORDS = Counter(
    "weir_isolated_records", "Records dead-lettered for what they did, alone, to their process.", ["reason"]
)
TRANSACTION_ABORTS = Counter("weir_transaction_aborts", "Transactions given up and tried again.")
FENCED_LANES = Counter(
    "weir_fenced_lanes", "Times a lane found its transactional id taken, or its transaction ended by Kafka."
)
KEYRING_RELOADS = Counter(
    "weir_keyring_reloads", "Changes of the key ring file, loaded or refused.", ["result"]
)
KEYRING_STALE = Gauge(
    "weir_keyring_stale", "1 while the key ring file is refused and an earlier one is in use, else 0."
)
LANES = Gauge("weir_lanes", "Source partitions this worker has a lane for.")
MEMORY = ReadGauge(
    "weir_memory_bytes",
    "Memory of the worker's control group, without file pages that the kernel would drop.",
)
MEMORY_LIMIT = ReadGauge(
    "weir_memory_limit_bytes", "The control group's limit of memory; absent where there is none."
)
CERTIFICATE_END = ReadGauge(
    "weir_certificate_end_timestamp_seconds",
    "The end of the certificate that Weir shows to Kafka; absent where it has none.",
)
KEY_VERSION_START = ReadGauge(
    "weir_key_version_start_timestamp_seconds",
    "The event time at which the key version in force for a vendor began.",
    ["vendor", "version"],
)
NEXT_KEY_VERSION_START = ReadGauge(
    "weir_next_key_version_start_timestamp_seconds",
    "The event time at which a vendor's next key version begins; absent where there is none.",
    ["vendor", "version"],
)
BUILD = Gauge(
    "weir_build_info", "1; the version and the policy's fingerprint as labels.", ["version", "policy"]
)


def count_remarks(by_vendor_and_entity: Mapping[tuple[str, str], int]) -> None:
    """Add to the remarks."""
    for (vendor, entity), count in by_vendor_and_entity.items():
        REMARKS.labels(vendor, entity).inc(count)


def count_gate_hits(by_vendor_path_family: Mapping[tuple[str, str, str], int]) -> None:
    """Add to the gate hits."""
    for labels, count in by_vendor_path_family.items():
        GATE_HITS.labels(*labels).inc(count)


def count_outcomes(by_vendor_outcome_reason: Tally[tuple[str, str, str]]) -> None:
    """Add to the outcomes."""
    for labels, count in by_vendor_outcome_reason.items():
        OUTCOMES.labels(*labels).inc(count)
