"""Every metric of Weir. Labels are closed sets (vendors, policy paths, reasons), never event values."""

from collections import Counter as Tally
from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

RECORDS_IN = Counter("weir_records_in", "Raw records whose outcomes were committed.")
RAW_BYTES_IN = Counter("weir_raw_bytes_in", "Bytes of these records' values.")
OUTCOMES = Counter(
    "weir_outcomes",
    "Committed outcomes; vendor `all` where one dead letter stands for every vendor.",
    ["vendor", "outcome", "reason"],
)
REMARKS = Counter("weir_remarks", "Values changed or refused, by what was found.", ["vendor", "entity"])
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
BREAKER_OPEN = Gauge("weir_breaker_open", "1 while the vendor's circuit breaker is open, else 0.", ["vendor"])
BREAKER_OPENED = Counter(
    "weir_breaker_opened",
    "Openings of circuit breakers that this worker caused or was told of.",
    ["vendor", "by"],
)
SANITIZER_PROCESSES = Gauge("weir_sanitizer_processes", "Sanitizer processes that run.")
SANITIZER_RESTARTS = Counter(
    "weir_sanitizer_restarts",
    "Sanitizer processes replaced: crashed, timeout, recycled_records or recycled_memory.",
    ["reason"],
)
ISOLATED_RECORDS = Counter(
    "weir_isolated_records", "Records dead-lettered for what they did, alone, to their process.", ["reason"]
)
TRANSACTION_ABORTS = Counter("weir_transaction_aborts", "Transactions given up and tried again.")
FENCED_LANES = Counter(
    "weir_fenced_lanes", "Times a lane found its transactional id taken, or its transaction ended by Kafka."
)
LANES = Gauge("weir_lanes", "Source partitions this worker has a lane for.")
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
