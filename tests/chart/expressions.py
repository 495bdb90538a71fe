"""What PromQL expressions ask for: metrics and labels, and which of them Weir has."""

import os
import re
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from service.observability import metrics

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "operations.md"
#: What Prometheus and its operator put onto every series of a target.
TARGET_LABELS: Final = frozenset({"namespace", "job", "pod"})
#: Metrics that are not Weir's.
FOREIGN: Final[dict[str, frozenset[str]]] = {"up": frozenset()}

_WORDS: Final = {"and", "or", "unless", "by", "without", "on", "ignoring", "bool", "offset"}
_GROUPING: Final = re.compile(r"\b(?:by|on|group_left|group_right|ignoring|without)\s*\(([^)]*)\)")
_SELECTOR: Final = re.compile(r"([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?(?!\s*\(|[\w:{])")
_MATCHER: Final = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")


def tool(name: str) -> str:
    """A tool that `make test-chart` fetches."""
    path = Path(os.environ.get("CHART_TOOLS", ROOT / ".tools" / "bin")) / name
    assert path.exists(), f"{name} is not in {path.parent}; `make test-chart` fetches it"
    return str(path)


def series_of_weir() -> dict[str, frozenset[str]]:
    """The name of each series that a scrape of Weir can hold, with its own labels."""
    found: dict[str, frozenset[str]] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            for suffix, added in _suffixes(family.type):
                found[family.name + suffix] = frozenset(metric._labelnames) | added
    return found


def _suffixes(kind: str) -> set[tuple[str, frozenset[str]]]:
    """What a type's series are called beyond the metric's name, and their labels beyond its own."""
    registry = CollectorRegistry()
    make = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}[kind]
    make("probe", "", registry=registry)
    (family,) = registry.collect()
    return {(sample.name.removeprefix("probe"), frozenset(sample.labels)) for sample in family.samples}


def metrics_in(expression: str) -> dict[str, set[str]]:
    """Each metric that an expression selects, with the labels it is selected by."""
    bare = _GROUPING.sub(" ", re.sub(r"\[[^\]]*\]", " ", expression))
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', bare)
    found: dict[str, set[str]] = {}
    for name, matchers in _SELECTOR.findall(bare):
        if name not in _WORDS and not re.fullmatch(r"inf|nan", name, re.IGNORECASE):
            found.setdefault(name, set()).update(_MATCHER.findall(matchers or ""))
    return found


def grouping_labels(expression: str) -> set[str]:
    """The labels that an expression groups or matches by."""
    return {label.strip() for group in _GROUPING.findall(expression) for label in group.split(",")} - {""}


def unknown_in(expression: str) -> list[str]:
    """Metrics and labels of an expression that no scrape of Weir has."""
    known = series_of_weir() | FOREIGN
    asked = metrics_in(expression)
    problems = [f"no metric {name}" for name in asked if name not in known]
    problems += [
        f"no label {label} on {name}"
        for name, labels in asked.items()
        for label in labels - known.get(name, frozenset()) - TARGET_LABELS
    ]
    of_all = TARGET_LABELS.union(*(known.get(name, frozenset()) for name in asked))
    return problems + [f"no label {label} to group by" for label in grouping_labels(expression) - of_all]


def anchors(page: Path = PAGE) -> set[str]:
    """What links into a page can name: its headings, as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
