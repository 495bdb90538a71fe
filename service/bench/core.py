"""What a raw event costs without Kafka, on one core, beside a floor and other engines.

The contestants take turns over the same events, each round's of other people, and the median of the rounds
counts: so that nobody gets a busy moment of the machine alone. Whatever else is measured of Weir gets events
that this process has not seen, for it remembers URLs, times and texts, whichever sanitizer saw them first.
"""

import gc
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import orjson
from rich.console import Console

from service.bench import contenders
from service.bench.floor import Floor
from service.bench.large_policy import renamed, write_large_policy
from service.bench.machine import machine
from service.bench.sheet import Sheet
from service.demo.events import Mix, generate
from service.demo.pipeline import own_settings
from service.demo.run import Steps
from service.detection.detector import Detector
from service.detection.profile import Profile
from service.detection.spans import Span, TextRequest
from service.errors import WeirError
from service.events.decode import decode
from service.events.json_value import JsonObject
from service.policy import load
from service.pseudonyms.keyring import KeyRing
from service.sanitize.outcomes import Sent
from service.sanitize.sanitizer import Sanitizer
from service.settings import Settings

_ROUNDS: Final = 5
_FIELDS: Final = 2000
_EVENT_TYPES: Final = 50
_FEW_USERS: Final = 10
_MANY_USERS: Final = 100_000
_FLOOR: Final = "floor"
_WEIR: Final = "Weir"
_VRL: Final = "VRL"
_BENTHOS: Final = "Benthos"


class Stages(NamedTuple):
    """Microseconds of CPU for each raw event.

    Attributes:
        decode: Parse and validate.
        detect: Search the texts.
        rest: Route, transform, gate, shape and encode, for all vendors.
    """

    decode: float
    detect: float
    rest: float

    @property
    def total(self) -> float:
        return sum(self)


@dataclass(frozen=True, slots=True)
class CoreReport:
    """Microseconds of CPU for each raw event: medians of the rounds.

    Attributes:
        events: Raw events of a round.
        vendor_records: Vendor records made of each structured one.
        contestants: By name, for structured events; the floor first.
        stages: Weir's, by kind of events.
        reference: Weir's for structured events, once more, beside the three that follow.
        large_policy: Weir's with a policy of 2,000 fields and 50 event types, for structured events.
        few_users: Weir's for structured events of 10 users.
        many_users: Weir's for structured events of any of 100,000 users.
    """

    events: int
    vendor_records: float
    contestants: Mapping[str, float]
    stages: Mapping[Mix, Stages]
    reference: float
    large_policy: float
    few_users: float
    many_users: float

    @property
    def ratios(self) -> dict[str, float]:
        """Each contestant's cost over the floor's."""
        floor = self.contestants[_FLOOR]
        return {name: cost / floor for name, cost in self.contestants.items()}

    @property
    def sheets(self) -> list[Sheet]:
        """The figures."""
        ratios = self.ratios
        scaled = {
            "reference policy, generated users": self.reference,
            f"policy of {_FIELDS:,} fields and {_EVENT_TYPES} event types": self.large_policy,
            f"{_FEW_USERS} users": self.few_users,
            f"{_MANY_USERS:,} users": self.many_users,
        }
        return [
            Sheet(
                "CPU time of one structured event, µs",
                ("µs", "of the floor"),
                {name: (f"{cost:,.1f}", f"{ratios[name]:.2f}") for name, cost in self.contestants.items()},
            ),
            Sheet(
                "Weir by stage, µs",
                list(self.stages),
                {
                    "decode and validate": [f"{each.decode:,.1f}" for each in self.stages.values()],
                    "detect": [f"{each.detect:,.1f}" for each in self.stages.values()],
                    "all else": [f"{each.rest:,.1f}" for each in self.stages.values()],
                    "in all": [f"{each.total:,.1f}" for each in self.stages.values()],
                },
            ),
            Sheet(
                "Weir, structured events, µs",
                ("µs", "of the first"),
                {name: (f"{cost:,.1f}", f"{cost / self.reference:.2f}") for name, cost in scaled.items()},
            ),
        ]

    @property
    def conditions(self) -> str:
        """What the figures are of."""
        return (
            f"One process on one core; medians of {_ROUNDS} rounds of {self.events:,} events, "
            f"{self.vendor_records:.1f} vendor records each. {machine()}."
        )

    def print(self, console: Console) -> None:
        for sheet in self.sheets:
            sheet.print(console)
        console.print(self.conditions)

    def as_json(self) -> JsonObject:
        return {
            "events": self.events,
            "rounds": _ROUNDS,
            "vendor_records": round(self.vendor_records, 2),
            "cpu_microseconds": {name: round(cost, 2) for name, cost in self.contestants.items()},
            "ratio_to_floor": {name: round(ratio, 3) for name, ratio in self.ratios.items()},
            "stages": {
                mix: {name: round(cost, 2) for name, cost in each._asdict().items()}
                for mix, each in self.stages.items()
            },
            "reference": round(self.reference, 2),
            "large_policy": round(self.large_policy, 2),
            "few_users": round(self.few_users, 2),
            "many_users": round(self.many_users, 2),
            "machine": machine(),
        }


