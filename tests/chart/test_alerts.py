"""The alert rules: each fires when it must, is silent in the case beside it, and leads to its runbook."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.chart.expressions import (
    PAGE,
    ROOT,
    TARGET_LABELS,
    anchors,
    metrics_in,
    series_of_weir,
    tool,
    unknown_in,
)

RULES = ROOT / "helm" / "weir" / "alerts" / "weir.yaml"
TESTS = sorted((Path(__file__).parent / "alerts").glob("*.test.yaml"))
DOCUMENT: dict[str, Any] = YAML(typ="safe").load(RULES)
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in DOCUMENT["groups"] for rule in group["rules"]
}
SEVERITIES = {"critical", "warning", "info"}


def promtool(*arguments: str | Path) -> None:
    command = [tool("promtool"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def seen_alerts() -> list[dict[str, str]]:
    """The labels of each alert that a test of the rules waits for."""
    return [
        dict(re.findall(r'(\w+)="([^"]*)"', sample["labels"]))
        for file in TESTS
        for test in YAML(typ="safe").load(file)["tests"]
        for look in test["promql_expr_test"]
        for sample in look.get("exp_samples", [])
    ]


def test_the_rules_are_sound() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name.partition(".")[0])
def test_the_rules_fire_when_they_must(file: Path) -> None:
    promtool("test", "rules", file)


def test_no_alert_is_without_a_test() -> None:
    assert {labels["alertname"] for labels in seen_alerts()} == ALERTS.keys()


def test_names_are_unique() -> None:
    assert len(ALERTS) == sum(len(group["rules"]) for group in DOCUMENT["groups"])


@pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
def test_every_alert_says_what_it_must(rule: dict[str, Any]) -> None:
    assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in SEVERITIES
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert all(
        text.strip().endswith(".")
        for text in (rule["annotations"][key] for key in ("summary", "description"))
    )


@pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
def test_every_metric_and_label_exists(rule: dict[str, Any]) -> None:
    assert unknown_in(rule["expr"]) == []


@pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
def test_an_alert_speaks_of_labels_that_it_has(rule: dict[str, Any]) -> None:
    spoken_of = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    for labels in seen_alerts():
        if labels["alertname"] == rule["alert"]:
            assert spoken_of <= labels.keys()


@pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
def test_releases_are_told_apart(rule: dict[str, Any]) -> None:
    for labels in seen_alerts():
        if labels["alertname"] == rule["alert"]:
            assert {"namespace", "job"} <= labels.keys()
    assert not re.search(r"\b(?:by|on) \((?!namespace, job)", rule["expr"])


@pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
def test_the_runbook_has_it(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert page == "docs/operations.md"
    assert anchor in anchors()


def test_the_page_lists_every_alert() -> None:
    section = PAGE.read_text(encoding="utf-8").split("\n## Alerts\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(Weir\w+)` \| (\w+) \|", section, re.MULTILINE)
    assert rows == [(name, rule["labels"]["severity"]) for name, rule in ALERTS.items()]


@pytest.mark.parametrize(
    ("expression", "problems"),
    [
        ("rate(weir_records_in_total[5m])", []),
        ("rate(weir_records_in[5m])", ["no metric weir_records_in"]),
        ("weir_lag_records_total", ["no metric weir_lag_records_total"]),
        ('weir_breaker_open{reason="x"} > 1', ["no label reason on weir_breaker_open"]),
        ("sum by (vendor) (weir_lag_records)", ["no label vendor to group by"]),
        ("sum by (le) (rate(weir_batch_seconds_bucket[5m])) > on (job) up", []),
        ("max_over_time(sum(weir_lags)[2m:30s]) == 0", ["no metric weir_lags"]),
    ],
)
def test_a_metric_that_is_not_there_is_found(expression: str, problems: list[str]) -> None:
    assert unknown_in(expression) == problems


def test_the_list_of_series_is_the_registrys() -> None:
    series = series_of_weir()
    assert series["weir_outcomes_total"] == series["weir_outcomes_created"] == {"vendor", "outcome", "reason"}
    assert series["weir_stage_seconds_bucket"] == {"stage", "le"}
    assert not TARGET_LABELS & frozenset().union(*series.values())
    assert metrics_in("a + on (job) group_left () b{c='1'}") == {"a": set(), "b": {"c"}}
