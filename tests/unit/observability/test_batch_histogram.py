"""A batch of values counts as each of them alone would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from service.observability.metrics import BatchHistogram

BOUNDS = (0.5, 1, 2.5)


def samples(histogram: Histogram) -> dict[tuple[str, str], float]:
    """All but when it was made."""
    (family,) = histogram.collect()
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@given(st.lists(st.sampled_from([0, 0.4, 0.5, 0.6, 1, 2, 2.5, 9]), max_size=30))
def test_a_batch_is_its_values(values: list[float]) -> None:
    one_by_one = Histogram("a", "A.", buckets=BOUNDS, registry=CollectorRegistry())
    together = BatchHistogram("a", "A.", buckets=BOUNDS, registry=CollectorRegistry())
    for value in values:
        one_by_one.observe(value)
    together.observe_all(values)
    assert samples(together) == pytest.approx(samples(one_by_one))