def measure_core(
    settings: Settings, *, events: int, vrl: Path | None, benthos: Path | None, steps: Steps
) -> CoreReport:
    """Have the floor, Weir and the contenders given take turns over so many events a round.

    Raises:
        WeirError: if a contender can't be run or does not make as many payloads as the floor.
    """
    binaries = {name: path for name, path in ((_VRL, vrl), (_BENTHOS, benthos)) if path is not None}
    with (
        own_settings(settings, settings.kafka_bootstrap) as own,
        TemporaryDirectory(prefix="weir-bench-") as folder,
        one_core(),
    ):
        with steps.step("Load the models and policies"):
            bench = _Bench(own, binaries, events, Path(folder))
        with steps.step("Warm up"):
            bench.warm_up()
        with steps.step("Take turns") as progress, _frozen():
            for number in range(_ROUNDS):
                bench.round(number)
                progress(number + 1, _ROUNDS)
    return bench.report()


class _TimedDetector(Detector):
    """The detector, with the CPU seconds it took."""

    seconds = 0.0

    def find(self, requests: Sequence[TextRequest]) -> list[tuple[Span, ...]]:
        begun = time.process_time()
        found = super().find(requests)
        self.seconds += time.process_time() - begun
        return found


class _Bench:
    """The contestants, and what they took."""

    def __init__(self, settings: Settings, binaries: Mapping[str, Path], events: int, folder: Path) -> None:
        assert settings.keyring_file is not None
        self._binaries = binaries
        self._events = events
        self._batch = settings.batch_records
        self._folder = folder
        large = folder / "policy"
        large.mkdir()
        self._names = write_large_policy(settings.config_dir, large, events=_EVENT_TYPES, fields=_FIELDS)
        keyring = KeyRing.load(settings.keyring_file, settings.keyring_kek_file)
        self._key = keyring.versions[0]
        self._detector = _TimedDetector(settings.spacy_model, Profile(settings.detection_profile))
        self._floor = Floor(self._key)
        self._sanitizer = Sanitizer(load(settings.config_dir), keyring, self._detector)
        self._large = Sanitizer(load(large), keyring, self._detector)
        self._costs: dict[str, list[float]] = {name: [] for name in (_FLOOR, _WEIR, *binaries)}
        self._stages: dict[Mix, list[Stages]] = {Mix.STRUCTURED: [], Mix.REALISTIC: []}
        self._scaled: dict[str, list[float]] = {"reference": [], "policy": [], "few": [], "many": []}
        self._seeds = count()
        self._vendor_records = 0

    def warm_up(self) -> None:
        """Let everybody see a round of other people's events: templates are made, caches hold others' ids."""
        for mix in self._stages:
            self._sanitize(self._sanitizer, self._fresh(mix))
        self._sanitize(self._large, list(renamed(self._fresh(Mix.STRUCTURED), self._names)))
        for record in self._fresh(Mix.STRUCTURED):
            self._floor.payloads(record)

    def round(self, number: int) -> None:
        """One turn of everybody.

        Raises:
            WeirError: see `measure_core`.
        """
        self._compete(self._fresh(Mix.STRUCTURED))
        for mix, stages in self._stages.items():
            stages.append(self._staged(mix))
        scaled = list(self._scaled)
        for kind in scaled[number % len(scaled) :] + scaled[: number % len(scaled)]:
            sanitizer, records = self._scale(kind, self._fresh(Mix.STRUCTURED))
            seconds, _ = self._sanitize(sanitizer, records)
            self._scaled[kind].append(1e6 * seconds / self._events)

    def _compete(self, records: Sequence[bytes]) -> None:
        """The contestants' turns over the same events."""
        begun = time.process_time()
        payloads = sum(len(self._floor.payloads(record)) for record in records)
        self._note(_FLOOR, time.process_time() - begun)
        seconds, sent = self._sanitize(self._sanitizer, records)
        self._note(_WEIR, seconds)
        if sent != payloads:
            raise WeirError(
                "the floor and Weir don't make the same payloads: the policy is not the reference"
            )
        self._vendor_records = payloads
        if self._binaries:
            task = contenders.write_task(self._folder, self._key, self._fresh(Mix.STRUCTURED), records)
            for name, binary in self._binaries.items():
                self._note(name, contenders.cpu_seconds(binary, task, payloads=payloads))

    def _scale(self, kind: str, records: Sequence[bytes]) -> tuple[Sanitizer, Sequence[bytes]]:
        """Who gets which events."""
        match kind:
            case "policy":
                return self._large, list(renamed(records, self._names))
            case "few":
                return self._sanitizer, list(_of_users(records, _FEW_USERS, next(self._seeds)))
            case "many":
                return self._sanitizer, list(_of_users(records, _MANY_USERS, next(self._seeds)))
            case _:
                return self._sanitizer, records

    def _fresh(self, mix: Mix) -> list[bytes]:
        """A round's events that nobody has seen."""
        events = generate(self._events, seed=next(self._seeds), mix=mix)
        return [event.raw for event in events if event.raw is not None]

    def report(self) -> CoreReport:
        return CoreReport(
            events=self._events,
            vendor_records=self._vendor_records / self._events,
            contestants={name: median(costs) for name, costs in self._costs.items()},
            stages={mix: Stages(*map(median, zip(*each, strict=True))) for mix, each in self._stages.items()},
            reference=median(self._scaled["reference"]),
            large_policy=median(self._scaled["policy"]),
            few_users=median(self._scaled["few"]),
            many_users=median(self._scaled["many"]),
        )

    def _note(self, name: str, seconds: float) -> None:
        self._costs[name].append(1e6 * seconds / self._events)

    def _staged(self, mix: Mix) -> Stages:
        """Weir's stages; decode alone gets events of its own, as it remembers times."""
        alone = self._fresh(mix)
        begun = time.process_time()
        for record in alone:
            decode(record)
        decoded = time.process_time() - begun
        self._detector.seconds = 0.0
        seconds, _ = self._sanitize(self._sanitizer, self._fresh(mix))
        detected = self._detector.seconds
        each = 1e6 / self._events
        return Stages(decoded * each, detected * each, (seconds - decoded - detected) * each)

    def _sanitize(self, sanitizer: Sanitizer, records: Sequence[bytes]) -> tuple[float, int]:
        """Seconds of processor time, and vendor records made."""
        seconds, sent = 0.0, 0
        for start in range(0, len(records), self._batch):
            batch = records[start : start + self._batch]
            begun = time.process_time()
            result = sanitizer.sanitize(batch)
            seconds += time.process_time() - begun
            sent += sum(isinstance(outcome, Sent) for outcomes in result.outcomes for outcome in outcomes)
        return seconds, sent


def _of_users(records: Sequence[bytes], users: int, seed: int) -> Iterator[bytes]:
    """The events with ids of any of so many users, each with one device."""
    random = Random(seed)  # noqa: S311  (a repeatable sample, no secret)
    for record in records:
        body = orjson.loads(record)
        number = random.randrange(users)
        body["anonymousId"] = f"{number:08x}-0000-4000-8000-{number:012x}"
        if "userId" in body:
            body["userId"] = f"usr_{number:016x}"
        if "device" in body["context"]:
            body["context"]["device"]["id"] = f"{number:08X}-0000-4000-A000-{number:012X}"
        yield orjson.dumps(body)


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process and those that it starts on one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@contextmanager
def _frozen() -> Iterator[None]:
    """Leave what is loaded to no garbage collection, as the worker's processes do."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
