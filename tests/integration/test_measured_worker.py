"""The benchmarks with a real worker: that they measure, not what."""

import json

import pytest

from service.bench.performance import BEGIN, END
from tests.running_weir import PATIENCE, RunningWeir, admin

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

WORKER = {"worker", "template", "sanitizer 1"}


def test_latency_at_a_steady_rate(weir: RunningWeir) -> None:
    run = weir.weir(
        *("bench", "latency", "--rate", "20", "--mix", "structured", "--seconds", "5", "--warm-up", "1"),
        "--json",
    )
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(run.stdout)
    assert report["unknown_records"] == 0
    assert 4 * 100 < report["vendor_records"] <= 5 * 100
    latency = report["latency_seconds"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["p999"] <= latency["largest"]
    assert report["achieved_rate"] == pytest.approx(20, rel=0.3)
    assert report["worker_histograms"]["weir_end_to_end_seconds"]["count"] > 0
    assert report["cores"].keys() >= {*WORKER, "sender", "reader"}
    with admin(weir.bootstrap) as client:
        assert not {weir.raw_topic, *weir.outputs} & set(client.list_topics())


def test_an_idle_worker(weir: RunningWeir) -> None:
    run = weir.weir("bench", "idle", "--seconds", "5", "--json")
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(run.stdout)
    assert report["cores"].keys() == WORKER
    assert report["worker_cores"] == pytest.approx(sum(report["cores"].values()), abs=0.001)


def test_memory_under_full_load(weir: RunningWeir) -> None:
    plot = weir.folder / "memory.svg"
    run = weir.weir(
        *("bench", "memory", "--minutes", "0.1", "--warm-up", "2", "--every", "1", "--mix", "structured"),
        *("--svg", str(plot), "--json"),
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    report = json.loads(run.stdout)
    assert report["flat"] is (run.returncode == 0)
    assert report["pss_bytes"].keys() == {*WORKER, "in all"}
    assert all(course["start"] > 1_000_000 for course in report["pss_bytes"].values())
    assert plot.read_text().startswith("<svg")


def test_replays_beside_the_worker_and_a_copy(weir: RunningWeir) -> None:
    run = weir.weir("bench", "replay", "--events", "1000", "--json")
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(run.stdout)
    rates = report["records_per_second"]
    assert len(rates) == 4
    assert all(rate > 0 for name, rate in rates.items() if name.startswith("replay"))
    one, every = report["replays"]["one"], report["replays"]["all"]
    assert 900 < one["vendor_records"] <= 1000
    assert 4 * 900 < every["vendor_records"] <= 5 * 1000
    for course in (one["pss_bytes"], every["pss_bytes"]):
        assert 1_000_000 < course["start"] <= course["most"]
    with admin(weir.bootstrap) as client:
        assert not {weir.raw_topic, *weir.outputs, "weir.bench.copies"} & set(client.list_topics())


def test_everything_that_the_performance_page_shows(weir: RunningWeir) -> None:
    page, plot = weir.folder / "page.md", weir.folder / "plot.svg"
    page.write_text(f"# Page\n{BEGIN}\nold\n{END}\nrest\n")
    run = weir.weir_within(
        5 * PATIENCE,  # it starts five workers, one after the other
        *("bench", "sweep", "--traffic", "structured", "--events", "3000", "--rate", "50", "--seconds", "1"),
        *("--processes", "1", "--partitions", "4", "--vendors", "5", "--kilobytes", "0.5"),
        *("--plot", str(plot), "--write", str(page), "--json"),
    )
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(run.stdout)
    structured = report["pipeline"]["traffic"]["structured"]
    assert structured["records"] == 3000
    assert 4 * 3000 < structured["vendor_records"] <= 5 * 3000
    assert structured["weir"]["records_per_second"] > 0
    assert structured["plain_faust"]["records_per_second"] > 0
    assert structured["weir"]["cpu_microseconds"].keys() >= {"worker", "sanitizers"}
    assert min(structured["weir"]["cpu_microseconds"].values()) > 0
    assert structured["weir"]["stage_seconds_a_batch"].keys() >= {"queue", "sanitize", "commit"}
    assert structured["latency"]["unknown_records"] == 0
    assert report["pipeline"]["core"]["ratio_to_floor"].keys() == {"floor", "Weir"}
    assert [point.keys() for point in report["sweep"]["series"].values()] == [{"1"}, {"4"}, {"5"}, {"0.5"}]
    for series in report["sweep"]["series"].values():
        assert all(run["records_per_second"] > 0 for run in series.values())
    assert len(report["capacity"]["checks"]) == 2
    assert all(check["measured_cores"] > 0 for check in report["capacity"]["checks"])
    written = page.read_text()
    assert written.startswith("# Page\n")
    assert written.endswith("rest\n")
    assert "old" not in written
    assert report["capacity"]["formula"] in written
    assert "(plot.svg)" in written
    assert plot.read_text().startswith("<svg")
    with admin(weir.bootstrap) as client:
        ours = {weir.raw_topic, *weir.outputs, "weir.bench.passthrough", "weir.bench.copies"}
        assert not ours & set(client.list_topics())
