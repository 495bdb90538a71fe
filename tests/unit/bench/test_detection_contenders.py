"""How Presidio's findings become spans, and round steps become scales."""

import pytest
from presidio_analyzer import RecognizerResult

from service.bench.detection.chart import Panel, chart
from service.bench.detection.contenders import _found
from service.bench.detection.measures import Found
from service.bench.scale import round_step
from service.policy.entities import Entity


def test_the_surer_finding_wins_and_the_rest_stays() -> None:
    results = [
        RecognizerResult("URL", 4, 20, 0.5),
        RecognizerResult("EMAIL_ADDRESS", 6, 16, 1.0),
        RecognizerResult("LOCATION", 30, 35, 0.85),
        RecognizerResult("PERSON", 30, 33, 0.85),
    ]
    assert _found(results) == [
        Found(4, 6, None),
        Found(6, 16, Entity.EMAIL_ADDRESS),
        Found(16, 20, None),
        Found(30, 35, Entity.STREET_ADDRESS),
    ]
    assert _found([]) == []


@pytest.mark.parametrize(("most", "step"), [(6, 1), (7, 2), (100, 20), (0.5, 0.1), (3100, 1000)])
def test_scales_have_round_steps(most: float, step: float) -> None:
    assert round_step(most) == pytest.approx(step)


def test_a_chart_has_a_dot_for_each_value() -> None:
    shares = Panel("Shares", {"a & b": {"one": 1.0, "two": 3.0}, "c": {"one": None, "two": 0.0}})
    svg = chart(["one", "two"], [shares, Panel("Nothing", {})])
    assert svg.count("<title>") == 3
    assert "a &amp; b" in svg
