"""What a raw event costs in one process: microseconds of CPU, by stage, without Kafka."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from service.bench.machine import machine
from service.demo.events import Mix, generate
from service.demo.pipeline import own_settings
from service.demo.run import Steps
from service.detection.detector import Detector
from service.detection.spans import Span, TextRequest
from service.events.decode import decode
from service.events.json_value import JsonObject
from service.policy import load
from service.pseudonyms.keyring import KeyRing
from service.sanitize.outcomes import Sent
from service.sanitize.sanitizer import Sanitizer
from service.settings import Settings

_SEED: Final = 1
#: Events sanitized before the clock runs, of other people: so that the caches hold code, not their texts.
_WARM_UP: Final = 200


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time of one mix of events, in microseconds for each raw event.

    Attributes:
        mix: Which events.
        decode: Parse and validate.
        detect: Search the texts.
        rest: Route, transform, shape, gate and encode, for all vendors.
        vendor_records: Vendor records made of each raw event.
    """

    mix: Mix
    decode: float
    detect: float
    rest: float
    vendor_records: float

    @property
    def total(self) -> float:
        return self.decode + self.detect + self.rest


class _TimedDetector(Detector):
    """The detector, with the CPU seconds it took."""

    seconds = 0.0

    def find(self, requests: Sequence[TextRequest]) -> list[tuple[Span, ...]]:
        begun = time.process_time()
        found = super().find(requests)
        self.seconds += time.process_time() - begun
        return found


def measure(settings: Settings, *, events: int, steps: Steps) -> list[Cost]:
    """Sanitize structured events, then the realistic mix, in this process."""
    with own_settings(settings, settings.kafka_bootstrap) as own:
        assert own.keyring_file is not None
        with steps.step("Load the models"):
            detector = _TimedDetector(spacy_model=own.spacy_model)
            sanitizer = Sanitizer(load(own.config_dir), KeyRing.load(own.keyring_file), detector)
        costs = []
        for mix in (Mix.STRUCTURED, Mix.REALISTIC):
            with steps.step(f"Sanitize {mix} events"):
                costs.append(_cost(sanitizer, detector, mix, events, own.batch_records))
        return costs


def _cost(sanitizer: Sanitizer, detector: _TimedDetector, mix: Mix, events: int, batch: int) -> Cost:
    sanitizer.sanitize([event.raw for event in generate(_WARM_UP, seed=_SEED + 1, mix=mix)])
    records = [event.raw for event in generate(events, seed=_SEED, mix=mix)]
    begun = time.process_time()
    for record in records:
        decode(record)
    decoded = time.process_time() - begun
    detector.seconds, sent = 0.0, 0
    begun = time.process_time()
    for start in range(0, len(records), batch):
        result = sanitizer.sanitize(records[start : start + batch])
        sent += sum(isinstance(outcome, Sent) for outcomes in result.outcomes for outcome in outcomes)
    in_all = time.process_time() - begun
    each = 1e6 / len(records)
    rest = in_all - decoded - detector.seconds
    return Cost(mix, decoded * each, detector.seconds * each, rest * each, sent / len(records))


def print_costs(costs: Sequence[Cost], console: Console) -> None:
    table = Table(title="CPU time of one raw event, µs", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("")
    for cost in costs:
        table.add_column(f"{cost.mix} events", justify="right")
    table.add_row("decode", *(f"{cost.decode:,.0f}" for cost in costs))
    table.add_row("detect", *(f"{cost.detect:,.0f}" for cost in costs))
    table.add_row("route, transform, shape, gate, encode", *(f"{cost.rest:,.0f}" for cost in costs))
    table.add_row("in all", *(f"{cost.total:,.0f}" for cost in costs))
    table.add_row("vendor records", *(f"{cost.vendor_records:.1f}" for cost in costs))
    console.print(table)
    console.print(f"One process. {machine()}.")


def costs_as_json(costs: Sequence[Cost]) -> JsonObject:
    return {
        "microseconds_per_raw_event": {
            cost.mix: {
                "decode": round(cost.decode, 1),
                "detect": round(cost.detect, 1),
                "rest": round(cost.rest, 1),
                "in_all": round(cost.total, 1),
                "vendor_records": round(cost.vendor_records, 2),
            }
            for cost in costs
        },
        "machine": machine(),
    }
