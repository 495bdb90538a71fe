"""docs/operations.md lists every metric and every log event, and none that is not there."""

import ast
import re
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from service.observability import metrics

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
#: The pool chooses between two levels by a name of its own.
CALLS = {"debug", "info", "warning", "error", "exception", "critical", "say"}


def rows(title: str) -> list[list[str]]:
    """The cells of the first table under a title."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def described(metric: MetricWrapperBase) -> list[str]:
    (family,) = metric.describe()
    name = family.name + ("_total" if family.type == "counter" else "")
    return [f"`{name}`", family.type, ", ".join(metric._labelnames) or "-", family.documentation]


def logged() -> set[str]:
    """The events of Weir's own log calls: their first argument, where it is a plain word."""
    found = set()
    for file in (ROOT / "service").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "get_logger" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr=name) | ast.Name(id=name), args=[ast.Constant(value=str(event))]
                ) if name in CALLS and re.fullmatch("[a-z_]+", event):
                    found.add(event)
    return found


def test_metrics() -> None:
    known = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]
    assert sorted(map(described, known)) == sorted(row[:4] for row in rows("Metrics"))
    assert all(row[4] for row in rows("Metrics"))


def test_log_events() -> None:
    documented = {event for row in rows("Logs") for event in re.findall("`([a-z_]+)`", row[0])}
    assert documented == logged()
