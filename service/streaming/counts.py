"""What a committed batch adds to the metrics."""

import time
from collections import Counter

from service.observability import metrics
from service.output.encoding import Output
from service.streaming.record_batch import RecordBatch


def count(batch: RecordBatch, output: Output, seconds: float) -> None:
    """Add a batch, committed at this moment, to the metrics; it took so many seconds from its fetch on."""
    now = time.time()
    metrics.END_TO_END_SECONDS.observe_all([max(0.0, now - at / 1000) for at in batch.timestamps])
    metrics.RECORDS_IN.inc(len(batch.offsets))
    metrics.RAW_BYTES_IN.inc(batch.size)
    metrics.BATCH_RECORDS.observe(len(batch.offsets))
    metrics.BATCH_SECONDS.observe(seconds)
    metrics.STAGE_SECONDS.labels("encode").observe(output.seconds)
    metrics.count_outcomes(output.outcomes)
    for vendor, size in output.sent_bytes.items():
        metrics.BYTES_OUT.labels(vendor).inc(size)
    for source, texts in output.texts.items():
        metrics.TEXTS.labels(source).inc(texts)
    metrics.SELF_CHECK_FAILURES.inc(output.failed_self_checks)
    remarks: Counter[tuple[str, str]] = Counter()
    for remark, times in output.remarks.items():
        remarks[remark.vendor, remark.entity or "value"] += times
    metrics.count_remarks(remarks)
    metrics.count_gate_hits({(hit.vendor, hit.path, hit.family): n for hit, n in output.gate_hits.items()})
