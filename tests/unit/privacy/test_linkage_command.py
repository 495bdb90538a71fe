"""`weir policy linkage`."""

import json
import re
import shutil
from pathlib import Path

import pytest

from service.cli.app import run
from service.policy.vendor_names import VendorName

SMALL = ("policy", "linkage", "--users", "10", "--days", "1", "--vendor", "mixpanel", "--vendor", "ga4")


def printed(capsys: pytest.CaptureFixture[str], config: Path, *arguments: str, code: int = 0) -> str:
    assert run([*SMALL, "--config", str(config), *arguments]) == code
    return capsys.readouterr().out


def test_it_shows_what_a_join_links(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, config_dir: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    shown = printed(capsys, config_dir)
    assert re.search(r"mixpanel, ga4 +\d+ +\d+", shown)
    assert re.search(r"ga4 +second +100 ", shown)
    assert "Ids that stand in two vendors' data" not in shown
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 120


def test_it_answers_machines_and_the_same_twice(capsys: pytest.CaptureFixture[str], config_dir: Path) -> None:
    first = json.loads(printed(capsys, config_dir, "--json"))
    assert [vendor["vendor"] for vendor in first["vendors"]] == ["mixpanel", "ga4"]
    (pair,) = first["pairs"]
    assert {figures["join"] for figures in pair["joins"]} >= {"time", "all of these"}
    assert pair["shared_ids"] == []
    assert json.loads(printed(capsys, config_dir, "--json")) == first


def test_it_exits_1_where_an_id_stands_in_both(
    capsys: pytest.CaptureFixture[str], config_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(config_dir, tmp_path / "config")
    plan = tmp_path / "config" / "tracking_plan.yaml"
    kept = "properties.project_id: {class: category, type: word, pattern: 'proj_[0-9a-f-]+'}"
    plan.write_text(
        plan.read_text(encoding="utf-8").replace("properties.project_id: {class: identifier.object}", kept)
    )
    assert "Ids that stand in two vendors' data" in printed(capsys, tmp_path / "config", code=1)


def test_one_vendor_is_no_pair(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "linkage", "--vendor", VendorName.GA4]) == 2
    assert "a join takes two vendors" in capsys.readouterr().err
