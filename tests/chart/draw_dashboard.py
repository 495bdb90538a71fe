"""Draw the dashboard's first screen from a real worker: `python -m tests.chart.draw_dashboard FILE`.

Kafka, the worker and Prometheus are real, and each panel shows what its own query answers; only the drawing
is done here, because Grafana is not. Half-way some records are no JSON, and one vendor's breaker is opened by
hand, for there to be something to see. `prometheus` is taken from the folder that `tool` names.
"""

import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from kafka import KafkaProducer

from service.bench.started_worker import StartedWorker, started_worker
from service.demo.events import Mix
from service.demo.pipeline import running
from service.policy import load
from service.settings import Settings
from tests.chart.expressions import tool
from tests.chart.test_dashboard import COLUMNS, FIRST_SCREEN, ROWS, Panel
from tests.running_weir import WEIR, wait_until

SECONDS: Final = 360
RATE: Final = 100
SAMPLE: Final = 20_000
MALFORMED: Final = 60
BREAKER: Final = "posthog"
SCRAPE: Final = 2
LABELS: Final = {"namespace": "events", "pod": "weir-worker-0"}
GIVEN: Final = {
    "$__rate_interval": "20s",
    "$__range": f"{SECONDS}s",
    "$namespace": "events",
    "$job": "weir",
}

CELL: Final = 80
ROW: Final = 38
GAP: Final = 8
TOP: Final = 44
PALETTE: Final = (
    "#56a64b",
    "#e0b400",
    "#3274d9",
    "#ff780a",
    "#a352cc",
    "#1f9e9e",
    "#e02f44",
    "#8c6d46",
    "#777",
)
COLOURS: Final = {"text": "#24292e", "green": "#37872d", "orange": "#e0620a", "red": "#c4162a"}
UNITS: Final = {"recps": " rec/s", "eps": " ev/s", "cps": "/s", "short": "", "bytes": " B", "Bps": " B/s"}

Points = list[tuple[float, float]]


class Line(NamedTuple):
    """What a query answered for one set of labels."""

    name: str
    points: Points


class Prometheus:
    """A Prometheus that scrapes one worker, on loopback."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"

    def ready(self) -> bool:
        try:
            with urlopen(f"{self._address}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def lines(self, panel: Panel, start: float, end: float) -> list[Line]:
        """What each of a panel's queries answers, as Grafana would ask."""
        found = []
        for target in panel["targets"]:
            expression = target["expr"]
            for name, value in GIVEN.items():
                expression = expression.replace(name, value)
            asked = urlencode({"query": expression, "start": start, "end": end, "step": SCRAPE})
            with urlopen(f"{self._address}/api/v1/query_range?{asked}", timeout=60) as answer:
                result = json.load(answer)["data"]["result"]
            for each in result:
                name = target["legendFormat"]
                for label, value in each["metric"].items():
                    name = name.replace(f"{{{{{label}}}}}", value)
                points = [(at, float(value)) for at, value in each["values"]]
                found.append(Line(name, [point for point in points if math.isfinite(point[1])]))
        return sorted(found)


@contextmanager
def prometheus(target: int) -> Iterator[Prometheus]:
    """Start one; it ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="weir-prometheus-") as folder:
        configuration = {
            "global": {"scrape_interval": f"{SCRAPE}s"},
            "scrape_configs": [
                {
                    "job_name": GIVEN["$job"],
                    "static_configs": [{"targets": [f"127.0.0.1:{target}"], "labels": LABELS}],
                }
            ],
        }
        file = Path(folder) / "prometheus.yaml"
        file.write_text(json.dumps(configuration), encoding="utf-8")
        command = [
            tool("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        ]  # fmt: skip
        process = subprocess.Popen(command, cwd=folder)
        try:
            server = Prometheus(port)
            wait_until(server.ready, "Prometheus is ready")
            yield server
        finally:
            process.terminate()
            process.wait(60)


class Quiet:
    """Steps that nobody looks at."""

    def step(self, what: str) -> AbstractContextManager[Any]:
        sys.stderr.write(f"{what}\n")
        return nullcontext()


def have_something_happen(worker: StartedWorker) -> None:
    """Records that are no JSON, and a vendor whose breaker is open for a while."""
    time.sleep(SECONDS / 3)
    producer = KafkaProducer(bootstrap_servers=worker.settings.kafka_bootstrap)
    for _ in range(MALFORMED):
        producer.send(worker.settings.raw_topic, b"{no json")
    producer.close()
    for state in ("open", "close"):
        time.sleep(SECONDS / 4)
        environment = os.environ | worker.pipeline.environment
        subprocess.run([*WEIR, "breaker", state, BREAKER], env=environment, check=True, timeout=120)
    time.sleep(SECONDS / 6)


def text_of(value: float, unit: str, decimals: int | None) -> str:
    """A value as Grafana writes it, nearly."""
    if unit == "percentunit":
        return f"{value * 100:.{decimals or 0}f}%"
    if unit == "s":
        if value < 1:
            return f"{value * 1000:.3g} ms"
        return f"{value:.3g} s" if value < 120 else f"{value / 60:.3g} min"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}{UNITS[unit]}"
    return (f"{value:.{decimals}f}" if decimals is not None else f"{value:.3g}") + UNITS[unit]


class Box(NamedTuple):
    """Where a panel is, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def of(cls, panel: Panel) -> "Box":
        at = panel["gridPos"]
        return cls(at["x"] * CELL + GAP / 2, TOP + at["y"] * ROW, at["w"] * CELL - GAP, at["h"] * ROW - GAP)


