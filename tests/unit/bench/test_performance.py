"""The parts of the performance figures that need no worker: model, records, chart, page."""

import os
import xml.etree.ElementTree as ET
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest

from service.bench import throughput
from service.bench.capacity import CapacityModel, CapacityReport, Check, Line, SteadyRate
from service.bench.fewer_vendors import first_vendors
from service.bench.performance import BEGIN, END, rewritten
from service.bench.scale import round_step
from service.bench.sheet import Sheet
from service.bench.small_multiples import Panel, small_multiples
from service.bench.sweep import Grid, Point, SweepReport, records
from service.bench.throughput import BROKER, MAIN, SANITIZERS, Meter, Throughput
from service.bench.worker_metrics import Histogram
from service.errors import ConfigurationError
from service.events.decode import decode
from service.events.event import Event
from service.policy import load
from service.policy.vendor_names import VendorName
from tests.conftest import ROOT

SVG = "{http://www.w3.org/2000/svg}"


def run(main: float, sanitizers: float, rate: float = 1000.0) -> Throughput:
    """A second of a run with these microseconds of each record."""
    cpu = {MAIN: main, SANITIZERS: sanitizers, BROKER: 70.0}
    histogram = Histogram(((0.1, 2.0),), 0.1)
    return Throughput(round(rate), 1.0, cpu, {"weir_stage_seconds commit": histogram})


