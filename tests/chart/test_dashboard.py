"""The dashboard: one screen without overlaps, queries that Prometheus takes, and metrics that Weir has."""

import json
import re
import subprocess
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from tests.chart.expressions import PAGE, ROOT, anchors, tool, unknown_in

FILE = ROOT / "helm" / "weir" / "dashboards" / "weir.json"
TEXT = FILE.read_text(encoding="utf-8")
DASHBOARD: dict[str, Any] = json.loads(TEXT)
COLUMNS = 24
#: Rows of the grid, of 30 pixels and 8 between them, on a screen of 1080: the browser and Grafana's own bars
#: take some 230.
ROWS = 22
QUESTIONS = ["Is it flowing?", "Is anything leaking?", "Is it keeping up?", "What is being removed?"]
#: What Grafana puts in place of its own variables, for instance.
GIVEN = {"$__rate_interval": "2m", "$__range": "6h", "$namespace": "events", "$job": "weir"}
UNITS = {"short", "recps", "eps", "cps", "s", "bytes", "Bps", "percentunit"}
RUNBOOK = re.compile(r"\$\{docs\}docs/operations\.md#([a-z-]+)")

Panel = dict[str, Any]

FIRST_SCREEN: list[Panel] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ROW_PANELS: list[Panel] = [panel for panel in DASHBOARD["panels"] if panel["type"] == "row"]
PANELS = FIRST_SCREEN + [panel for row in ROW_PANELS for panel in row["panels"]]
WITH_DATA = [panel for panel in PANELS if panel["type"] != "text"]


def title(panel: Panel) -> str:
    return f"{panel['id']} {panel['title']}"


def expressions(panel: Panel) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


def cells(panel: Panel) -> set[tuple[int, int]]:
    at = panel["gridPos"]
    return {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}


def thresholds(panel: Panel) -> Iterator[tuple[str, float]]:
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if step["value"] is not None:
            yield step["color"], step["value"]


def test_it_is_found_again_under_its_uid() -> None:
    assert DASHBOARD["uid"] == "weir-anonymizer"
    assert DASHBOARD["schemaVersion"] >= 42
    assert "id" not in DASHBOARD
    ids = [panel["id"] for panel in PANELS + ROW_PANELS]
    assert len(ids) == len(set(ids))


def test_the_first_screen_is_full_and_needs_no_scrolling() -> None:
    taken = [cell for panel in FIRST_SCREEN for cell in cells(panel)]
    assert sorted(taken) == [(x, y) for x in range(COLUMNS) for y in range(ROWS)]


def test_each_column_answers_its_question() -> None:
    headings = sorted(
        (panel["gridPos"]["x"], panel["options"]["content"]) for panel in PANELS if panel["type"] == "text"
    )
    assert headings == [(6 * number, f"## {question}") for number, question in enumerate(QUESTIONS)]


def test_the_rest_is_collapsed_below() -> None:
    assert [row["gridPos"]["y"] for row in ROW_PANELS] == list(range(ROWS, ROWS + len(ROW_PANELS)))
    for row in ROW_PANELS:
        assert row["collapsed"]
        assert row["panels"]
        for one, other in combinations(row["panels"], 2):
            assert not cells(one) & cells(other), (title(one), title(other))
        for panel in row["panels"]:
            assert panel["gridPos"]["y"] > row["gridPos"]["y"]
            assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= COLUMNS


@pytest.mark.parametrize("panel", WITH_DATA, ids=title)
def test_a_panel_says_what_to_do(panel: Panel) -> None:
    assert panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    if panel["type"] in {"stat", "timeseries"}:
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


@pytest.mark.parametrize("panel", [panel for panel in WITH_DATA if any(thresholds(panel))], ids=title)
def test_what_turns_red_has_a_runbook(panel: Panel) -> None:
    assert panel["links"]


def test_every_link_leads_somewhere() -> None:
    linked = RUNBOOK.findall(TEXT)
    assert len(linked) == len([panel for panel in WITH_DATA if panel.get("links")])
    assert set(linked) <= anchors()
    assert PAGE.exists()


@pytest.mark.parametrize("panel", WITH_DATA, ids=title)
def test_every_metric_and_label_exists(panel: Panel) -> None:
    for expression in expressions(panel):
        assert unknown_in(expression) == []
    shown = set(re.findall(r"{{(\w+)}}", " ".join(target["legendFormat"] for target in panel["targets"])))
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", " ".join(expressions(panel))))))
    assert shown <= grouped | {"pod"}


@pytest.mark.parametrize("panel", WITH_DATA, ids=title)
def test_every_series_is_of_the_chosen_release(panel: Panel) -> None:
    for expression in expressions(panel):
        selected = re.findall(r"\bweir_\w+(\{[^}]*\})?", expression)
        assert selected
        assert all(each.startswith('{namespace="$namespace", job="$job"') for each in selected)


def test_prometheus_takes_every_query() -> None:
    """As rules, of which promtool checks many at a time."""
    rules = [
        {"record": f"panel:{panel['id']}:{number}", "expr": filled(expression)}
        for panel in WITH_DATA
        for number, expression in enumerate(expressions(panel))
    ]
    document = json.dumps({"groups": [{"name": "dashboard", "rules": rules}]})  # JSON is YAML too
    done = subprocess.run(
        [tool("promtool"), "check", "rules", "--lint=none"],
        input=document,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


def filled(expression: str) -> str:
    for name, value in GIVEN.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def test_every_variable_is_used_and_none_is_missing() -> None:
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)\}?", TEXT)) - {name[1:] for name in GIVEN if name.startswith("$__")}
    assert used == variables