def colour_at(panel: Panel, value: float) -> str:
    found = "text"
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            found = step["color"]
    return COLOURS.get(found, COLOURS["text"])


def words(  # noqa: PLR0917  (as the element has them)
    x: float, y: float, size: float, content: str, colour: str = "#24292e", more: str = ""
) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" {more}>{escape(content)}</text>'


def stat(panel: Panel, box: Box, lines: Sequence[Line]) -> str:
    settings = panel["fieldConfig"]["defaults"]
    content, colour = settings.get("noValue", "no data"), "#777"
    if lines and lines[0].points:
        value = lines[0].points[-1][1]
        content = text_of(value, settings["unit"], settings.get("decimals"))
        colour = colour_at(panel, value)
    size = min(34, 1.4 * box.width / max(4, len(content)))
    more = 'text-anchor="middle" font-weight="600"'
    return words(box.x + box.width / 2, box.y + box.height * 0.68, size, content, colour, more)


def rounded_up(step: float) -> float:
    """The next of 1, 2, 2.5, 5 and 10 times a power of ten."""
    if step <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(step))
    return next(round_step * power for round_step in (1, 2, 2.5, 5, 10) if round_step * power >= step)


def series(panel: Panel, box: Box, lines: Sequence[Line], start: float, end: float) -> str:
    settings = panel["fieldConfig"]["defaults"]
    left, right, top, bottom = box.x + 64, box.x + box.width - 10, box.y + 34, box.y + box.height - 52
    if settings["custom"]["stacking"]["mode"] == "normal":
        lines = stacked(lines)
    values = [value for line in lines for _, value in line.points]
    logarithmic = settings["custom"]["scaleDistribution"]["type"] == "log"
    limits = [
        step
        for step in settings["thresholds"]["steps"]
        if step["value"] is not None and settings["custom"]["thresholdsStyle"]["mode"] != "off"
    ]
    low, high = 0.0, 4 * rounded_up(max(values, default=0) / 4)
    if logarithmic:
        low = 10 ** math.floor(math.log10(min([value for value in values if value > 0], default=0.01)))
        high = 10 ** math.ceil(math.log10(max([*values, *(step["value"] for step in limits), low * 10])))

    def down(value: float) -> float:
        share = math.log(max(value, low) / low) / math.log(high / low) if logarithmic else value / high
        return bottom - (bottom - top) * share

    parts = []
    ticks = [low * 10**n for n in range(round(math.log10(high / low)) + 1)] if logarithmic else []
    for tick in ticks or [high * n / 4 for n in range(5)]:
        parts.append(f'<path d="M{left:.1f} {down(tick):.1f}H{right:.1f}" stroke="#e4e7eb"/>')
        written = text_of(tick, settings["unit"], None)
        parts.append(words(left - 6, down(tick) + 4, 10, written, "#555", 'text-anchor="end"'))
    for minute in range(0, math.floor((end - start) / 60) + 1, 2):
        across = left + (right - left) * minute * 60 / (end - start)
        parts.append(words(across, bottom + 15, 10, f"{minute} min", "#555", 'text-anchor="middle"'))
    parts += [
        f'<path d="M{left:.1f} {down(step["value"]):.1f}H{right:.1f}" stroke="{COLOURS[step["color"]]}" '
        'stroke-dasharray="6 4"/>'
        for step in limits
    ]
    across = left
    for number, line in enumerate(lines):
        colour = PALETTE[number % len(PALETTE)]
        for run in runs(line.points):
            path = " ".join(
                f"{left + (right - left) * (at - start) / (end - start):.1f},{down(value):.1f}"
                for at, value in run
            )
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if across + 7.2 * len(line.name) + 20 < right:
            parts.append(
                f'<rect x="{across:.1f}" y="{bottom + 27:.1f}" width="10" height="3" fill="{colour}"/>'
            )
            parts.append(words(across + 14, bottom + 32, 11, line.name))
        across += 7.2 * len(line.name) + 28
    if not values:
        parts.append(
            words((left + right) / 2, (top + bottom) / 2, 13, "no data", "#777", 'text-anchor="middle"')
        )
    return "".join(parts)


