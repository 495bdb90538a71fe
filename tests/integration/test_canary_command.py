"""`weir canary` against a real worker."""

import json
from pathlib import Path

import pytest

from service.policy import load
from service.pseudonyms.key_life import generate
from service.streaming.canary import canary_event
from tests.conftest import ROOT
from tests.running_weir import RunningWeir

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

FAST = {"WEIR_DETECTION_PROFILE": "fast", "NO_COLOR": "1"}


def test_comes_back_as_policy_and_keys_make_it(weir: RunningWeir, tmp_path: Path) -> None:
    assert weir.weir("topics", "create").returncode == 0
    lost = weir.weir("canary", "--vendor", "mixpanel", "--timeout", "1", **FAST)
    assert lost.returncode == 3
    assert "did not come back" in lost.stderr
    worker = weir.start(**FAST)
    worker.wait_for("worker_ready")
    for vendor in ("mixpanel", "ga4"):
        run = weir.weir("canary", "--vendor", vendor, "--json", **FAST)
        assert run.returncode == 0, run.stderr
        flight = json.loads(run.stdout)
        assert (flight["good"], flight["same"], flight["leaked"], flight["planted"]) == (True, True, 0, 5)
    read = [record for record in weir.read() if record.topic in weir.outputs[:-1]]
    assert len(read) == 3  # the one that nobody was there for, too
    for record in read:
        assert record.value
        assert b"canary." not in record.value
    other = tmp_path / "other.keys"
    generate(other)
    run = weir.weir("canary", "--vendor", "mixpanel", "--timeout", "5", **FAST, WEIR_KEYRING_FILE=str(other))
    assert run.returncode == 3  # another key: another pseudonym, which nobody has


def test_another_policy_than_the_worker_has_is_told(weir: RunningWeir, tmp_path: Path) -> None:
    assert weir.weir("topics", "create").returncode == 0
    worker = weir.start(**FAST)
    worker.wait_for("worker_ready")
    config = weir.folder / "next"
    (config / "vendors").mkdir(parents=True)
    (config / "tracking_plan.yaml").write_text((ROOT / "config" / "tracking_plan.yaml").read_text())
    for file in (Path(weir.environment["WEIR_CONFIG_DIR"]) / "vendors").glob("*.yaml"):
        text = file.read_text().replace("per_events: 1000", "per_events: 900")
        (config / "vendors" / file.name).write_text(text)
    run = weir.weir("canary", "--vendor", "mixpanel", **FAST, WEIR_CONFIG_DIR=str(config))
    assert run.returncode == 1, run.stderr
    assert "does the worker run with others?" in run.stderr


@pytest.mark.parametrize("vendor", range(5))
def test_goes_to_one_vendor_with_texts_where_it_scrubs_some(vendor: int) -> None:
    plan = load(ROOT / "config").vendors[vendor]
    bird = canary_event(plan, 1_772_431_200, "abcd")
    body = json.loads(bird.raw)
    assert body["integrations"] == {"All": False, plan.integration: True}
    assert ("canary.abcd@example.com" in json.dumps(body.get("properties"))) == (plan.vendor != "ga4")
    assert all(value in bird.raw.decode() for value in bird.planted)
