"""The benchmarks with a real worker: that they measure, not what."""

import json

import pytest

from tests.running_weir import RunningWeir, admin

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


def test_the_pipeline_beside_its_yardsticks(weir: RunningWeir) -> None:
    run = weir.weir(
        *("bench", "pipeline", "--traffic", "structured", "--events", "3000"),
        *("--rate", "50", "--seconds", "2", "--json"),
    )
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(run.stdout)["traffic"]["structured"]
    assert report["records"] == 3000
    assert 4 * 3000 < report["vendor_records"] <= 5 * 3000
    assert report["weir"]["records_per_second"] > 0
    assert report["plain_faust"]["records_per_second"] > 0
    assert report["weir"]["cpu_microseconds"].keys() >= {"worker", "sanitizers"}
    assert min(report["weir"]["cpu_microseconds"].values()) > 0
    assert report["weir"]["stage_seconds_a_batch"].keys() >= {"queue", "sanitize", "commit"}
    assert report["latency"]["unknown_records"] == 0
    with admin(weir.bootstrap) as client:
        ours = {weir.raw_topic, *weir.outputs, "weir.bench.passthrough", "weir.bench.copies"}
        assert not ours & set(client.list_topics())