def stacked(lines: Sequence[Line]) -> list[Line]:
    """Each line on top of those before it."""
    below: dict[float, float] = {}
    found = []
    for line in lines:
        for at, value in line.points:
            below[at] = below.get(at, 0.0) + value
        found.append(Line(line.name, [(at, below[at]) for at, _ in line.points]))
    return found


def runs(points: Points) -> Iterator[Points]:
    """The points without gaps between them: where there is no value, no line is drawn."""
    run: Points = []
    for point in points:
        if run and point[0] - run[-1][0] > 2 * SCRAPE:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def states(box: Box, lines: Sequence[Line], start: float, end: float) -> str:
    left, right, top = box.x + 80, box.x + box.width - 10, box.y + 38
    height = (box.height - 52) / max(1, len(lines))
    parts = []
    for number, line in enumerate(lines):
        y = top + number * height
        parts.append(words(left - 8, y + height * 0.55, 12, line.name, "#24292e", 'text-anchor="end"'))
        for at, until, value in spans(line.points):
            x = left + (right - left) * (at - start) / (end - start)
            width = (right - left) * (until - at) / (end - start)
            colour = COLOURS["orange" if value else "green"]
            parts.append(
                f'<path d="M{x:.1f} {y:.1f}h{width:.1f}v{height * 0.7:.1f}h{-width:.1f}z" fill="{colour}" '
                'fill-opacity="0.7"/>'
            )
    return "".join(parts)


def spans(points: Points) -> Iterator[tuple[float, float, float]]:
    """From when until when which value held."""
    for value, group in groupby(points, lambda point: point[1]):
        moments = [at for at, _ in group]
        yield moments[0], moments[-1] + SCRAPE, value


def drawn(panel: Panel, server: Prometheus, start: float, end: float) -> str:
    box = Box.of(panel)
    if panel["type"] == "text":
        heading = panel["options"]["content"].removeprefix("## ")
        return words(box.x + 4, box.y + 40, 24, heading, "#24292e", 'font-weight="600"')
    lines = server.lines(panel, start, end)
    frame = (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="3" fill="white" '
        'stroke="#d8dce1"/>' + words(box.x + 10, box.y + 21, 13, panel["title"], more='font-weight="600"')
    )
    match panel["type"]:
        case "stat":
            return frame + stat(panel, box, lines)
        case "timeseries":
            return frame + series(panel, box, lines, start, end)
    return frame + states(box, lines, start, end)


def main() -> None:
    file = Path(sys.argv[1])
    settings = Settings()
    with started_worker(settings, load(settings.config_dir), Quiet()) as worker:
        load_arguments = (str(RATE), Mix.REALISTIC.value, str(SAMPLE), str(2 * RATE * SECONDS))
        with (
            prometheus(worker.port) as server,
            running("the sender", ("service.bench.paced_load", *load_arguments), worker.pipeline.environment),
        ):
            begun = time.time()
            have_something_happen(worker)
            end = time.time()
            panels = "".join(drawn(panel, server, begun, end) for panel in FIRST_SCREEN)
    width, height = COLUMNS * CELL, TOP + ROWS * ROW
    note = "Weir · namespace events · job weir · a real worker, the demo's events, its own queries"
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
        f'<rect width="{width}" height="{height}" fill="#f4f5f7"/>{words(12, 28, 15, note)}{panels}</svg>\n',
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
