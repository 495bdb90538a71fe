"""Everything that docs/performance.md shows, measured in one run on one broker."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from service.bench import capacity, sweep
from service.bench.capacity import CapacityReport
from service.bench.core import measure_core
from service.bench.pipeline import Load, PipelineReport, measure_traffic
from service.bench.sheet import Sheet
from service.bench.sweep import Grid, SweepReport
from service.broker.local import use_broker
from service.demo.pipeline import PARTITIONS
from service.demo.run import Steps
from service.errors import ConfigurationError
from service.events.json_value import JsonObject
from service.policy.vendor_names import VendorName
from service.settings import Settings

#: Between these lines of a page are the figures.
BEGIN: Final = "<!-- figures: weir bench sweep -->"
END: Final = "<!-- end of figures -->"
#: Raw events a second that the page names the needed cores for.
RATES: Final = (1_000, 10_000, 50_000)


@dataclass(frozen=True, slots=True)
class PerformanceReport:
    """What was measured."""

    pipeline: PipelineReport
    sweep: SweepReport
    capacity: CapacityReport

    def print(self, console: Console) -> None:
        self.pipeline.print(console)
        self.sweep.print(console)
        self.capacity.print(console)

    def as_json(self) -> JsonObject:
        return {
            "pipeline": self.pipeline.as_json(),
            "sweep": self.sweep.as_json(),
            "capacity": self.capacity.as_json(),
        }

    def page(self, plot: str | None) -> str:
        """The figures' part of the page, with the plot of that name beside it."""
        parts = [
            "### From raw topic to vendor topics",
            *_shown(self.pipeline.sheets),
            self.pipeline.conditions,
            "### The core beside other engines",
            *_shown(self.pipeline.core.sheets),
            self.pipeline.core.conditions,
            "### By processes, partitions, vendors and size",
            *(
                [f"![Throughput and CPU time by processes, partitions, vendors and size]({plot})"]
                if plot
                else []
            ),
            *_shown(self.sweep.sheets),
            self.sweep.conditions,
            "### Capacity",
            f"    {self.capacity.model.formula}",
            self.capacity.meaning,
            *_shown(self.capacity.sheets),
        ]
        return "\n\n".join(part.strip("\n") for part in parts)


def _shown(sheets: Sequence[Sheet]) -> list[str]:
    return [sheet.markdown() for sheet in sheets]


def rewritten(page: str, figures: str) -> str:
    """A page with other figures between its two marks.

    Raises:
        ConfigurationError: if it has not each of them once, in their order.
    """
    before, begun, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended or BEGIN in rest or END in after:
        raise ConfigurationError(f"the page needs the lines {BEGIN} and {END}, each once, for the figures")
    return f"{before}{BEGIN}\n{figures}\n{END}{after}"


def measure(
    settings: Settings, load: Load, grid: Grid, *, vrl: Path | None, benthos: Path | None, steps: Steps
) -> PerformanceReport:
    """Measure the pipeline, vary its conditions, check the model of its capacity, and measure the core.

    Raises:
        WeirError: if the broker, a worker, a yardstick or another engine does not do its part.
    """
    with use_broker() as bootstrap:
        traffic = measure_traffic(bootstrap, settings, load, steps)
        swept = sweep.measure(settings, bootstrap, grid, events=load.events, steps=steps)
        own = settings.model_copy(update={"processes": grid.base.processes})
        model, checks = capacity.checked(own, bootstrap, swept, seconds=load.seconds, steps=steps)
    core = measure_core(settings, events=load.core_events, vrl=vrl, benthos=benthos, steps=steps)
    return PerformanceReport(
        PipelineReport(settings.processes, traffic, core),
        swept,
        CapacityReport(model, len(VendorName), PARTITIONS, RATES, checks),
    )
