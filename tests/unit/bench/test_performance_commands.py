"""What the commands make of a performance report; tests/integration measures a real one."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.bench import capacity, performance, pipeline
from service.bench.capacity import CapacityModel, CapacityReport, Check, Line, SteadyRate
from service.bench.core import CoreReport, Stages
from service.bench.latency import LatencyReport, Quantity
from service.bench.performance import BEGIN, END, PerformanceReport
from service.bench.pipeline import PipelineReport, TrafficReport
from service.bench.sweep import Grid, SweepReport
from service.bench.throughput import Throughput
from service.bench.worker_metrics import Histogram
from service.cli.app import run
from service.demo.events import Mix

CORE = CoreReport(
    events=300,
    vendor_records=4.9,
    contestants={"floor": 30.0, "Weir": 45.0, "VRL": 90.0},
    stages={Mix.STRUCTURED: Stages(9.0, 0.0, 36.0)},
    reference=45.0,
    large_policy=54.0,
    few_users=40.0,
    many_users=50.0,
)
LATENCY = LatencyReport(
    mix=Mix.STRUCTURED,
    rate=500,
    seconds=20,
    warm_up=5,
    processes=2,
    achieved=500.0,
    late=0.001,
    records=50_000,
    unknown=0,
    latency=Quantity(0.05, 0.09, 0.15, 0.2, 0.25),
    inside={},
    cpu={},
)
STAGES = {"weir_stage_seconds sanitize": Histogram(((0.1, 4.0),), 0.2)}
WEIR = Throughput(4000, 1.0, {"worker": 30.0, "sanitizers": 170.0, "broker": 80.0}, STAGES)
FAUST = Throughput(2000, 1.0, {"plain Faust": 250.0, "broker": 350.0}, {})
TOO_QUICK = Throughput(0, 0.0, {}, {})


def ends(traffic: list[Mix]) -> PipelineReport:
    one = TrafficReport(4000, 780.0, 19_600, WEIR, FAUST, TOO_QUICK, LATENCY)
    return PipelineReport(2, dict.fromkeys(traffic, one), CORE)


def sized() -> CapacityReport:
    model = CapacityModel(Line(10.0, 4.0), Line(70.0, 20.0), 5000.0, 10.0)
    return CapacityReport(model, 5, 4, [10_000], [Check(SteadyRate(1000.0, 0.44, 40.0), 0.4)])


def test_the_pipeline_for_people(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[tuple[Any, Any]] = []

    def measured(*given: Any, **named: Any) -> PipelineReport:
        asked.append((given, named))
        return ends([Mix.STRUCTURED])

    monkeypatch.setattr(pipeline, "measure", measured)
    command = ["bench", "pipeline", "--traffic", "structured", "--events", "4000", "--rate", "500"]
    assert run([*command, "--seconds", "7", "--processes", "3", "--vrl", "a-vrl-binary"]) == 0
    ((settings, load), named), *_ = asked
    assert load == ([Mix.STRUCTURED], 4000, 500, 7)
    assert settings.processes == 3
    assert (named["vrl"], named["benthos"]) == (Path("a-vrl-binary"), None)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    shown = {" ".join(words[:-1]): words[-1] for words in lines if words}
    assert shown["Weir, exactly once: raw records"] == "4,000"
    assert shown["Weir, exactly once: vendor records"] == "19,600"
    assert shown["Weir / plain Faust"] == "2.00"
    assert shown["aiokafka copy, exactly once"] == "-"  # too quick to be timed
    assert shown["Weir in all"] == "200"
    assert shown["broker, with plain Faust"] == "350"
    assert shown["sanitize"] == "50.0"
    assert shown["p99"] == "150"
    assert ["VRL", "90.0", "3.00"] in lines


def test_all_kinds_of_traffic_unless_some_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline, "measure", lambda _, load, **__: ends(load.traffic))
    assert run(["bench", "pipeline", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report["traffic"]) == ["structured", "demo", "text"]
    assert report["traffic"]["text"]["ratio_to_plain_faust"] == 2.0
    assert report["core"]["ratio_to_floor"]["Weir"] == 1.5


def test_the_rates_that_capacity_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def measured(*_: Any, **named: Any) -> CapacityReport:
        asked.append(named)
        return sized()

    monkeypatch.setattr(capacity, "measure", measured)
    assert (
        run(["bench", "capacity", "--for", "100", "--for", "200", "--vendors", "3", "--partitions", "9"]) == 0
    )
    (named,) = asked
    assert (named["rates"], named["vendors"], named["partitions"]) == ([100, 200], 3, 9)
    shown = capsys.readouterr().out
    assert "cores = (N (80 + 24.0 k) + min(N, 10.0 p) 5000) / 1,000,000" in shown
    assert "+10%" in shown
    assert run(["bench", "capacity", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cores"] == {"10000": 2.2}


def test_a_sweep_writes_the_page_and_the_plot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grids: list[Grid] = []

    def measured(_: object, load: pipeline.Load, grid: Grid, **__: object) -> PerformanceReport:
        grids.append(grid)
        swept = SweepReport(grid, load.events, dict.fromkeys(grid.points, WEIR))
        return PerformanceReport(ends(list(load.traffic)), swept, sized())

    monkeypatch.setattr(performance, "measure", measured)
    page, plot = tmp_path / "page.md", tmp_path / "plot.svg"
    page.write_text(f"# Page\n{BEGIN}\nold\n{END}\nrest\n")
    command = ["bench", "sweep", "--partitions", "1", "--partitions", "8", "--plot", str(plot)]
    assert run([*command, "--write", str(page)]) == 0
    assert grids == [Grid(partitions=[1, 8])]
    assert "By partitions of each topic" in capsys.readouterr().out
    written = page.read_text()
    assert "(plot.svg)" in written
    assert "| raw records/s | 4,000 | 4,000 |" in written
    assert "old" not in written
    assert plot.read_text().startswith("<svg")


def test_a_page_without_marks_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n")
    assert run(["bench", "sweep", "--write", str(page)]) == 2
    assert "each once" in capsys.readouterr().err
    assert page.read_text() == "# Page\n"
    assert run(["bench", "sweep", "--write", str(tmp_path / "none.md")]) == 2
    assert "none.md: cannot be read" in capsys.readouterr().err