# --- throughput


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is half a second after the one before."""
    ticks = count()
    monkeypatch.setattr(throughput, "time", SimpleNamespace(monotonic=lambda: next(ticks) / 2))


@pytest.mark.usefixtures("clock")
def test_a_meter_begins_after_the_first_tenth_and_ends_with_the_last_record() -> None:
    told: list[int] = []
    meter = Meter(lambda done, _: told.append(done), lambda: {"worker": os.getpid()})
    for done in (0, 5, 12, 60, 100):
        meter(done, 100)
    measured = meter.measured
    assert told == [0, 5, 12, 60, 100]
    assert measured.records == 88
    assert measured.rate == pytest.approx(88 / 0.5)
    assert measured.cpu.keys() - {"broker"} == {"worker"}  # a broker of the tests' own may run


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("progress", [[100], [0, 100], [0, 5]])
def test_two_commits_are_needed_to_measure_a_rate(progress: list[int]) -> None:
    meter = Meter(lambda _, __: None, dict)
    for done in progress:
        meter(done, 100)
    assert meter.measured == Throughput(0, 0.0, {}, {})
    assert meter.measured.rate == 0


def test_what_is_over_at_once_is_not_timed() -> None:
    meter = Meter(lambda _, __: None, dict)
    for done in (20, 100):
        meter(done, 100)
    assert meter.measured == Throughput(0, 0.0, {}, {})


def test_the_broker_is_no_part_of_the_worker() -> None:
    assert run(30, 200).worker_cpu == 230
    assert run(30, 200).stages == {"commit": 0.05}


# --- the sweep


def test_one_condition_is_varied_at_a_time_and_each_run_is_made_once() -> None:
    grid = Grid()
    base = grid.base
    assert base == Point(processes=2, partitions=4, vendors=5, kilobytes=None)
    assert len(grid.points) == len(set(grid.points)) == 1 + 1 + 3 + 4 + 4
    for point in grid.points:
        fields = ("processes", "partitions", "vendors", "kilobytes")
        assert sum(getattr(point, field) != getattr(base, field) for field in fields) <= 1
    assert [point.vendors for point in grid.over_vendors] == [1, 2, 3, 4, 5]


def test_a_condition_without_values_is_left_out() -> None:
    assert [series.across for series in Grid((2,), (), (1, 5), ()).series] == [
        "sanitizer processes",
        "vendors",
    ]


@pytest.mark.parametrize("kilobytes", [2, 10, 100])
def test_large_events_are_valid_and_of_their_size(kilobytes: int) -> None:
    sized = records(40, kilobytes)
    assert len(sized) == 40
    for _, raw in sized:
        assert 0.9 * 1000 * kilobytes < len(raw) <= 1000 * kilobytes
        assert isinstance(decode(raw), Event)
    assert sized == records(40, kilobytes)


def test_what_large_events_are_padded_with_is_in_no_plan() -> None:
    ((_, raw),) = records(1, 10)
    assert set(orjson.loads(raw)) - set(orjson.loads(records(1, 0.5)[0][1])) == {"padding"}
    assert "padding" not in (ROOT / "config" / "tracking_plan.yaml").read_text("utf-8")


def test_small_events_are_the_shortest_and_as_they_come() -> None:
    small, usual = records(200, 0.5), records(200, None)
    mean = sum(len(raw) for _, raw in small) / 200
    assert 450 < mean < 650
    assert mean < sum(len(raw) for _, raw in usual) / 200
    assert b"padding" not in b"".join(raw for _, raw in small)


def test_large_events_take_bounded_space() -> None:
    assert len(records(300, 900)) == 111


@pytest.mark.parametrize("count", [1, 3, 5])
def test_the_other_vendors_may_have_no_event(count: int) -> None:
    with first_vendors(ROOT / "config", count) as config:
        plans = {plan.vendor: plan for plan in load(config).vendors}
    assert list(plans) == list(VendorName)
    allowed = [vendor for vendor, plan in plans.items() if plan.events or plan.calls]
    assert allowed == list(VendorName)[:count]


def report(grid: Grid) -> SweepReport:
    costs = {point: run(20 + point.vendors, 100 + 20 * point.vendors, 500) for point in grid.points}
    return SweepReport(grid, 500, costs)


def test_the_tables_of_a_sweep() -> None:
    swept = report(Grid((1, 2), (4,), (1, 5), (2,)))
    assert [sheet.title for sheet in swept.sheets] == [
        "By sanitizer processes",
        "By partitions of each topic",
        "By vendors",
        "By size of a raw event, KB",
    ]
    vendors = swept.sheets[2]
    assert vendors.columns == ["1", "5"]
    assert list(vendors.rows.values()) == [["500", "500"], ["21", "25"], ["120", "200"]]
    assert "2 sanitizer processes" in swept.conditions


# --- the chart


def test_a_panel_for_each_condition_and_figure_with_its_units() -> None:
    svg = ET.fromstring(report(Grid()).picture())
    texts = [element.text for element in svg.iter(f"{SVG}text")]
    assert texts.count("raw records/s") == texts.count("CPU µs a raw record") == 4
    for unit in ("sanitizer processes", "partitions of each topic", "vendors", "size of a raw event, KB"):
        assert texts.count(unit) == 2
    assert len(list(svg.iter(f"{SVG}polyline"))) == 8
    assert len(list(svg.iter(f"{SVG}circle"))) == 2 * (2 + 4 + 5 + 4)
    background = svg.find(f"{SVG}rect")
    assert background is not None
    assert background.get("fill") == "white"  # so that it can be read on a dark page too


def test_higher_values_stand_higher_and_within_their_panel() -> None:
    values = [("a", 0.0), ("b", 500.0), ("c", 1234.0)]
    svg = ET.fromstring(small_multiples([[Panel("t", "u", values)]]))
    heights = [float(circle.get("cy", "")) for circle in svg.iter(f"{SVG}circle")]
    assert heights == sorted(heights, reverse=True)
    zero = next(e for e in svg.iter(f"{SVG}text") if e.text == "0")
    assert float(zero.get("y", "")) - 4 == pytest.approx(heights[0])
    assert heights[-1] > 0
    places = [float(circle.get("cx", "")) for circle in svg.iter(f"{SVG}circle")]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1])


def test_a_panel_of_nothing_is_drawn() -> None:
    svg = ET.fromstring(small_multiples([[Panel("a < b", "u & v", [("x", 0.0)])]]))
    assert "a < b" in [element.text for element in svg.iter(f"{SVG}text")]


@pytest.mark.parametrize(("most", "step"), [(1, 0.5), (4, 1), (1234, 500), (6000, 2000), (0.3, 0.1)])
def test_steps_are_round(most: float, step: float) -> None:
    assert round_step(most, 4) == pytest.approx(step)


# --- the model


def test_a_line_goes_through_what_was_measured() -> None:
    assert Line.through({1: 110.0, 3: 130.0, 5: 150.0}) == pytest.approx((100.0, 10.0))
    assert Line.through({5: 150.0}) == (0.0, 30.0)
    assert Line(100.0, 10.0).at(4) == 140.0


@pytest.fixture
def model() -> CapacityModel:
    """100 + 20 µs for each vendor an event; a batch takes 5,000 µs, and a partition has 10 of them."""
    runs = {1: run(25, 95), 5: run(45, 155)}
    return CapacityModel.of(runs, SteadyRate(100.0, 0.22, 40.0), vendors=5, partitions=4)


def test_small_batches_cost_what_events_do_not_explain(model: CapacityModel) -> None:
    assert model.main == pytest.approx((20.0, 5.0))
    assert model.sanitizers == pytest.approx((80.0, 15.0))
    assert model.batch == pytest.approx(5000.0)
    assert model.batches == pytest.approx(10.0)


def test_cores_grow_with_events_vendors_and_busy_partitions(model: CapacityModel) -> None:
    assert model.cores(100, 5, 4) == pytest.approx(0.22)  # where it was measured
    assert model.cores(10_000, 5, 4) == pytest.approx(2.0 + 0.2)
    assert model.cores(10_000, 1, 4) == pytest.approx(1.2 + 0.2)
    assert model.cores(10_000, 5, 64) == pytest.approx(2.0 + 3.2)
    assert model.cores(100, 5, 1000) == pytest.approx(0.02 + 0.5)  # no more batches than events
    assert model.formula == "cores = (N (100 + 20.0 k) + min(N, 10.0 p) 5000) / 1,000,000"


def test_a_worker_that_takes_less_at_a_low_rate_has_free_batches() -> None:
    runs = {1: run(25, 95), 5: run(45, 155)}
    for low in (SteadyRate(100.0, 0.01, 40.0), SteadyRate(100.0, 0.22, 0.0)):
        assert CapacityModel.of(runs, low, 5, 4).cores(1000, 5, 4) == pytest.approx(0.2)


def test_deviations_are_shown_beside_what_was_expected(model: CapacityModel) -> None:
    checks = [Check(SteadyRate(300.0, 0.33, 41.0), 0.3), Check(SteadyRate(600.0, 0.27, 42.0), 0.3)]
    capacity = CapacityReport(model, 5, 4, [10_000], checks)
    costs, needed, checked = capacity.sheets
    assert costs.rows["main process"] == ["20.0", "5.0", "45.0"]
    assert needed.rows == {"10,000 raw events/s": ["2.20"]}
    assert [row[2] for row in checked.rows.values()] == ["+10%", "-10%"]
    assert capacity.as_json()["cores"] == {"10000": 2.2}


# --- the page


def test_a_table_on_a_page() -> None:
    sheet = Sheet("Cores", ["one", "two"], {"main": ["1.0", "2.0"]})
    assert sheet.markdown() == "**Cores**\n\n| | one | two |\n|---|---:|---:|\n| main | 1.0 | 2.0 |\n"


def test_only_what_is_between_the_marks_is_rewritten() -> None:
    page = f"# Before\n{BEGIN}\nold\n{END}\nafter\n"
    assert rewritten(page, "new") == f"# Before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert rewritten(rewritten(page, "new"), "old") == page


@pytest.mark.parametrize(
    "page", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}", f"{BEGIN}{END}{END}"]
)
def test_a_page_without_the_two_marks_is_refused(page: str) -> None:
    with pytest.raises(ConfigurationError, match="each once"):
        rewritten(page, "new")


def test_the_page_has_the_marks() -> None:
    rewritten((ROOT / "docs" / "performance.md").read_text("utf-8"), "")


def test_the_page_shows_the_plot_that_is_there() -> None:
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert "(performance.svg)" in page
    assert Path(ROOT / "docs" / "performance.svg").read_text("utf-8").startswith("<svg")
